"""The crowd index, against hand-counted keypoints."""

import math

import numpy as np
import pytest

from bottomup.crowding import crowd_index
from bottomup.person import Person


def person(points, box, crowd=False):
    keypoints = np.zeros((4, 3), np.float32)
    for k, xy in enumerate(points):
        keypoints[k] = *xy, 2
    return Person(1, 1, keypoints, None, 1.0, box, crowd)


ALONE = person([(1, 1), (2, 2)], (0, 0, 10, 10))
AWAY = person([(50, 50), (52, 52)], (45, 45, 10, 10))
# Three of its four keypoints lie in ALONE's box, both of ALONE's in its own.
BEFORE = person([(3, 3), (5, 5), (9, 9), (11, 11)], (0, 0, 12, 12))


def test_people_apart_do_not_crowd():
    assert crowd_index([ALONE, AWAY]) == 0


def test_index_is_the_mean_of_others_keypoints_over_own():
    # ALONE: 3 of the other's in its box, 2 own: 1.5, counted as 1. BEFORE: 2 / 4.
    assert crowd_index([ALONE, BEFORE]) == pytest.approx((1 + 0.5) / 2)
    assert crowd_index([ALONE, BEFORE, AWAY]) == pytest.approx((1 + 0.5 + 0) / 3)


def test_crowd_regions_and_unlabelled_people_do_not_count():
    unlabelled = person([], (0, 0, 10, 10))
    region = person([(1, 1)], (0, 0, 10, 10), crowd=True)
    assert crowd_index([ALONE, unlabelled, region]) == 0


def test_one_person_is_no_crowd_and_nobody_is_undefined():
    assert crowd_index([BEFORE]) == 0
    assert math.isnan(crowd_index([]))
