"""PCK and PCKh of people alone on their images, against values worked out by hand."""

import json
import math

import numpy as np
import pytest

from bottomup.coco import read_annotations
from bottomup.evaluation import evaluate
from bottomup.pckh import single_person_metrics
from bottomup.skeleton import COCO_PERSON, MPII, Skeleton

NAMES = ("nose", "left_wrist", "right_wrist")
THREE = Skeleton("three", NAMES, (NAMES[:2], (NAMES[0], NAMES[2])), (0.1, 0.1, 0.1))
# A box of 30 x 40 px: 0.6 * 50 = 30, so that 15 px are right and more are wrong.
HEAD = [10, 10, 30, 40]


def person(image_id, keypoints, **more):
    flat = np.reshape(keypoints, -1).tolist()
    box = {"bbox": [0, 0, 100, 100], "area": 1000, "iscrowd": 0}
    return {"image_id": image_id, "category_id": 1, "keypoints": flat} | box | more


def write(tmp_path, people, images=(1, 2), skeleton=THREE):
    path = tmp_path / "annotations.json"
    content = {
        "images": [{"id": i, "file_name": f"{i}.jpg", "height": 400, "width": 400} for i in images],
        "annotations": [{"id": k} | each for k, each in enumerate(people, 1)],
        "categories": [{"id": 1, "name": "person", "keypoints": list(skeleton.keypoints)}],
    }
    path.write_text(json.dumps(content))
    return path


def found(image_id, xy, score=0.5):
    flat = [value for x, y in xy for value in (x, y, 0.9)]
    return {"image_id": image_id, "category_id": 1, "keypoints": flat, "score": score}


def scored(tmp_path, people, rows, skeleton=THREE):
    annotations = read_annotations(write(tmp_path, people, skeleton=skeleton), skeleton)
    metrics = single_person_metrics(annotations, rows)
    return {metric.name: (metric.value, metric.n) for metric in metrics}


SPREAD = [[100, 100, 2], [200, 100, 1], [100, 250, 2]]


def test_half_a_head_decides(tmp_path):
    rows = [found(1, [(115, 100), (200, 115.1), (100, 250)])]
    values = scored(tmp_path, [person(1, SPREAD, head_box=HEAD)], rows)
    assert values["PCKh@0.5"] == (pytest.approx(2 / 3), 3)
    assert values["PCKh@0.5:nose"] == (1, 1)
    assert values["PCKh@0.5:left_wrist"] == (0, 1)
    assert values["PCKh@0.5:right_wrist"] == (1, 1)
    assert values["PCKh@0.5:wrist"] == (0.5, 2)


def test_the_area_under_the_curve_is_the_mean_over_its_shares(tmp_path):
    # Distances of 0, .25 and .5 head sizes: right at 51, 26 and 1 of the 51 shares 0, .01 ... .5.
    rows = [found(1, [(100, 100), (207.5, 100), (100, 265)])]
    values = scored(tmp_path, [person(1, SPREAD, head_box=HEAD)], rows)
    assert values["PCKh_AUC"] == (pytest.approx((51 + 26 + 1) / (3 * 51)), 3)


def test_pck_measures_by_the_box_of_the_keypoints(tmp_path):
    # The longer side is 150 px, so 30 px are right.
    rows = [found(1, [(130, 100), (200, 131), (100, 250)])]
    values = scored(tmp_path, [person(1, SPREAD)], rows)
    assert values["PCK@0.2"] == (pytest.approx(2 / 3), 3)
    assert "PCKh@0.5" not in values


def test_the_best_detection_answers(tmp_path):
    right, wrong = [tuple(row[:2]) for row in SPREAD], [(0, 0)] * 3
    for best, value in ((0.6, 1), (0.4, 0)):
        rows = [found(1, wrong, 0.5), found(1, right, best)]
        values = scored(tmp_path, [person(1, SPREAD, head_box=HEAD)], rows)
        assert values["PCKh@0.5"] == (value, 3)


def test_a_person_whom_nobody_found_is_all_wrong(tmp_path):
    people = [person(1, SPREAD, head_box=HEAD), person(2, SPREAD, head_box=HEAD)]
    values = scored(tmp_path, people, [found(2, [row[:2] for row in SPREAD])])
    assert values["PCKh@0.5"] == (0.5, 6)
    assert values["PCK@0.2"] == (0.5, 6)
    assert values["PCKh_AUC"] == (0.5, 6)


