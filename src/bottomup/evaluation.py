"""Scores COCO results against annotations with pycocotools, also by people and crowding.

Every image of the split is scored, with or without people. (faster-coco-eval gives equal numbers in
less time, but not the matches of each image, which intervals, strata and kinds of errors are
counted from.)
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from bottomup.coco import Annotations, count_people, read_annotations
from bottomup.coco_results import (
    check_rows,
    for_task,
    indexed,
    read_results,
    silence,
    to_coco,
)
from bottomup.crowding import crowd_index
from bottomup.keypoint_errors import KINDS, MATCH_OKS, count_kinds
from bottomup.multi_person_pckh import multi_person_metrics
from bottomup.pckh import single_person_metrics
from bottomup.shared_keypoints import label_shared, reorder_rows
from bottomup.skeleton import Skeleton
from bottomup.task_evaluation import TaskEvaluation

TASKS = ("keypoints", "segmentation")
PCKH_TASKS = {"single_person": single_person_metrics, "multi_person_pckh": multi_person_metrics}
STRATA = ((0, 0), (1, 1), (2, 2), (3, 4), (5, 8), (9, math.inf))
# CrowdPose's easy, medium and hard images: the crowd index from (excluded) up to.
CROWDING = ((-1.0, 0.1), (0.1, 0.8), (0.8, 1.0))
COLUMNS = ("task", "stratum", "metric", "value", "low", "high", "n")


def evaluate(
    annotations_path: Path | str,
    skeleton: Skeleton,
    keypoints_json: Path | str | None,
    segmentation_json: Path | str | None,
    people_rule: str = "with_keypoints",
    model: Skeleton | None = None,
) -> pd.DataFrame:
    """Scores the two result files of one protocol.

    "20 proposals" is a matter of how many masks were submitted: segmentation always counts up to
    1, 10 and 100 of them an image.

    Args:
        annotations_path: COCO annotations of the split.
        skeleton: Whose keypoints and sigmas count.
        keypoints_json: COCO keypoint results, or None to leave the task out.
        segmentation_json: COCO segmentation results, or None to leave the task out.
        people_rule: Who counts in the strata: `with_keypoints` or `any` (crowds never do).
        model: Skeleton of the results, if it is another; then the keypoints count that both have
            by name, and the metric `shared_keypoints` says how many of the annotated ones these
            are (value of n).

    Returns:
        Columns task, stratum, metric, value, low, high, n: `n` persons of the ground truth define
        the value; low and high are the 95 % bootstrap interval over images, for AP and for every
        metric of the stratum `all`. The metrics `share_good`, `share_jitter` … say which share of
        the labelled keypoints is of that kind (see `keypoint_errors`); their n is the number of
        these keypoints. The tasks `single_person` and `multi_person_pckh` hold what `pckh` and
        `multi_person_pckh` count; they are left out where nobody is alone or no head is annotated.

    Raises:
        InputError: Malformed annotations or results, or results of an image not in the split.
    """
    annotations = read_annotations(annotations_path, skeleton)
    model = model or skeleton
    groups = strata(annotations, people_rule)
    shared = label_shared(annotations, model)
    ground_truth = to_coco(shared)
    rows = [] if model == skeleton else [_shared_row(model, skeleton)]
    for task, path in zip(TASKS, (keypoints_json, segmentation_json), strict=True):
        if path is not None:
            found = read_results(path)
            scored = evaluate_task(ground_truth, found, task, skeleton, str(path), model)
            for name, ids in groups.items():
                rows += _rows(scored, name, ids)
                if (task, name) == ("keypoints", "all"):
                    errors = keypoint_errors(ground_truth, found, skeleton, str(path), model)
                    rows += _error_rows(errors)
    if keypoints_json is not None:
        found = read_results(keypoints_json)
        checked = _checked(ground_truth, found, "keypoints", skeleton, str(keypoints_json), model)
        rows += _pckh_rows(shared, checked)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def strata(annotations: Annotations, people_rule: str = "with_keypoints") -> dict[str, list[int]]:
    """Image ids: `all`, `people=0` to `people=9+`, `crowding=0-0.1` to `crowding=0.8-1`.

    An image without labelled keypoints has no crowd index and is in no stratum of crowding.
    """
    counts = {i: count_people(people, people_rule) for i, people in annotations.persons.items()}
    groups = {"all": list(counts)}
    for low, high in STRATA:
        groups[stratum_name(low, high)] = [i for i, count in counts.items() if low <= count <= high]
    indices = {i: crowd_index(people) for i, people in annotations.persons.items()}
    for low, high in CROWDING:
        name = f"crowding={max(low, 0):g}-{high:g}"
        groups[name] = [i for i, index in indices.items() if low < index <= high]
    return groups


def stratum_name(low: int, high: float) -> str:
    """`people=2`, `people=3-4` or `people=9+`."""
    if math.isinf(high):
        return f"people={low}+"
    return f"people={low}" if low == high else f"people={low}-{high}"


def _rows(scored: TaskEvaluation, stratum: str, image_ids: Sequence[int]) -> Iterator[tuple]:
    for metric, (value, n) in scored.metrics(image_ids).items():
        known = metric == "AP" or stratum == "all"
        bounds = scored.interval(image_ids, metric=metric) if known else (math.nan, math.nan)
        yield scored.task, stratum, metric, value, *bounds, n


def _shared_row(model: Skeleton, dataset: Skeleton) -> tuple:
    shared = len(dataset.shared_with(model))
    return (
        "keypoints", "all", "shared_keypoints", shared, math.nan, math.nan, dataset.num_keypoints
    )  # fmt: skip


def _pckh_rows(annotations: Annotations, found: Sequence[Mapping]) -> Iterator[tuple]:
    """What MPII scores, in the order of the annotations' keypoints."""
    for task, score in PCKH_TASKS.items():
        for metric in score(annotations, found):
            yield task, "all", metric.name, metric.value, math.nan, math.nan, metric.n


