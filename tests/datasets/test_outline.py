"""Masks as COCO segmentations: what is written is what pycocotools draws."""

import numpy as np
import pytest

from bottomup.datasets.outline import describe_mask, trace
from bottomup.rle import rle_mask, segmentation_rle


def drawn(described, shape):
    return rle_mask(segmentation_rle(described["segmentation"], *shape))


def disc(radius=15.0, centre=(30, 40), shape=(70, 80)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2


@pytest.mark.parametrize("form", ["polygons", "compressed", "runs"])
def test_area_and_box_are_those_of_what_is_drawn(form):
    described = describe_mask(disc(), form)
    mask = drawn(described, (70, 80))
    assert described["area"] == mask.sum()
    assert described["bbox"] == [25, 15, 31, 31]


@pytest.mark.parametrize("form", ["compressed", "runs"])
def test_run_lengths_are_exact(form):
    rng = np.random.default_rng(0)
    mask = rng.random((9, 13)) < 0.5
    mask[0, 0] = form == "runs"
    assert np.array_equal(drawn(describe_mask(mask, form), (9, 13)), mask)


def test_polygons_agree_with_the_mask_up_to_its_edge():
    mask = disc(20)
    described = describe_mask(mask)
    assert isinstance(described["segmentation"], list)
    assert (drawn(described, (70, 80)) != mask).sum() < 0.03 * mask.sum()


def test_a_person_in_two_parts_has_two_polygons():
    mask = disc(8, (20, 20)) | disc(8, (50, 60))
    assert len(describe_mask(mask)["segmentation"]) == 2


def test_a_hole_that_polygons_would_fill_makes_run_lengths():
    ring = disc(20) & ~disc(12)
    described = describe_mask(ring)
    assert isinstance(described["segmentation"], dict)
    assert described["area"] == ring.sum()


def test_polygons_stay_inside_the_image():
    described = describe_mask(disc(20, (0, 0)))
    corners = np.array(described["segmentation"][0]).reshape(-1, 2)
    assert corners.min() >= 0
    assert described["bbox"] == [0, 0, 21, 21]


@pytest.mark.parametrize("seed", range(5))
def test_trace_passes_every_edge_between_mask_and_rest_once(seed):
    mask = np.pad(np.random.default_rng(seed).random((12, 15)) < 0.6, 1)
    points, ends = trace(mask)
    edges = {(c + 0.5, r + 1.0) for r, c in zip(*np.nonzero(mask[1:] != mask[:-1]), strict=True)}
    across = np.nonzero(mask[:, 1:] != mask[:, :-1])
    edges |= {(c + 1.0, r + 0.5) for r, c in zip(*across, strict=True)}
    assert len(points) == len(edges)
    assert {tuple(point) for point in points.tolist()} == edges
    assert ends[-1] == len(points)


def test_trace_separates_parts_that_touch_at_a_corner():
    mask = np.zeros((4, 4), bool)
    mask[1, 1] = mask[2, 2] = True
    assert trace(mask)[1].tolist() == [4, 8]
