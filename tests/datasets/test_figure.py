"""Figures: proportions, keypoints on the body, sides that only anatomy tells apart."""

import numpy as np
import pytest

from bottomup.datasets.figure import FACE, KEYPOINTS, draw_figure, keypoint_indices
from bottomup.datasets.wardrobe import WORLDS
from bottomup.errors import InputError

SEEDS = range(40)


def figure(seed, yaw=0.0):
    return draw_figure(np.random.default_rng(seed), WORLDS["seen"], yaw, 0.0)


def place(found, name):
    return found.keypoints[KEYPOINTS.index(name)]


def test_standing_people_are_about_one_unit_tall():
    for seed in SEEDS:
        found = figure(seed)
        ends = found.cones.reshape(-1, 4)
        height = np.ptp([(ends[:, 1] - ends[:, 3]).min(), (ends[:, 1] + ends[:, 3]).max()])
        raised = min(place(found, "left_wrist")[1], place(found, "right_wrist")[1]) < -0.35
        if found.stance == "stand" and not raised:
            assert 0.9 < height < 1.2


@pytest.mark.parametrize("seed", SEEDS)
def test_keypoints_lie_within_the_body(seed):
    found = figure(seed, yaw=30.0)
    start, end = found.cones[:, :4], found.cones[:, 4:]
    t = np.linspace(0, 1, 20)[:, None, None]
    spheres = (start + t * (end - start)).reshape(-1, 4)
    for point in found.keypoints:
        depth = np.linalg.norm(spheres[:, :3] - point, axis=1) - spheres[:, 3]
        assert depth.min() < 0.02


def test_limbs_keep_their_length_in_every_pose():
    for first, second, length in (
        ("shoulder", "elbow", 0.168),
        ("elbow", "wrist", 0.142),
        ("hip", "knee", 0.238),
        ("knee", "ankle", 0.228),
    ):
        for seed in SEEDS:
            found = figure(seed, yaw=77.0)
            for side in ("left", "right"):
                limb = place(found, f"{side}_{first}") - place(found, f"{side}_{second}")
                assert np.linalg.norm(limb) == pytest.approx(length)


def test_left_and_right_limbs_wear_the_same():
    """Materials near the mirrored keypoints are equal, so no colour tells a side."""
    for seed in SEEDS:
        found = figure(seed)
        for part in ("elbow", "wrist", "knee", "ankle"):
            worn = [materials_at(found, f"{side}_{part}") for side in ("left", "right")]
            assert worn[0] == worn[1]


def materials_at(found, name):
    """Materials of the cones that end exactly at a keypoint."""
    point = place(found, name)
    ends = np.stack([found.cones[:, :3], found.cones[:, 4:7]])
    touching = (np.linalg.norm(ends - point, axis=2) < 1e-6).any(axis=0)
    return sorted(found.material_of[touching].tolist())


def test_turning_round_turns_the_keypoints():
    front, back = figure(3), figure(3, yaw=180.0)
    assert np.allclose(back.keypoints[:, 0], -front.keypoints[:, 0], atol=0.2)
    assert np.allclose(back.keypoints[:, 1], front.keypoints[:, 1], atol=0.2)


def test_faces_look_away_when_people_turn_round():
    faces = [KEYPOINTS.index(name) for name in FACE if "ear" not in name]
    for seed in SEEDS:
        assert figure(seed).facing[faces].mean() > figure(seed, yaw=180.0).facing[faces].mean()


def test_shoes_have_no_colour_of_their_own():
    shoes = []
    for seed in SEEDS:
        found = figure(seed)
        toe = np.argmax(found.cones[:, 5] + found.cones[:, 7])
        shoes.append(found.materials[found.material_of[toe]].colour)
    assert np.std(shoes, axis=0).min() > 0.12


def test_indices_follow_the_names():
    assert keypoint_indices(["left_ankle", "nose"]) == [15, 0]


def test_unknown_name_lists_the_known():
    with pytest.raises(InputError, match=r"'tail'.*nose"):
        keypoint_indices(["nose", "tail"])
