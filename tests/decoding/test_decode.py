"""Scenes of made-up people go round the circle: annotations, ideal fields, decoder, annotations."""

from dataclasses import replace

import numpy as np
import pytest

from bottomup.decoding import DecoderSettings, decode, hough_map
from bottomup.errors import InputError
from bottomup.fields.grid import Fields
from bottomup.rle import rle_mask
from bottomup.skeleton import COCO_PERSON
from scenes import box_mask, figure, scene

NO_HEAD = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
ROW = [figure(x, 60, 250) for x in (70, 200, 330)]
MODES = pytest.mark.parametrize("assembly", ["linked", "paper"])


def people_of(people, **options):
    fields, settings, frame = scene(people, **options)
    return decode(fields, COCO_PERSON, settings, frame)


def assert_found(found, people, within_px=1.0):
    """Each person is one of the detections, which are as many, at every labelled keypoint."""
    assert len(found) == len(people)
    taken = set()
    for person in people:
        labelled = person[:, 2] > 0
        errors = [np.abs(one.keypoints - person)[labelled, :2].max() for one in found]
        best = int(np.argmin(errors))
        assert errors[best] < within_px
        taken.add(best)
    assert len(taken) == len(people)


@MODES
@pytest.mark.parametrize("stride", [8, 16])
def test_people_side_by_side(assembly, stride):
    assert_found(people_of(ROW, assembly=assembly, stride=stride), ROW)


@MODES
def test_nobody(assembly):
    assert people_of([], assembly=assembly) == []


def test_the_tree_broken_at_the_head_is_repaired_through_long_offsets():
    headless = [figure(200, 60, 250, missing=NO_HEAD)]
    [one] = people_of(headless)
    assert_found([one], headless)
    assert one.placed.tolist() == (headless[0][:, 2] > 0).tolist()


def test_noise_where_nothing_is_learned_does_not_join_neighbours():
    people = [figure(x, 60, 250, missing=NO_HEAD) for x in (110, 200, 290)]
    assert_found(people_of(people, garbage=1), people, within_px=4)


@MODES
def test_a_person_with_a_single_keypoint(assembly):
    others = tuple(name for name in COCO_PERSON.keypoints if name != "left_knee")
    person = figure(200, 60, 250, missing=others)
    [one] = people_of([person], assembly=assembly)
    assert_found([one], [person])
    assert np.isfinite(one.keypoints).all()
    assert 0 < one.score <= 1


def test_a_person_across_the_border():
    person = figure(5, 200, 400)
    inside = (person[:, :2] >= 0).all(1) & (person[:, :2] <= 400).all(1)
    person[~inside, 2] = 0
    [one] = people_of([person])
    assert_found([one], [person])


def test_an_unlabelled_keypoint_is_still_written_near_the_person():
    person = figure(200, 60, 250, missing=("left_wrist",))
    [one] = people_of([person])
    wrist = one.keypoints[COCO_PERSON.keypoints.index("left_wrist")]
    assert box_mask(person, 401, 401)[round(float(wrist[1])), round(float(wrist[0]))]
    assert wrist[2] == 0


def test_two_people_at_the_same_place_are_one():
    person = figure(200, 60, 250)
    found = people_of([person, person])
    assert_found(found, [person])


def test_people_that_share_one_keypoint_both_have_it():
    left, right = figure(150, 60, 250), figure(230, 60, 250)
    right[10, :2] = left[9, :2] + 1  # a wrist on a wrist: other types, no conflict
    left[5, :2] = right[5, :2]  # a shoulder on a shoulder
    found = people_of([left, right])
    assert_found(found, [left, right], within_px=2)


def test_sixty_people():
    people = [
        figure(40 + 80 * column, 20 + 128 * row, 110) for row in range(6) for column in range(10)
    ]
    assert_found(people_of(people, size=(801, 861), garbage=3), people, within_px=3)


def test_a_keypoint_on_another_persons_mask_stays_with_its_owner():
    behind, front = figure(150, 60, 250), figure(260, 60, 250)
    behind[9, :2] = (262, 170)  # left wrist, on the trunk of the one in front
    assert_found(people_of([behind, front]), [behind, front])


@MODES
def test_native_coordinates(assembly):
    people = [figure(x, 40, 150) for x in (60, 140)]
    fields, settings, _ = scene(people, assembly=assembly)
    half = scene(people)[2].__class__(scale=2.0, height=201, width=201)
    found = decode(fields, COCO_PERSON, settings, half)
    assert_found(found, [person * [0.5, 0.5, 1] for person in people])


