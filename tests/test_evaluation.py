"""Scores against annotations: perfect, wrong, empty, by number of people, with intervals."""

import copy
import io
import json
import math
from contextlib import redirect_stdout

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import people
from bottomup.coco import person_rle, read_annotations
from bottomup.coco_results import indexed, to_coco
from bottomup.crowding import crowd_index
from bottomup.errors import InputError
from bottomup.evaluation import COLUMNS, TASKS, evaluate, evaluate_task, keypoint_errors, strata
from bottomup.keypoint_errors import KINDS
from bottomup.skeleton import COCO_PERSON, Skeleton
from bottomup.task_evaluation import METRICS

AREAS = {
    "keypoints": ("all", "medium", "large"),
    "segmentation": ("all", "small", "medium", "large"),
}
CROWDED = (1, 2, 0, 3, ("rle", "unannotated"), ("polygon", "crowd"), 6, 9, 0, 1)


def perfect_rows(annotations, task):
    """The ground truth as predictions; unlabelled keypoints get a place inside the box."""
    rows = []
    for image in annotations.images:
        for person in annotations.persons[image.id]:
            if person.crowd or (task == "keypoints" and not person.annotated):
                continue
            row = {"image_id": image.id, "category_id": 1, "score": 0.5 + len(rows) / 1000}
            if task == "keypoints":
                keypoints = person.keypoints.astype(float)
                keypoints[keypoints[:, 2] == 0, :2] = keypoints[keypoints[:, 2] > 0, :2][0]
                row["keypoints"] = keypoints.reshape(-1).tolist()
            else:
                row["segmentation"] = person_rle(person, image.height, image.width)
            rows.append(row)
    return rows


def noisy_rows(annotations, task, seed=0):
    """Shifted people with random scores, and some that are nobody."""
    generator = np.random.default_rng(seed)
    rows = perfect_rows(annotations, task)
    ids = [image.id for image in annotations.images]
    rows += copy.deepcopy(rows)
    for row in rows:
        row["score"] = float(generator.choice([0.1, 0.3, 0.5, 0.7, 0.9]))
        if task == "keypoints":
            keypoints = np.array(row["keypoints"]).reshape(-1, 3)
            keypoints[:, :2] += generator.normal(0, 3, (len(keypoints), 2))
            row["keypoints"] = keypoints.reshape(-1).tolist()
        if generator.random() < 0.3:
            row["image_id"] = int(generator.choice(ids))
    return rows


@pytest.fixture
def split(tmp_path):
    path, _ = people.make_coco(tmp_path, CROWDED, size=(240, 320), write_images=False)
    return read_annotations(path, COCO_PERSON)


def write(tmp_path, name, rows):
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(rows))
    return path


def table(annotations, tmp_path, keypoint_rows, mask_rows, **options):
    return (
        evaluate(
            annotations.path,
            COCO_PERSON,
            write(tmp_path, "keypoints", keypoint_rows),
            write(tmp_path, "segmentation", mask_rows),
            **options,
        )
        .set_index(["task", "stratum", "metric"])
        .sort_index()
    )


def perfect_table(annotations, tmp_path, **options):
    rows = [perfect_rows(annotations, task) for task in ("keypoints", "segmentation")]
    return table(annotations, tmp_path, *rows, **options)


@pytest.mark.parametrize("task", ["keypoints", "segmentation"])
def test_ground_truth_as_predictions_scores_one(split, tmp_path, task):
    values = perfect_table(split, tmp_path).loc[(task, "all"), "value"]
    values = values[[metric for metric in values.index if not metric.startswith("share_")]]
    defined = values.drop(["AR1", "AR10"], errors="ignore").dropna()
    assert {"AP", "AP50", "AP75"} <= set(defined.index)
    assert defined.to_numpy() == pytest.approx(1.0)


@pytest.mark.parametrize("task", ["keypoints", "segmentation"])
def test_a_false_positive_on_an_image_without_people_lowers_ap(split, task):
    rows = perfect_rows(split, task)
    rows.append(rows[-1] | {"image_id": 3, "score": 0.99})
    assert not split.persons[3]
    (value, n), low, high = ap_and_interval(split, rows, task)
    assert n == len(rows) - 1
    # The best precision at every recall is n true ones out of n + 1 detections.
    assert value == pytest.approx(n / (n + 1), abs=1e-6)
    assert low < value <= high


