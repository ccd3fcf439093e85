"""Polygons and run lengths against pycocotools and against plain pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as rle_tools

import people
from bottomup.errors import InputError
from bottomup.rle import numbers, rle_mask, run_lengths, segmentation_problem, segmentation_rle

SQUARE = [2, 1, 6, 1, 6, 5, 2, 5]


def pixels(segmentation, height=8, width=10) -> np.ndarray:
    return rle_mask(segmentation_rle(segmentation, height, width))


masks = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda size: st.lists(
        st.booleans(), min_size=size[0] * size[1], max_size=size[0] * size[1]
    ).map(lambda flat: np.array(flat, bool).reshape(size))
)


@settings(deadline=None)
@given(masks)
def test_run_lengths_written_by_pycocotools_decode_to_the_mask(mask):
    rle = rle_tools.encode(np.asfortranarray(mask.astype(np.uint8)))
    np.testing.assert_array_equal(rle_mask(rle), mask)


@settings(deadline=None)
@given(masks)
def test_every_way_to_write_a_mask_gives_the_same_pixels(mask):
    rle = rle_tools.encode(np.asfortranarray(mask.astype(np.uint8)))
    compressed = {"size": list(mask.shape), "counts": rle["counts"].decode()}
    plain = {"size": list(mask.shape), "counts": run_lengths(compressed["counts"])}
    for written in (compressed, plain):
        assert segmentation_problem(written, *mask.shape) is None
        np.testing.assert_array_equal(pixels(written, *mask.shape), mask)


def test_long_runs_survive_compression():
    mask = np.zeros((700, 900), np.uint8, order="F")
    mask[5:, 300:] = 1
    counts = run_lengths(rle_tools.encode(mask)["counts"].decode())
    assert counts[:3] == [300 * 700 + 5, 695, 5]
    assert sum(counts) == 700 * 900


def test_a_square_polygon_covers_its_pixels():
    expected = np.zeros((8, 10), bool)
    expected[1:5, 2:6] = True
    np.testing.assert_array_equal(pixels([SQUARE]), expected)


def test_several_polygons_are_joined():
    both = pixels([SQUARE, [7, 6, 9, 6, 9, 8, 7, 8]])
    np.testing.assert_array_equal(both, pixels([SQUARE]) | pixels([[7, 6, 9, 6, 9, 8, 7, 8]]))


@pytest.mark.parametrize("short", [[], [1, 1], [1, 1, 4, 4]])
def test_polygons_of_fewer_than_three_corners_are_legal_and_cover_nothing(short):
    assert segmentation_problem([short], 8, 10) is None
    assert not pixels([short]).any()
    np.testing.assert_array_equal(pixels([short, SQUARE]), pixels([SQUARE]))


@pytest.mark.parametrize("nothing", [None, []])
def test_no_segmentation_is_legal_and_covers_nothing(nothing):
    assert segmentation_problem(nothing, 8, 10) is None
    assert pixels(nothing).shape == (8, 10)
    assert not pixels(nothing).any()


def test_a_polygon_over_the_border_is_legal_and_cut():
    assert segmentation_problem([[-3, -2, 4, -2, 4, 3, -3, 3]], 8, 10) is None
    assert pixels([[-3, -2, 4, -2, 4, 3, -3, 3]]).sum() == 12


@pytest.mark.parametrize("stray", [1e9, -1e9, 25])
def test_a_corner_far_outside_is_refused(stray):
    assert "far outside the image of 8 x 10" in segmentation_problem(
        [[1, 1, stray, 1, 5, 5]], 8, 10
    )


@pytest.mark.parametrize(
    "polygon", [[1, 2, 3, 4, 5, 6, 7], [1, 1, float("nan"), 1, 5, 5], ["1"] * 6, 7, None, [[1, 2]]]
)
def test_polygons_that_are_no_corners(polygon):
    assert "no list of x, y pairs" in segmentation_problem([polygon], 8, 10)


@pytest.mark.parametrize("value", [7, "polygon", True])
def test_a_segmentation_that_is_neither(value):
    assert "neither a list of polygons nor run lengths" in segmentation_problem(value, 8, 10)


@pytest.mark.parametrize("size", [[10, 8], None, [8], "8x10"])
def test_run_lengths_of_the_wrong_size(size):
    rle = people.box_rle([1, 1, 3, 3], (8, 10)) | {"size": size}
    assert "but the image is [8, 10]" in segmentation_problem(rle, 8, 10)


@pytest.mark.parametrize("counts", [[40], [40, 50], "0"])
def test_run_lengths_that_do_not_fill_the_image(counts):
    rle = {"size": [8, 10], "counts": counts}
    assert "pixels of 80" in segmentation_problem(rle, 8, 10)


@pytest.mark.parametrize(
    "counts", [None, [81, -1], [1.5, 78.5], ["80"], "not COCO ~", "P", "o" * 30, b"`2"]
)
def test_run_lengths_that_are_none(counts):
    rle = {"size": [8, 10], "counts": counts}
    assert "no list of whole numbers and no COCO string" in segmentation_problem(rle, 8, 10)


def test_drawing_on_another_size_is_refused():
    with pytest.raises(InputError, match=r"size \[8, 10\] cannot mask an image of \[10, 8\]"):
        segmentation_rle({"size": [8, 10], "counts": [80]}, 10, 8)


@pytest.mark.parametrize(
    "values", [[1, float("inf")], ["1"], [[1, 2]], [1, [2]], [10**400], [None]]
)
def test_numbers_are_flat_finite_and_no_text(values):
    assert numbers(values) is None