def _error_rows(counts: Mapping[str, int]) -> Iterator[tuple]:
    total = sum(counts.values())
    for kind in KINDS:
        share = counts[kind] / total if total else math.nan
        yield "keypoints", "all", f"share_{kind}", share, math.nan, math.nan, total


def keypoint_errors(
    ground_truth: COCO,
    rows: Sequence[Mapping],
    skeleton: Skeleton,
    source: str = "results",
    model: Skeleton | None = None,
) -> dict[str, int]:
    """Number of labelled keypoints of each kind of `keypoint_errors.KINDS`, over all images.

    Arguments are those of `evaluate_task`.

    Raises:
        InputError: As `check_rows`.
    """
    evaluator = _evaluator(ground_truth, rows, "keypoints", skeleton, source, model)
    evaluator.params.iouThrs = np.array([MATCH_OKS])
    evaluator.params.areaRng, evaluator.params.areaRngLbl = [[0, 1e10]], ["all"]
    with silence():
        evaluator.evaluate()
    totals = dict.fromkeys(KINDS, 0)
    for image_id, image in zip(evaluator.params.imgIds, evaluator.evalImgs, strict=True):
        if image is None:
            continue
        pairs = zip(image["dtMatches"][0], image["dtIds"], strict=True)
        matches = {int(person): evaluator.cocoDt.anns[found] for person, found in pairs if person}
        for kind, count in count_kinds(matches, evaluator.cocoGt, image_id, skeleton).items():
            totals[kind] += count
    return totals


def evaluate_task(
    ground_truth: COCO,
    rows: Sequence[Mapping],
    task: str,
    skeleton: Skeleton,
    source: str = "results",
    model: Skeleton | None = None,
) -> TaskEvaluation:
    """Matches detections to the ground truth.

    Args:
        ground_truth: From `to_coco`; stays as it is.
        rows: COCO result rows; none at all is legal and scores 0.
        task: `keypoints`, `segmentation` or `segmentation_with_keypoints` (persons without
            keypoints are neither demanded nor held against anyone).
        skeleton: Whose sigmas enter the object keypoint similarity.
        source: What to call the rows in an error.
        model: Skeleton of the rows, if it is another.

    Raises:
        InputError: As `check_rows`.
    """
    evaluator = _evaluator(ground_truth, rows, task, skeleton, source, model)
    with silence():
        evaluator.evaluate()
    return TaskEvaluation(task, evaluator)


def _evaluator(
    ground_truth: COCO,
    rows: Sequence[Mapping],
    task: str,
    skeleton: Skeleton,
    source: str,
    model: Skeleton | None,
) -> COCOeval:
    truth = for_task(ground_truth, task)
    checked = _checked(truth, rows, task, skeleton, source, model)
    with silence():
        found = truth.loadRes(checked) if checked else indexed(truth.dataset["images"], [])
        evaluator = COCOeval(truth, found, "keypoints" if task == "keypoints" else "segm")
    evaluator.params.kpt_oks_sigmas = np.array(skeleton.sigmas)
    return evaluator


def _checked(
    truth: COCO,
    rows: Sequence[Mapping],
    task: str,
    skeleton: Skeleton,
    source: str,
    model: Skeleton | None,
) -> list[dict]:
    """The rows as `check_rows` gives them, in the order of the annotated keypoints."""
    checked = check_rows(rows, truth, task, model or skeleton, source)
    if task == "keypoints" and model not in (None, skeleton):
        checked = reorder_rows(checked, model, skeleton)
    return checked
