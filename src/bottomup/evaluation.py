"""Scores COCO results against annotations with pycocotools, also by people and crowding.

Every image of the split is scored, with or without people. Values are read from the evaluation
arrays, since `summarize` prints -1 for limits that it does not expect; a value that no ground-truth
person defines is NaN with n = 0. (faster-coco-eval gives equal numbers in less time, but not the
matches of each image, which intervals, strata and kinds of errors are counted from.)
"""

import copy
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
from bottomup.matches import Matches
from bottomup.shared_keypoints import label_shared, reorder_rows
from bottomup.skeleton import Skeleton

TASKS = ("keypoints", "segmentation")
STRATA = ((0, 0), (1, 1), (2, 2), (3, 4), (5, 8), (9, math.inf))
# CrowdPose's easy, medium and hard images: the crowd index from (excluded) up to.
CROWDING = ((-1.0, 0.1), (0.1, 0.8), (0.8, 1.0))
COLUMNS = ("task", "stratum", "metric", "value", "low", "high", "n")
RESAMPLES = 100
RESAMPLING_SEED = 0


@dataclass(frozen=True)
class Metric:
    """Where a metric lies in the evaluation arrays.

    Attributes:
        array: `precision` or `recall`.
        threshold: The OKS or IoU counted as a match, or None for the mean over .50:.05:.95.
        area: Size range of the persons: all, small, medium, large.
        limit: Detections an image that are counted.
    """

    array: str
    threshold: float | None
    area: str
    limit: int