def ap_and_interval(annotations, rows, task):
    scored = evaluate_task(to_coco(annotations), rows, task, COCO_PERSON)
    return scored.metrics()["AP"], *scored.interval()


@pytest.mark.parametrize("task", ["keypoints", "segmentation"])
def test_no_results_at_all_score_zero(split, task):
    metrics = evaluate_task(to_coco(split), [], task, COCO_PERSON).metrics()
    assert metrics["AP"] == (0.0, 24 if task == "keypoints" else 25)


def test_missing_people_lower_recall_but_not_precision(split):
    rows = perfect_rows(split, "keypoints")
    metrics = evaluate_task(to_coco(split), rows[: len(rows) // 2], "keypoints", COCO_PERSON)
    assert metrics.metrics()["AR"][0] == pytest.approx(0.5)
    assert np.nanmax(metrics.precision_recall()[2]) == pytest.approx(1.0)


def test_table_has_a_row_for_every_stratum_and_metric(split, tmp_path):
    found = [perfect_rows(split, task) for task in ("keypoints", "segmentation")]
    files = [write(tmp_path, str(n), rows) for n, rows in enumerate(found)]
    rows = evaluate(split.path, COCO_PERSON, *files)
    assert tuple(rows.columns) == COLUMNS
    strata = ["all", *(f"people={s}" for s in ("0", "1", "2", "3-4", "5-8", "9+"))]
    strata += [f"crowding={s}" for s in ("0-0.1", "0.1-0.8", "0.8-1")]
    assert list(dict.fromkeys(rows.stratum)) == strata
    of_coco = rows[rows.task.isin(TASKS)]
    assert len(of_coco) == len(strata) * (10 + 9) + len(KINDS)


def test_images_are_sorted_by_their_crowd_index(split):
    groups = strata(split)
    by_hand = {i: crowd_index(persons) for i, persons in split.persons.items()}
    assert sorted(groups["crowding=0-0.1"]) == [i for i, x in by_hand.items() if x <= 0.1]
    crowded = groups["crowding=0.1-0.8"] + groups["crowding=0.8-1"]
    assert sorted(crowded) == [i for i, x in by_hand.items() if x > 0.1]
    assert not any(3 in ids for name, ids in groups.items() if "crowding" in name)


def test_ground_truth_has_good_keypoints_only_and_no_results_none(split, tmp_path):
    shares = perfect_table(split, tmp_path).loc[("keypoints", "all")]
    labelled = sum(p.labelled for persons in split.persons.values() for p in persons if not p.crowd)
    assert shares.value["share_good"] == 1
    assert shares.n["share_good"] == labelled
    nothing = keypoint_errors(to_coco(split), [], COCO_PERSON)
    assert nothing == dict.fromkeys(KINDS, 0) | {"undetected": labelled}


def test_mirrored_people_are_inverted(split):
    rows = perfect_rows(split, "keypoints")
    for row in rows:
        row["keypoints"] = np.reshape(row["keypoints"], (-1, 3))[COCO_PERSON.flip_keypoints]
        row["keypoints"] = row["keypoints"].reshape(-1).tolist()
    counts = keypoint_errors(to_coco(split), rows, COCO_PERSON)
    assert counts["inversion"] > counts["good"] > 0


def test_strata_count_their_own_people(split, tmp_path):
    n = perfect_table(split, tmp_path).n
    assert n["keypoints", "people=1", "AP"] == 4
    assert n["segmentation", "people=1", "AP"] == 5  # with the person without keypoints
    assert n["keypoints", "people=9+", "AP"] == 9
    assert n["keypoints", "all", "AP"] == 24


def test_any_rule_counts_people_without_keypoints(split, tmp_path):
    n = perfect_table(split, tmp_path, people_rule="any").n
    assert n["segmentation", "people=2", "AP"] == 4


def test_a_stratum_without_people_is_undefined_and_not_zero(split, tmp_path):
    row = perfect_table(split, tmp_path).loc[("keypoints", "people=0", "AP")]
    assert math.isnan(row.value)
    assert math.isnan(row.low)
    assert row.n == 0


def test_a_size_without_people_is_undefined(tmp_path):
    path, _ = people.make_coco(tmp_path, (1, 1), size=(60, 80), write_images=False)
    small = read_annotations(path, COCO_PERSON)
    row = perfect_table(small, tmp_path).loc[("keypoints", "all", "APl")]
    assert math.isnan(row.value)
    assert row.n == 0


def test_intervals_hold_the_value_and_within_strata_only_ap_has_one(split, tmp_path):
    rows = [noisy_rows(split, task) for task in ("keypoints", "segmentation")]
    scores = table(split, tmp_path, *rows).reset_index()
    everything = scores.stratum == "all"
    known = scores.low.notna()
    assert set(scores[known & ~everything].metric) == {"AP"}
    of_all = scores[known & everything]
    assert {"AP", "AP50", "AP75", "AR"} <= set(of_all.metric)
    assert (of_all.low <= of_all.value).all()
    assert (of_all.value <= of_all.high).all()
    ap = of_all[of_all.metric == "AP"]
    assert (ap.low < ap.value).all()
    assert (ap.value < ap.high).all()


def test_the_interval_is_the_same_each_time(split):
    rows = noisy_rows(split, "keypoints")
    first, second = (ap_and_interval(split, rows, "keypoints") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("task", ["keypoints", "segmentation"])
@pytest.mark.parametrize("seed", range(3))
def test_metrics_equal_what_pycocotools_prints(split, task, seed):
    rows = noisy_rows(split, task, seed)
    ours = evaluate_task(to_coco(split), rows, task, COCO_PERSON).metrics()
    with redirect_stdout(io.StringIO()):
        truth = COCO(str(split.path))
        official = COCOeval(
            truth, truth.loadRes(rows), "keypoints" if task == "keypoints" else "segm"
        )
        official.evaluate()
        official.accumulate()
        official.summarize()
    stats = [math.nan if value == -1 else value for value in official.stats[: len(ours)]]
    assert [value for value, _ in ours.values()] == pytest.approx(stats, nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("task", ["keypoints", "segmentation"])
def test_a_stratum_equals_a_file_with_its_images_only(split, tmp_path, task):
    rows = noisy_rows(split, task)
    ids = [7, 3, 1]
    part, _ = people.make_coco(tmp_path / "part", CROWDED, size=(240, 320), write_images=False)
    people.edit_json(
        part, lambda c: c.update(images=[image for image in c["images"] if image["id"] in ids],
                                 annotations=[a for a in c["annotations"] if a["image_id"] in ids])
    )  # fmt: skip
    alone = to_coco(read_annotations(part, COCO_PERSON))
    of_part = [row for row in rows if row["image_id"] in ids]
    expected = evaluate_task(alone, of_part, task, COCO_PERSON).metrics()
    assert evaluate_task(to_coco(split), rows, task, COCO_PERSON).metrics(ids) == expected


def repeated(truth, rows, weights):
    """Ground truth and rows with each image as often as its weight says, under new ids."""
    images, people, found = [], [], []
    for image in truth.dataset["images"]:
        for copy_number in range(weights[image["id"]]):
            new = {"image_id": 100 * image["id"] + copy_number}
            images.append(image | {"id": new["image_id"]})
            found += [row | new for row in rows if row["image_id"] == image["id"]]
            for person in truth.imgToAnns[image["id"]]:
                people.append(person | new | {"id": len(people) + 1})
    return indexed(images, people), found


@pytest.mark.parametrize("task", ["keypoints", "segmentation"])
def test_weights_stand_for_copies_of_images(split, task):
    generator = np.random.default_rng(1)
    # No two scores alike, since equal ones of different images may be met in another order.
    rows = [row | {"score": float(generator.random())} for row in noisy_rows(split, task)]
    truth = to_coco(split)
    scored = evaluate_task(truth, rows, task, COCO_PERSON)
    weights = generator.multinomial(len(split.images), np.full(len(split.images), 0.1))
    persons = int(weights @ scored._persons(0))
    weighted = scored._matches().precision(persons, weights.astype(np.int32)).mean()
    copies = dict(zip((image.id for image in split.images), weights, strict=True))
    drawn = evaluate_task(*repeated(truth, rows, copies), task, COCO_PERSON)
    assert weighted == pytest.approx(drawn.metrics()["AP"][0], abs=1e-12)


@pytest.mark.parametrize("task", ["keypoints", "segmentation"])
def test_drawing_every_image_once_gives_the_value_itself(split, task):
    scored = evaluate_task(to_coco(split), noisy_rows(split, task), task, COCO_PERSON)
    everywhere, on_one = scored.metrics(), scored.metrics([1])
    for name, metric in METRICS[task].items():
        area = AREAS[task].index(metric.area)
        once = np.ones(len(split.images), np.int32)
        persons = int(scored._persons(area).sum())
        count = getattr(scored._matches(area, metric.limit), metric.array)
        if persons:
            value = count(persons, once)[scored._thresholds(metric)].mean()
            assert value == pytest.approx(everywhere[name][0], abs=1e-12), name
        [of_one_image] = scored.resampled([1], resamples=1, seed=5, metric=name)
        assert of_one_image == pytest.approx(on_one[name][0], abs=1e-12, nan_ok=True), name


def test_people_without_keypoints_are_ignored_for_keypoints_and_counted_for_masks(split, tmp_path):
    n = perfect_table(split, tmp_path).n
    assert n["segmentation", "all", "AP"] == n["keypoints", "all", "AP"] + 1


def test_masks_of_labelled_people_ignore_the_others(split):
    truth = to_coco(split)
    rows = perfect_rows(split, "segmentation")
    value, n = evaluate_task(truth, rows, "segmentation_with_keypoints", COCO_PERSON).metrics()[
        "AP"
    ]
    assert (value, n) == (pytest.approx(1.0), 24)
    without = [row for row in rows if row["image_id"] != 5]
    labelled = evaluate_task(truth, without, "segmentation_with_keypoints", COCO_PERSON).metrics()
    assert labelled["AR100"][0] == pytest.approx(23 / 24)
    assert evaluate_task(truth, rows, "segmentation", COCO_PERSON).metrics()["AP"][1] == 25


def test_a_detection_on_a_crowd_is_no_false_positive(split):
    rows = perfect_rows(split, "segmentation")
    crowd = next(p for p in split.persons[6] if p.crowd)
    row = {"image_id": 6, "category_id": 1, "score": 0.99}
    rows.append(row | {"segmentation": person_rle(crowd, 240, 320)})
    assert ap_and_interval(split, rows, "segmentation")[0][0] == pytest.approx(1.0)


def test_sigmas_of_the_skeleton_count(split):
    rows = noisy_rows(split, "keypoints")
    strict = Skeleton("strict", COCO_PERSON.keypoints, COCO_PERSON.edges, (0.005,) * 17)
    truth = to_coco(split)
    lenient = evaluate_task(truth, rows, "keypoints", COCO_PERSON).metrics()["AP"][0]
    assert evaluate_task(truth, rows, "keypoints", strict).metrics()["AP"][0] < lenient / 2


def test_nothing_is_printed(split, tmp_path, capsys):
    perfect_table(split, tmp_path)
    assert capsys.readouterr().out == ""


def test_a_task_without_results_is_left_out(split, tmp_path):
    rows = evaluate(
        split.path, COCO_PERSON, write(tmp_path, "k", perfect_rows(split, "keypoints")), None
    )
    assert set(rows.task) == {"keypoints", "single_person"}


def test_ground_truth_is_not_changed_by_scoring(split):
    truth = to_coco(split)
    before = copy.deepcopy(truth.dataset["annotations"])
    evaluate_task(truth, [], "segmentation_with_keypoints", COCO_PERSON)
    after = truth.dataset["annotations"]
    assert [sorted(row) for row in before] == [sorted(row) for row in after]
    assert [row["iscrowd"] for row in before] == [row["iscrowd"] for row in after]


def test_results_of_an_unknown_image_are_refused(split, tmp_path):
    rows = [perfect_rows(split, "keypoints")[0] | {"image_id": 999}]
    with pytest.raises(InputError, match=r"keypoints\.json: detection 0 is of image 999"):
        table(split, tmp_path, rows, [])
