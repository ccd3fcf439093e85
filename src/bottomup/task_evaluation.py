"""One task's detections, matched to the ground truth by pycocotools, to be counted over any images.

Values are read from the evaluation arrays, since `summarize` prints -1 for limits that it does not
expect; a value that no ground-truth person defines is NaN with n = 0.
"""

import copy
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from pycocotools.cocoeval import COCOeval

from bottomup.coco_results import silence
from bottomup.matches import Matches

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


class TaskEvaluation:
    """Detections of one task, matched to the ground truth, to be counted over any images."""

    def __init__(self, task: str, evaluator: COCOeval):
        self.task = task
        self._evaluator = evaluator
        self._metrics = METRICS["keypoints" if task == "keypoints" else "segmentation"]
        self._image_ids = [int(i) for i in evaluator.params.imgIds]
        # Not by decorators: those would keep every evaluation until the process ends.
        self._persons, self._matches = cache(self._persons), cache(self._matches)

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

    def matched(self, threshold: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
        """Scores of the detections, best first, and which match a person at this similarity.

        Detections that count neither way, such as those on crowds, are left out.
        """
        found = self._matches()
        step = int(np.argmin(abs(self._evaluator.params.iouThrs - threshold)))
        counted = found.true[step] | found.false[step]
        return found.score[counted], found.true[step][counted]

    def quality(self, least_score: float) -> dict[int, float]:
        """How well each image with people is solved, by image id, from 0 to 1.

        The F-measure of the detections with at least this score, averaged over the thresholds.
        """
        found = {}
        images = self._images(0, self._positions(None))
        for image_id, image in zip(self._image_ids, images, strict=True):
            persons = 0 if image is None else int((image["gtIgnore"] == 0).sum())
            if not persons:
                continue
            sure = np.asarray(image["dtScores"]) >= least_score
            counted = sure & ~image["dtIgnore"].astype(bool)
            hits = (counted & (image["dtMatches"] > 0)).sum(axis=1)
            found[image_id] = float(np.mean(2 * hits / (persons + counted.sum(axis=1))))
        return found

    def interval(
        self,
        image_ids: Collection[int] | None = None,
        resamples: int = RESAMPLES,
        seed: int = RESAMPLING_SEED,
        metric: str = "AP",
    ) -> tuple[float, float]:
        """95 % bootstrap interval of a metric over images; NaN, NaN without persons."""
        drawn = self.resampled(image_ids, resamples, seed, metric)
        drawn = drawn[np.isfinite(drawn)]
        if not len(drawn):
            return math.nan, math.nan
        low, high = np.percentile(drawn, [2.5, 97.5])
        return float(low), float(high)

    def resampled(
        self, image_ids: Collection[int] | None, resamples: int, seed: int, metric: str = "AP"
    ) -> np.ndarray:
        """A metric of as many images drawn with replacement, [resample]; NaN without persons."""
        wanted = self._metrics[metric]
        area = self._evaluator.params.areaRngLbl.index(wanted.area)
        persons_of, chosen = self._persons(area), self._positions(image_ids)
        if not len(chosen) or not persons_of[chosen].sum():
            return np.full(resamples, np.nan)
        generator = np.random.default_rng(seed)
        matches = self._matches(area, wanted.limit).of_images(chosen)
        steps = self._thresholds(wanted)
        shares = np.full(len(chosen), 1 / len(chosen))
        values = []
        for drawn in generator.multinomial(len(chosen), shares, size=resamples):
            weights = np.zeros(len(self._image_ids), np.int32)
            weights[chosen] = drawn
            persons = int(weights @ persons_of)
            count = getattr(matches, wanted.array)
            values.append(count(persons, weights)[steps].mean() if persons else np.nan)
        return np.array(values)

    def _thresholds(self, metric: Metric) -> np.ndarray:
        """Positions of the thresholds that a metric is read at."""
        thresholds = self._evaluator.params.iouThrs
        if metric.threshold is None:
            return np.arange(len(thresholds))
        return np.flatnonzero(np.isclose(thresholds, metric.threshold))

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
        values = arrays[metric.array][..., area, limit][self._thresholds(metric)]
        values = values[values > -1]
        return float(values.mean()) if values.size else math.nan

    def _count(self, area: int, image_ids: Collection[int] | None) -> int:
        images = self._images(area, self._positions(image_ids))
        return sum(int(np.count_nonzero(e["gtIgnore"] == 0)) for e in images if e is not None)

    def _persons(self, area: int) -> np.ndarray:
        """Number of persons of a size that count on each image."""
        images = self._images(area, self._positions(None))
        return np.array([0 if e is None else int((e["gtIgnore"] == 0).sum()) for e in images])

    def _matches(self, area: int = 0, limit: int | None = None) -> Matches:
        """The detections, at most so many an image (None: as many as were matched)."""
        images = self._images(area, self._positions(None))
        thresholds = len(self._evaluator.params.iouThrs)
        return Matches.gather(images, self._evaluator.params.recThrs, thresholds, limit)
