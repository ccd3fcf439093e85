"""Views of one image agree in one frame: mirrored, and at other scales."""

import numpy as np
import pytest

from bottomup.fields.grid import Fields, PairFields, grid_size
from bottomup.fields.merge import flip_fields, merge_fields
from bottomup.skeleton import COCO_PERSON
from bottomup.systems import deepercut
from bottomup.systems.personlab import Options, targets

STRIDE, SUB_CELLS = 8, 2
PAIR = ("heatmap", "short", "pairwise")
ALL = ("heatmap", "short", "mid", "long", "segmentation", "distance")


def ideal_fields(keypoints, side, radius_px=12, mirror=False):
    """Ideal fields of one person, [keypoint, 3], whose mask fills most of a square input."""
    instances = np.zeros((1, side, side), np.int32)
    instances[:, side // 6 : -side // 5, side // 4 : -side // 8] = 1
    instances = instances[:, :, ::-1] if mirror else instances
    options = Options(radius_px=radius_px, sub_cells=SUB_CELLS, distance=True)
    goals = targets(keypoints[None, None], instances, COCO_PERSON, STRIDE, options)
    goals = {name: np.asarray(value)[0] for name, value in goals.items()}
    nodes = grid_size(side, STRIDE)
    cells = goals["segmentation"].reshape(nodes, nodes, SUB_CELLS, SUB_CELLS)
    return Fields(
        **{name: goals[name] for name in ("heatmap", "short", "mid", "long")},
        segmentation=cells.transpose(0, 2, 1, 3).reshape(nodes * SUB_CELLS, -1),
        stride=STRIDE,
        sub_cells=SUB_CELLS,
        distance=goals["distance"],
    )


def person(side):
    xy = np.random.default_rng(0).uniform(side * 0.3, side * 0.7, (17, 2))
    return np.concatenate([xy, np.full((17, 1), 2)], 1).astype(np.float32)


def mirrored(keypoints, side):
    moved = keypoints[COCO_PERSON.flip_keypoints].copy()
    moved[:, 0] = side - 1 - moved[:, 0]
    return moved


def assert_same(one, other, names=ALL):
    for name in names:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-3)


def test_flipping_twice_changes_nothing():
    fields = ideal_fields(person(129), 129)
    assert_same(flip_fields(flip_fields(fields, COCO_PERSON), COCO_PERSON), fields)


def test_flipped_fields_are_those_of_the_mirrored_person():
    keypoints = person(129)
    flipped = flip_fields(ideal_fields(keypoints, 129), COCO_PERSON)
    assert_same(flipped, ideal_fields(mirrored(keypoints, 129), 129, mirror=True))


def test_one_view_merged_with_its_own_flip_is_itself():
    fields = ideal_fields(person(129), 129)
    back = flip_fields(flip_fields(fields, COCO_PERSON), COCO_PERSON)
    assert_same(merge_fields([(fields, 1.0), (back, 1.0)], COCO_PERSON), fields)


@pytest.mark.parametrize("ratio", [0.5, 1.5, 2.0])
def test_offsets_of_another_scale_point_to_the_same_place(ratio):
    """Inside a disk the offsets are linear, so resampling them loses nothing there."""
    side, other = 129, round(128 * ratio) + 1
    keypoints = person(side)
    scaled = keypoints * [ratio, ratio, 1]
    view = ideal_fields(scaled.astype(np.float32), other, radius_px=1000)
    first = ideal_fields(keypoints, side, radius_px=1000)
    merged = merge_fields([(first, 1.0), (view, ratio)], COCO_PERSON)
    assert_same(merged, first, ("heatmap", "short", "mid"))


def test_offsets_count_by_the_probability_that_they_mean_anything():
    sure = ideal_fields(person(129), 129)
    unsure = Fields(
        heatmap=np.zeros_like(sure.heatmap),
        short=np.full_like(sure.short, 1000),
        mid=np.full_like(sure.mid, 1000),
        long=np.full_like(sure.long, 1000),
        segmentation=np.zeros_like(sure.segmentation),
        distance=np.full_like(sure.distance, -4),
        stride=STRIDE,
        sub_cells=SUB_CELLS,
    )
    merged = merge_fields([(sure, 1.0), (unsure, 1.0)], COCO_PERSON)
    disk = sure.heatmap > 0
    assert np.abs(merged.short - sure.short)[disk].max() < 2
    np.testing.assert_allclose(merged.heatmap, sure.heatmap / 2)
    np.testing.assert_allclose(merged.distance, sure.distance / 2 - 2)


def pair_fields(keypoints, side, radius_px=12):
    """Ideal fields of pairs of one person, [keypoint, 3]."""
    options = deepercut.Options(radius_px=radius_px)
    empty = np.zeros((1, side, side), np.int32)
    goals = deepercut.targets(keypoints[None, None], empty, COCO_PERSON, STRIDE, options)
    return PairFields(*(np.asarray(goals[name])[0] for name in PAIR), STRIDE)


def test_fields_of_pairs_of_a_mirrored_image_flip_back():
    flipped = flip_fields(pair_fields(mirrored(person(129), 129), 129), COCO_PERSON)
    assert_same(flipped, pair_fields(person(129), 129), PAIR)


def test_fields_of_pairs_at_another_scale_agree():
    """Where every view is sure, the merged offsets lead to the same places."""
    one, other = person(129), person(257)
    other[:, :2] = one[:, :2] * 2
    small, large = pair_fields(one, 129), pair_fields(other, 257, 24)
    merged = merge_fields([(small, 1.0), (large, 2.0)], COCO_PERSON)
    sure = merged.heatmap > 0.999
    assert sure.sum() > 17
    np.testing.assert_allclose(merged.short[sure], small.short[sure], atol=0.1)
    starts = sure[..., COCO_PERSON.ordered_pairs[:, 0]]
    np.testing.assert_allclose(merged.pairwise[starts], small.pairwise[starts], atol=0.1)
