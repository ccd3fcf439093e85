"""Kinds of keypoint errors, on people whose tolerances are known by hand."""

import math

import numpy as np
import pytest

from bottomup.coco_results import indexed
from bottomup.keypoint_errors import KINDS, count_kinds, judge
from bottomup.skeleton import Skeleton

# Tolerance 2 sigma sqrt(2 area): similarity exp(-(d / 10)^2) with these numbers.
AREA = 1250.0
SKELETON = Skeleton(
    "three", ("nose", "left_wrist", "right_wrist"),
    (("nose", "left_wrist"), ("nose", "right_wrist")), (0.1, 0.1, 0.1),
)  # fmt: skip


def people(*visibility_rows):
    """People 200 px apart, keypoints 50 px apart."""
    rows = []
    for number, row in enumerate(visibility_rows):
        rows.append([[200 * number + 50 * k, 0, v] for k, v in enumerate(row)])
    return np.array(rows, float)


def distance(similarity):
    return 10 * math.sqrt(-math.log(similarity))


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (0, "good"),
        (distance(0.86), "good"),
        (distance(0.84), "jitter"),
        (distance(0.51), "jitter"),
        (distance(0.49), "miss"),
        (25, "miss"),
        (50, "inversion"),
        (50 + distance(0.51), "inversion"),
        (200, "swap"),
        (250, "swap"),
        (900, "miss"),
    ],
)
def test_each_kind_by_where_the_nose_was_put(x, kind):
    truth = people((2, 2, 2), (2, 2, 2))
    predicted = truth[0, :, :2].copy()
    predicted[0, 0] = x
    kinds = judge(predicted, 0, truth, np.full(2, AREA), SKELETON)
    assert kinds == [kind, "good", "good"]


def test_unlabelled_keypoints_neither_count_nor_attract():
    truth = people((2, 0, 1), (0, 0, 0))
    predicted = np.array([[50.0, 0], [0, 0], [100, 0]])
    assert judge(predicted, 0, truth, np.full(2, AREA), SKELETON) == ["miss", "good"]


def test_the_nearer_of_two_people_decides_between_inversion_and_swap():
    truth = people((2, 2, 2), (2, 2, 2))
    truth[1, :, :2] = truth[0, :, :2] + (58, 0)
    predicted = truth[0, :, :2].copy()
    predicted[0, 0] = 57
    assert judge(predicted, 0, truth, np.full(2, AREA), SKELETON)[0] == "swap"


def row(number, keypoints, **extra):
    labelled = int((keypoints[:, 2] > 0).sum())
    return {
        "id": number, "image_id": 1, "area": AREA, "iscrowd": 0, "num_keypoints": labelled,
        "category_id": 1, "keypoints": keypoints.reshape(-1).tolist(), **extra,
    }  # fmt: skip


def test_counts_are_of_labelled_keypoints_and_complete():
    truth = people((2, 2, 2), (2, 1, 0), (2, 2, 2), (0, 0, 0))
    rows = [row(1, truth[0]), row(2, truth[1]), row(3, truth[2], iscrowd=1), row(4, truth[3])]
    coco = indexed([{"id": 1, "height": 10, "width": 900}], rows)
    counts = count_kinds({1: row(9, truth[0])}, coco, 1, SKELETON)
    assert counts == dict.fromkeys(KINDS, 0) | {"good": 3, "undetected": 2}