def test_unlabelled_keypoints_do_not_count(tmp_path):
    keypoints = [[100, 100, 2], [0, 0, 0], [100, 250, 2]]
    values = scored(tmp_path, [person(1, keypoints, head_box=HEAD)], [found(1, [(100, 100)] * 3)])
    assert values["PCKh@0.5"] == (0.5, 2)
    assert values["PCKh@0.5:left_wrist"][1] == 0
    assert math.isnan(values["PCKh@0.5:left_wrist"][0])


def test_only_people_who_are_alone_count(tmp_path):
    two = [person(1, SPREAD, head_box=HEAD)] * 2
    assert scored(tmp_path, two, []) == {}
    crowd = person(1, np.zeros((3, 3)), iscrowd=1)
    assert scored(tmp_path, [person(1, SPREAD, head_box=HEAD), crowd], []) == {}


def test_the_head_of_mpii_stands_for_a_missing_box(tmp_path):
    keypoints = np.tile([50.0, 50, 2], (14, 1))
    keypoints[-2:, :2] = [[100, 100], [100, 60]]  # upper_neck and head_top, 40 px apart
    there = keypoints[:, :2] + [0, 20]
    values = scored(tmp_path, [person(1, keypoints)], [found(1, there)], MPII)
    assert values["PCKh@0.5"] == (1, 14)
    assert values["PCKh@0.5:head"] == (1, 2)
    there[0] += [0, 1]
    values = scored(tmp_path, [person(1, keypoints)], [found(1, there)], MPII)
    assert values["PCKh@0.5"] == (pytest.approx(13 / 14), 14)


def evaluated(tmp_path, people, rows, model=None):
    (tmp_path / "found.json").write_text(json.dumps(rows))
    path = write(tmp_path, people)
    metrics = evaluate(path, THREE, tmp_path / "found.json", None, model=model)
    return metrics.set_index(["task", "stratum", "metric"])


def test_evaluation_writes_both_tasks(tmp_path):
    people = [person(1, SPREAD, head_box=HEAD)]
    metrics = evaluated(tmp_path, people, [found(1, [row[:2] for row in SPREAD])])
    assert metrics.loc[("single_person", "all", "PCKh@0.5"), "value"] == 1
    assert metrics.loc[("multi_person_pckh", "all", "mAP"), "value"] == 1
    assert metrics.loc[("multi_person_pckh", "all", "mAP"), "n"] == 1


def test_a_model_of_other_keypoints_is_judged_by_those_that_both_have(tmp_path):
    people = [person(1, SPREAD, head_box=HEAD)]
    xy = [(0, 0)] * 17
    for name, row in zip(NAMES, SPREAD, strict=True):
        xy[COCO_PERSON.keypoints.index(name)] = tuple(row[:2])
    metrics = evaluated(tmp_path, people, [found(1, xy)], COCO_PERSON)
    assert metrics.loc[("single_person", "all", "PCKh@0.5"), "value"] == 1
    assert metrics.loc[("multi_person_pckh", "all", "mAP"), "value"] == 1


def test_imputed_keypoints_are_never_scored(tmp_path):
    people = [person(1, SPREAD, head_box=HEAD)]
    rows = [found(1, [(100, 100), (0, 0), (0, 0)])]
    assert evaluated(tmp_path, people, rows).loc[("keypoints", "all", "AP"), "value"] < 1
    marked = [person(1, SPREAD, head_box=HEAD, imputed=[0, 1, 1])]
    metrics = evaluated(tmp_path, marked, rows)
    assert metrics.loc[("keypoints", "all", "AP"), "value"] == pytest.approx(1)
    assert metrics.loc[("keypoints", "all", "share_good"), "n"] == 1
    assert tuple(metrics.loc[("single_person", "all", "PCKh@0.5"), ["value", "n"]]) == (1, 1)
    assert metrics.loc[("multi_person_pckh", "all", "AP:nose"), "n"] == 1
    assert metrics.loc[("multi_person_pckh", "all", "AP:wrist"), "n"] == 0