@pytest.mark.parametrize("distance", [False, True])
@pytest.mark.parametrize("sub_cells", [1, 4])
def test_masks_of_people_apart(sub_cells, distance):
    found = people_of(ROW, sub_cells=sub_cells, distance=distance)
    for one in found:
        mask = rle_mask(one.mask)
        truth = max((box_mask(p, 401, 401) for p in ROW), key=lambda m: (m & mask).sum())
        assert (mask & truth).sum() / (mask | truth).sum() > 0.94


def test_masks_of_touching_people_part_where_they_touch():
    people = [figure(120, 60, 250), figure(120 + 107, 60, 250)]
    for one in people_of(people, sub_cells=4):
        mask = rle_mask(one.mask)
        truth = max((box_mask(p, 401, 401) for p in people), key=lambda m: (m & mask).sum())
        assert (mask & truth).sum() / (mask | truth).sum() > 0.9


@pytest.mark.parametrize(("distance", "bound"), [(False, 0.9), (True, 0.965)])
def test_a_distance_tells_where_touching_people_part(distance, bound):
    """They share a border that is no whole number of nodes away from any."""
    people = [figure(117, 60, 250), figure(117 + 109, 60, 250)]
    for one in people_of(people, sub_cells=4, distance=distance):
        mask = rle_mask(one.mask)
        truth = max((box_mask(p, 401, 401) for p in people), key=lambda m: (m & mask).sum())
        assert (mask & truth).sum() / (mask | truth).sum() > bound


def test_people_without_keypoints_keep_their_pixels():
    """Whom nobody annotated is nobody's mask, however near: only a distance can tell."""
    one = figure(117, 60, 250)
    fields, settings, frame = scene([one], sub_cells=4, distance=True)
    both = scene([one, figure(117 + 109, 60, 250)], sub_cells=4, distance=True)[0]
    stranger = replace(both, heatmap=fields.heatmap, short=fields.short, mid=fields.mid)
    [found] = decode(stranger, COCO_PERSON, settings, frame)
    mask, truth = rle_mask(found.mask), box_mask(one, 401, 401)
    assert (mask & truth).sum() / (mask | truth).sum() > 0.965


def test_a_person_below_the_gate_takes_no_pixels():
    found = people_of(ROW, mask_score_gate=1.1)
    assert all(not rle_mask(one.mask).any() for one in found)


def test_no_masks_if_none_are_wanted():
    assert all(one.mask is None for one in people_of(ROW, masks=False))


def test_the_hough_score_needs_no_heatmap():
    found = people_of(ROW, score="hough")
    assert_found(found, ROW)
    assert all(0.9 < one.keypoints[:, 2].max() <= 1 for one in found)


def test_a_hough_map_has_a_whole_disk_at_each_keypoint():
    fields, settings, _ = scene([figure(200, 60, 250)])
    picture = hough_map(fields, settings)
    assert picture.shape == (17, 126, 126)
    assert picture[11].sum() == pytest.approx(1, abs=0.05)


@MODES
def test_how_the_fields_lie_in_memory_changes_nothing(assembly):
    fields, settings, frame = scene(ROW, assembly=assembly, garbage=3)
    names = ("heatmap", "short", "mid", "long")
    by_node = replace(fields, **{n: np.ascontiguousarray(getattr(fields, n)) for n in names})
    assert by_node.heatmap.strides != fields.heatmap.strides
    for one, other in zip(
        decode(fields, COCO_PERSON, settings, frame),
        decode(by_node, COCO_PERSON, settings, frame),
        strict=True,
    ):
        np.testing.assert_array_equal(one.keypoints, other.keypoints)
        assert (one.score, one.mask) == (other.score, other.mask)


@pytest.mark.parametrize("name", ["heatmap", "short", "mid", "long", "segmentation"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(name, value):
    fields, settings, frame = scene(ROW)
    broken = getattr(fields, name).copy()
    broken.reshape(-1)[7] = value
    with pytest.raises(InputError, match=f"field {name} holds values that are not finite"):
        decode(replace(fields, **{name: broken}), COCO_PERSON, settings, frame)


def test_fields_of_another_skeleton_are_refused():
    fields, settings, frame = scene(ROW)
    fields = replace(fields, mid=fields.mid[:, :, :-2])
    with pytest.raises(InputError, match=r"field mid has shape \(51, 51, 30, 2\)"):
        decode(fields, COCO_PERSON, settings, frame)


@MODES
def test_a_grid_of_one_node(assembly):
    one = np.ones((1, 1, 17), np.float32)
    zeros = np.zeros((1, 1, 17, 2), np.float32)
    fields = Fields(one, zeros, np.zeros((1, 1, 32, 2), np.float32), zeros, one[..., 0], 8)
    frame = scene([])[2]
    found = decode(fields, COCO_PERSON, DecoderSettings(assembly=assembly), frame)
    assert all(np.isfinite(person.keypoints).all() for person in found)
