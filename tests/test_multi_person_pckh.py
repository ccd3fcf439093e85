"""Average precision by MPII's rules, against values worked out by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest

from bottomup.coco import Annotations
from bottomup.multi_person_pckh import average_precision, match, multi_person_metrics
from bottomup.person import Image, Person
from bottomup.skeleton import Skeleton

NAMES = ("nose", "left_wrist")
TWO = Skeleton("two", NAMES, (NAMES,), (0.1, 0.1))
FLIPPABLE = ("nose", "left_wrist", "right_wrist")
THREE = Skeleton("three", FLIPPABLE, (FLIPPABLE[:2], ("nose", "right_wrist")), (0.1,) * 3)
HEAD = (0, 0, 30, 40)  # 15 px are right


def person(number, keypoints, head=HEAD, **more):
    values = {"segmentation": None, "area": 100.0, "bbox": (0.0, 0.0, 50.0, 50.0), "crowd": False}
    labels = np.array(keypoints, np.float32)
    return Person(number, 1, labels, head_box=head, **(values | more))


def found(*keypoints, image_id=1):
    return {"image_id": image_id, "keypoints": np.ravel(keypoints).tolist(), "score": 0.5}


def scored(people, rows, regions=None, skeleton=TWO):
    image = Image(1, "a.jpg", 400, 400, regions)
    annotations = Annotations("a.json", skeleton, (image,), {1: tuple(people)})
    metrics = multi_person_metrics(annotations, rows)
    return {metric.name: (metric.value, metric.n) for metric in metrics}


ANNA = person(1, [[100, 100, 2], [120, 150, 2]])
BEN = person(2, [[300, 100, 2], [320, 150, 1]])


def test_perfect_people_score_one():
    values = scored([ANNA, BEN], [found(ANNA.keypoints), found(BEN.keypoints)])
    assert values == {"mAP": (1, 2), "AP:nose": (1, 2), "AP:left_wrist": (1, 2), "AP:wrist": (1, 2)}


def test_half_a_head_decides():
    rows = [found([[115, 100, 0.9], [120, 165.1, 0.9]])]
    values = scored([ANNA], rows)
    assert values["AP:nose"] == (1, 1)
    assert values["AP:left_wrist"] == (0, 1)
    assert values["mAP"] == (0.5, 1)


def test_a_duplicate_is_wrong_and_ranks_by_its_keypoints_scores():
    # The duplicate has one of two keypoints, so the other is kept, whatever the scores.
    whole = found([[100, 100, 0.3], [120, 150, 0.9]])
    half = found([[100, 100, 0.8], [0, 0, 0.2]])
    values = scored([ANNA], [half, whole])
    # Nose: wrong (.8), right (.3): precision 1/2 at recall 1. Wrist: right (.9), wrong (.2).
    assert values["AP:nose"][0] == pytest.approx(0.5)
    assert values["AP:left_wrist"][0] == pytest.approx(1)


def test_a_detection_goes_to_the_person_of_whom_it_has_most():
    # Anna's nose and both of Ben's keypoints: Ben's. Anna is left with nobody.
    mixed = person(3, [[100, 100, 2], [320, 150, 2], [300, 100, 2]])
    anna = person(1, [[100, 100, 2], [0, 300, 2], [50, 300, 2]])
    ben = person(2, [[100, 110, 2], [320, 150, 2], [300, 100, 2]])
    values = scored([anna, ben], [found(mixed.keypoints)], skeleton=THREE)
    assert values["AP:nose"] == (0.5, 2)
    assert values["AP:left_wrist"] == (0.5, 2)
    assert values["AP:wrist"] == (0.5, 4)


def test_a_keypoint_without_label_is_wrong_and_one_without_score_does_not_count():
    anna = person(1, [[100, 100, 2], [0, 0, 0]])
    other = person(2, [[300, 100, 2], [320, 150, 2]])
    labelled = found([[300, 100, 0.5], [320, 150, 0.4]])
    surplus = scored([anna, other], [found([[100, 100, 0.9], [10, 10, 0.9]]), labelled])
    assert surplus["AP:left_wrist"] == (0.5, 1)
    unplaced = scored([anna, other], [found([[100, 100, 0.9], [10, 10, 0]]), labelled])
    assert unplaced["AP:left_wrist"] == (1, 1)
    assert unplaced["AP:nose"] == (1, 2)


def test_only_regions_are_scored():
    rows = [found(ANNA.keypoints), found(BEN.keypoints), found([[390, 390, 3], [390, 390, 3]])]
    values = scored([ANNA, BEN], rows, regions=((80, 80, 60, 100),))
    assert values["mAP"] == (1, 1)
    assert scored([ANNA, BEN], rows, regions=()) == {}
    # In the whole image the stray one comes first: precision 1/2, then 2/3, which is the envelope.
    assert scored([ANNA, BEN], rows)["mAP"] == (pytest.approx(2 / 3), 2)


def test_a_false_detection_on_another_image_counts():
    images = (Image(1, "a.jpg", 400, 400), Image(2, "b.jpg", 400, 400))
    annotations = Annotations("a.json", TWO, images, {1: (ANNA,), 2: ()})
    stray = found([[50, 50, 3], [60, 60, 3]], image_id=2)
    metrics = multi_person_metrics(annotations, [found(ANNA.keypoints), stray])
    assert {metric.name: metric.value for metric in metrics}["mAP"] == pytest.approx(0.5)


@pytest.mark.parametrize("crowd", [False, True])
def test_nobody_is_blamed_for_those_who_cannot_be_scored(crowd):
    unlabelled = np.zeros((2, 3))
    stranger = person(5, unlabelled, None, bbox=(200, 0, 50, 50), crowd=crowd)
    rows = [found(ANNA.keypoints), found([[220, 20, 9], [230, 30, 9]])]
    assert scored([ANNA, stranger], rows)["mAP"] == (1, 1)
    elsewhere = person(5, unlabelled, None, bbox=(0, 0, 50, 50), crowd=crowd)
    assert scored([ANNA, elsewhere], rows)["mAP"] == (0.5, 1)


def test_unlikely_people_are_not_handed_in():
    # As a person it is unlikely, though its keypoints are not.
    stray = found([[390, 390, 9], [390, 390, 9]])
    rows = [found(ANNA.keypoints), stray | {"score": 0.19}]
    assert scored([ANNA], rows)["mAP"] == (1, 1)
    rows[1]["score"] = 0.2
    assert scored([ANNA], rows)["mAP"] == (0.5, 1)


def test_without_heads_nothing_is_said():
    assert scored([person(1, ANNA.keypoints, None)], [found(ANNA.keypoints)]) == {}


def test_precision_is_made_monotone():
    # right, wrong, right, right of 4: precision 1, 1/2, 2/3, 3/4; the 2/3 becomes 3/4.
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    right = np.array([True, False, True, True])
    assert average_precision(scores, right, 4) == pytest.approx((1 + 0.75 + 0.75) / 4)
    assert average_precision(scores[::-1], right[::-1], 4) == pytest.approx(2.5 / 4)
    assert math.isnan(average_precision(scores, right, 0))
    assert average_precision(np.zeros(0), np.zeros(0, bool), 3) == 0


def reference_precision(scores, right, labelled):
    """The same as an area: the envelope of precision over every step of recall."""
    points = [(0.0, 0.0)]
    for cut in sorted(set(scores), reverse=True):
        chosen = right[scores >= cut]
        points.append((chosen.sum() / labelled, chosen.mean()))
    area = 0.0
    for (before, _), (after, _) in pairwise(points):
        area += (after - before) * max(p for r, p in points if r >= after)
    return area


@pytest.mark.parametrize("seed", range(5))
def test_precision_equals_the_slow_reference(seed):
    random = np.random.default_rng(seed)
    scores, right = random.permutation(30) / 30, random.random(30) < 0.6
    assert average_precision(scores, right, 25) == pytest.approx(
        reference_precision(scores, right, 25)
    )


def test_every_person_keeps_one_detection():
    shares = np.array([[0.5, 0.4], [1.0, 0.9], [0.2, 0.3], [0.0, 0.0]])
    assert match(shares).tolist() == [-1, 0, 1, -1]
    assert match(np.zeros((2, 0))).tolist() == [-1, -1]
    assert match(np.zeros((0, 2))).tolist() == []