METRICS: Mapping[str, Mapping[str, Metric]] = {
    "keypoints": {
        "AP": Metric("precision", None, "all", 20),
        "AP50": Metric("precision", 0.5, "all", 20),
        "AP75": Metric("precision", 0.75, "all", 20),
        "APm": Metric("precision", None, "medium", 20),
        "APl": Metric("precision", None, "large", 20),
        "AR": Metric("recall", None, "all", 20),
        "AR50": Metric("recall", 0.5, "all", 20),
        "AR75": Metric("recall", 0.75, "all", 20),
        "ARm": Metric("recall", None, "medium", 20),
        "ARl": Metric("recall", None, "large", 20),
    },
    "segmentation": {
        "AP": Metric("precision", None, "all", 100),
        "AP50": Metric("precision", 0.5, "all", 100),
        "AP75": Metric("precision", 0.75, "all", 100),
        "APs": Metric("precision", None, "small", 100),
        "APm": Metric("precision", None, "medium", 100),
        "APl": Metric("precision", None, "large", 100),
        "AR1": Metric("recall", None, "all", 1),
        "AR10": Metric("recall", None, "all", 10),
        "AR100": Metric("recall", None, "all", 100),
    },
}


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
        the value; low and high are the 95 % bootstrap interval over images, for AP only. The
        metrics `share_good`, `share_jitter` … say which share of the labelled keypoints is of that
        kind (see `keypoint_errors`); their n is the number of these keypoints.

    Raises:
        InputError: Malformed annotations or results, or results of an image not in the split.
    """
    annotations = read_annotations(annotations_path, skeleton)
    model = model or skeleton
    groups = strata(annotations, people_rule)
    ground_truth = to_coco(label_shared(annotations, model))
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


def _rows(scored: "TaskEvaluation", stratum: str, image_ids: Sequence[int]) -> Iterator[tuple]:
    low, high = scored.interval(image_ids)
    for metric, (value, n) in scored.metrics(image_ids).items():
        bounds = (low, high) if metric == "AP" else (math.nan, math.nan)
        yield scored.task, stratum, metric, value, *bounds, n


def _shared_row(model: Skeleton, dataset: Skeleton) -> tuple:
    shared = len(dataset.shared_with(model))
    return (
        "keypoints", "all", "shared_keypoints", shared, math.nan, math.nan, dataset.num_keypoints
    )  # fmt: skip


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
) -> "TaskEvaluation":
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
    checked = check_rows(rows, truth, task, model or skeleton, source)
    if task == "keypoints" and model not in (None, skeleton):
        checked = reorder_rows(checked, model, skeleton)
    with silence():
        found = truth.loadRes(checked) if checked else indexed(truth.dataset["images"], [])
        evaluator = COCOeval(truth, found, "keypoints" if task == "keypoints" else "segm")
    evaluator.params.kpt_oks_sigmas = np.array(skeleton.sigmas)
    return evaluator


class TaskEvaluation:
    """Detections of one task, matched to the ground truth, to be counted over any images."""

    def __init__(self, task: str, evaluator: COCOeval):
        self.task = task
        self._evaluator = evaluator
        self._metrics = METRICS["keypoints" if task == "keypoints" else "segmentation"]
        self._image_ids = [int(i) for i in evaluator.params.imgIds]

    def metrics(self, image_ids: Collection[int] | None = None) -> dict[str, tuple[float, int]]:
        """Each metric's value (NaN if undefined) and the number of persons that define it."""
        arrays = self._accumulated(image_ids)
        areas = self._evaluator.params.areaRngLbl
        persons = {area: self._count(a, image_ids) for a, area in enumerate(areas)}
        return {
            name: (self._read(metric, arrays), persons[metric.area])
            for name, metric in self._metrics.items()
        }

    def precision_recall(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Match thresholds [t], recalls [r] and precision [t, r]; NaN where there is no person."""
        params = self._evaluator.params
        precision = self._accumulated(None)["precision"][:, :, 0, 0, -1]
        return params.iouThrs, params.recThrs, np.where(precision < 0, np.nan, precision)

    def interval(
        self,
        image_ids: Collection[int] | None = None,
        resamples: int = RESAMPLES,
        seed: int = RESAMPLING_SEED,
    ) -> tuple[float, float]:
        """95 % bootstrap interval of AP over images; NaN, NaN without persons."""
        drawn = self.resampled(image_ids, resamples, seed)
        drawn = drawn[np.isfinite(drawn)]
        if not len(drawn):
            return math.nan, math.nan
        low, high = np.percentile(drawn, [2.5, 97.5])
        return float(low), float(high)

    def resampled(self, image_ids: Collection[int] | None, resamples: int, seed: int) -> np.ndarray:
        """AP of as many images drawn with replacement, [resample]; NaN without persons."""
        chosen = self._positions(image_ids)
        if not len(chosen) or not self._persons[chosen].sum():
            return np.full(resamples, np.nan)
        generator = np.random.default_rng(seed)
        matches = self._matches.of_images(chosen)
        shares = np.full(len(chosen), 1 / len(chosen))
        values = []
        for drawn in generator.multinomial(len(chosen), shares, size=resamples):
            weights = np.zeros(len(self._image_ids), np.int32)
            weights[chosen] = drawn
            persons = int(weights @ self._persons)
            values.append(matches.precision(persons, weights).mean() if persons else np.nan)
        return np.array(values)

    def _positions(self, image_ids: Collection[int] | None) -> np.ndarray:
        if image_ids is None:
            return np.arange(len(self._image_ids))
        wanted = set(image_ids)
        return np.array([k for k, i in enumerate(self._image_ids) if i in wanted], int)

    def _images(self, area: int, chosen: np.ndarray) -> list[dict | None]:
        offset = area * len(self._image_ids)
        return [self._evaluator.evalImgs[offset + k] for k in chosen]

    def _accumulated(self, image_ids: Collection[int] | None) -> dict:
        # `accumulate` misreads a list of images that is not the one evaluated, so it gets both cut.
        chosen = self._positions(image_ids)
        part = copy.copy(self._evaluator)
        part.params = copy.copy(self._evaluator.params)
        part.params.imgIds = [self._image_ids[k] for k in chosen]
        part._paramsEval = part.params
        areas = range(len(part.params.areaRng))
        part.evalImgs = [image for area in areas for image in self._images(area, chosen)]
        with silence():
            part.accumulate()
        return part.eval

    def _read(self, metric: Metric, arrays: Mapping) -> float:
        params = self._evaluator.params
        area, limit = params.areaRngLbl.index(metric.area), params.maxDets.index(metric.limit)
        values = arrays[metric.array][..., area, limit]
        if metric.threshold is not None:
            values = values[np.isclose(params.iouThrs, metric.threshold)]
        values = values[values > -1]
        return float(values.mean()) if values.size else math.nan

    def _count(self, area: int, image_ids: Collection[int] | None) -> int:
        images = self._images(area, self._positions(image_ids))
        return sum(int(np.count_nonzero(e["gtIgnore"] == 0)) for e in images if e is not None)

    @cached_property
    def _persons(self) -> np.ndarray:
        images = self._images(0, self._positions(None))
        return np.array([0 if e is None else int((e["gtIgnore"] == 0).sum()) for e in images])

    @cached_property
    def _matches(self) -> Matches:
        return Matches.gather(
            self._images(0, self._positions(None)),
            self._evaluator.params.recThrs,
            len(self._evaluator.params.iouThrs),
        )
