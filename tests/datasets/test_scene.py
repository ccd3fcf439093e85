"""Scenes: who hides whom, and what an annotator would write down."""

import numpy as np
import pytest

from bottomup.datasets.figure import KEYPOINTS, draw_figure
from bottomup.datasets.layout import Actor, Setting, place_figure
from bottomup.datasets.render import Drawing
from bottomup.datasets.scene import HIDDEN, SEEN, draw_scene, label_keypoints, owner_map
from bottomup.datasets.wardrobe import WORLDS

SIDE = 257
NAMES = {name: k for k, name in enumerate(KEYPOINTS)}
SETTING = Setting(WORLDS["seen"], SIDE, np.array([0.0, -0.6, 0.8]), 0.0, careful=False)


def person(yaw=0.0, xy=(128, 110), seed=0, arms="hang", height=200.0):
    """One standing person with arms hanging down or spread."""
    for attempt in range(200):
        rng = np.random.default_rng((seed, attempt))
        figure = draw_figure(rng, SETTING.world, yaw, 0.0)
        wrists = figure.keypoints[[NAMES["left_wrist"], NAMES["right_wrist"]], 1]
        if figure.stance == "stand" and (wrists > -0.12).all():
            return place_figure(SETTING, "person", figure, np.array(xy, float), height)
    raise AssertionError("no such pose in 200 attempts")


def board(left, top, width, height):
    """A thing that covers a rectangle."""
    paint = np.ones((height, width, 4), np.float32)
    drawing = Drawing(left, top, paint, np.zeros((height, width), np.float32), 1)
    return Actor("thing", drawing, None, np.zeros(2), 1.0, 300.0)


def labels(*actors):
    return label_keypoints(actors[0], 0, owner_map(list(actors), SIDE))


def test_a_person_facing_us_shows_its_left_on_our_right():
    found = labels(person())
    for part in ("shoulder", "hip", "eye", "ankle"):
        assert found[NAMES[f"left_{part}"], 0] > found[NAMES[f"right_{part}"], 0]


def test_a_person_seen_from_behind_shows_its_left_on_our_left_and_no_face():
    found = labels(person(yaw=180))
    assert found[NAMES["left_shoulder"], 0] < found[NAMES["right_shoulder"], 0]
    assert found[NAMES["nose"], 2] == 0


def test_the_far_side_of_the_head_has_no_label_and_the_far_shoulder_is_hidden():
    found = labels(person(yaw=90))
    assert found[NAMES["right_ear"], 2] > 0
    assert found[NAMES["left_ear"], 2] == 0
    assert found[NAMES["right_shoulder"], 2] == SEEN
    assert found[NAMES["left_shoulder"], 2] == HIDDEN


def test_a_thing_in_front_hides_a_keypoint():
    actor = person()
    before = labels(actor)
    x, y = before[NAMES["left_knee"], :2].astype(int)
    after = labels(actor, board(x - 8, y - 8, 17, 17))
    assert before[NAMES["left_knee"], 2] == SEEN
    assert after[NAMES["left_knee"], 2] == HIDDEN
    assert after[NAMES["right_hip"], 2] == before[NAMES["right_hip"], 2]
    assert np.array_equal(after[NAMES["left_knee"], :2], before[NAMES["left_knee"], :2])


def test_a_limb_wholly_behind_a_thing_has_no_label_at_its_end():
    actor = person()
    before = labels(actor)
    top = int(before[NAMES["left_knee"], 1]) - 8
    after = labels(actor, board(0, top, SIDE, SIDE - top))
    assert after[NAMES["left_knee"], 2] == HIDDEN
    assert after[NAMES["left_ankle"], 2] == 0
    assert (after[NAMES["left_ankle"]] == 0).all()


def test_a_nearer_person_hides_a_farther_one():
    far, near = person(), person(seed=1)
    assert (labels(far)[:, 2] == SEEN).sum() > (labels(far, near)[:, 2] == SEEN).sum()


def test_keypoints_outside_the_image_have_no_label():
    found = labels(person(xy=(128, 230)))
    assert (found[[NAMES["left_ankle"], NAMES["right_ankle"]]] == 0).all()
    assert found[NAMES["nose"], 2] == SEEN


def test_masks_of_people_never_overlap():
    scene = draw_scene(np.random.default_rng(2), WORLDS["seen"], SIDE, 6, {})
    assert np.sum([p.mask for p in scene.persons], axis=0).max() == 1


@pytest.mark.parametrize("people", [0, 1, 5, 13])
def test_every_person_can_be_annotated(people):
    scene = draw_scene(np.random.default_rng(5), WORLDS["unseen"], SIDE, people, {})
    assert [bool((p.keypoints[:, 2] == SEEN).sum() >= 4) for p in scene.persons] == [True] * people


def test_a_crowd_is_one_region_without_keypoints_and_without_others_pixels():
    scene = draw_scene(np.random.default_rng(3), WORLDS["seen"], SIDE, 2, {"crowds": 1})
    crowd = [p for p in scene.persons if p.crowd]
    others = [p for p in scene.persons if not p.crowd]
    assert len(crowd) == 1
    assert not crowd[0].keypoints.any()
    assert not any((crowd[0].mask & p.mask).any() for p in others)


def test_the_head_box_holds_the_face_and_no_more_than_a_head():
    seen = 0
    for seed in range(6):
        found = draw_scene(np.random.default_rng(seed), WORLDS["seen"], SIDE, 2, {})
        for person in found.persons:
            x, y, width, height = person.head_box
            face = person.keypoints[:3][person.keypoints[:3, 2] > 0]
            seen += len(face)
            # The tip of the nose may stand out of the skull by a little.
            slack = 0.15 * max(width, height)
            assert (face[:, :2] >= np.array([x, y]) - slack).all()
            assert (face[:, :2] <= np.array([x + width, y + height]) + slack).all()
            # A head is a seventh or an eighth of a standing person, who is 90 px or more here.
            assert 8 < max(width, height) < 60
    assert seen > 10
