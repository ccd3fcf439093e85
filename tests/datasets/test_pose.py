"""Poses: anatomy holds, stances differ."""

import numpy as np
import pytest

from bottomup.datasets.pose import STANCES, draw_pose, rotation


def poses(count=300):
    return [draw_pose(np.random.default_rng(k), 1.0, 1.1) for k in range(count)]


def test_rotation_turns_a_body_that_faces_us_to_our_right():
    assert rotation(1, 90) @ (0, 0, 1) == pytest.approx([1, 0, 0])


def test_all_stances_occur():
    assert {pose.stance for pose in poses()} == set(STANCES)


def bend(pose, side, first, middle, last):
    a, b, c = (pose.joints[f"{side}_{name}"] for name in (first, middle, last))
    straight = np.dot(b - a, c - b) / np.linalg.norm(b - a) / np.linalg.norm(c - b)
    return np.degrees(np.arccos(np.clip(straight, -1, 1)))


def test_sitting_people_bend_their_knees_and_standing_ones_hardly():
    for pose in poses():
        knee = bend(pose, "left", "hip", "knee", "ankle")
        if pose.stance == "sit":
            assert knee > 60
        if pose.stance == "stand":
            assert knee < 35


def test_knees_bend_backwards():
    for pose in poses():
        for side in ("left", "right"):
            hip, knee, ankle = (pose.joints[f"{side}_{n}"] for n in ("hip", "knee", "ankle"))
            thigh = (knee - hip) / np.linalg.norm(knee - hip)
            forward = np.array([0, -thigh[2], thigh[1]])
            assert np.dot(ankle - knee, forward) < 0.03


def test_left_is_left_of_right():
    for pose in poses():
        for part in ("shoulder", "hip"):
            assert pose.joints[f"left_{part}"][0] > pose.joints[f"right_{part}"][0]
