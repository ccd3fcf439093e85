"""Differences of AP between an experiment and its control, by number of people.

Both were trained for equally many steps on equally many images, which is checked when the study is
read. A difference is the mean over the seeds that both have. Its interval and its p-value come from
a paired bootstrap over the test images: the same images are drawn for both, 1000 times. What
another seed would change is told by the differences of the single seeds.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bottomup.coco import read_annotations
from bottomup.coco_results import read_results, to_coco
from bottomup.evaluation import TASKS, evaluate_task, strata
from bottomup.publish.inputs import Inputs, Result
from bottomup.shared_keypoints import label_shared

RESAMPLES = 1000
RESAMPLING_SEED = 0
CROWD = "people=3+"  # all images with three people or more, together


@dataclass(frozen=True)
class Difference:
    """What an experiment has more than its control, of one task and stratum.

    Attributes:
        task: keypoints or segmentation.
        experiment: Its name.
        control: The name of the control.
        test: Dataset, split and protocol.
        stratum: `all`, `people=1`, ...
        value: Mean difference of AP over seeds; NaN if no person defines it.
        by_seed: The differences of the single seeds, by seed.
        low: Lower end of the 95 % interval over images.
        high: Its upper end.
        p: Two-sided, of the paired bootstrap over images.
        images: Images of the stratum.
    """

    task: str
    experiment: str
    control: str
    test: tuple[str, str, str]
    stratum: str
    value: float
    by_seed: Mapping[int, float]
    low: float
    high: float
    p: float
    images: int

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds; None for a single one."""
        values = list(self.by_seed.values())
        return float(np.std(values, ddof=1)) if len(values) > 1 else None

    @property
    def answer(self) -> str:
        """What the interval says."""
        if math.isnan(self.value):
            return "no such object"
        if self.low > 0 or self.high < 0:
            return "better" if self.value > 0 else "worse"
        return "no difference shown"


def differences(inputs: Inputs) -> Iterator[Difference]:
    """Every comparison of the study, by task, test and stratum."""
    by_test: dict[tuple, dict[str, dict[int, Result]]] = {}
    for result in inputs.results:
        test = (result.dataset, result.split, result.protocol)
        by_test.setdefault(test, {}).setdefault(result.experiment, {})[result.seed] = result
    scored = lru_cache(maxsize=None)(_score)
    for task in TASKS:
        for pair in inputs.design.get("comparisons", ()):
            for test, found in by_test.items():
                ours, theirs = (found.get(pair[who], {}) for who in ("experiment", "control"))
                seeds = sorted(set(ours) & set(theirs))
                if not all(one[s].detections_of(task) for one in (ours, theirs) for s in seeds):
                    continue
                scores = [(scored(ours[s], task), scored(theirs[s], task)) for s in seeds]
                if scores:
                    yield from _compared(task, pair, test, seeds, scores)


@dataclass(frozen=True, eq=False)
class Scores:
    """AP of one run by stratum, of all images and of images drawn again and again.

    Attributes:
        values: AP by stratum.
        drawn: AP by stratum, [resample].
        images: Number of images by stratum.
    """

    values: Mapping[str, float]
    drawn: Mapping[str, np.ndarray]
    images: Mapping[str, int]


def _score(result: Result, task: str) -> Scores:
    annotations = read_annotations(result.annotations_path, result.skeleton)
    groups = by_people(strata(annotations))
    truth = to_coco(label_shared(annotations, result.model))
    path = result.detections_of(task)
    rows = read_results(path)
    scored = evaluate_task(truth, rows, task, result.skeleton, str(path), result.model)
    return Scores(
        values={name: scored.metrics(ids)["AP"][0] for name, ids in groups.items()},
        drawn={
            name: scored.resampled(ids, RESAMPLES, RESAMPLING_SEED) for name, ids in groups.items()
        },
        images={name: len(ids) for name, ids in groups.items()},
    )


def by_people(groups: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """The strata of people with somebody in them, and the crowds as one more."""
    found = {
        name: list(ids)
        for name, ids in groups.items()
        if name == "all" or (name.startswith("people=") and name != "people=0")
    }
    singles_and_pairs = ("all", "people=1", "people=2")
    crowds = [i for name, ids in found.items() if name not in singles_and_pairs for i in ids]
    return found | {CROWD: sorted(crowds)}


def _compared(task, pair, test, seeds, scores) -> Iterator[Difference]:
    for stratum in scores[0][0].values:
        values = {
            seed: ours.values[stratum] - theirs.values[stratum]
            for seed, (ours, theirs) in zip(seeds, scores, strict=True)
        }
        # The same seed draws the same images for every run, which makes the resamples paired.
        drawn = np.mean(
            [ours.drawn[stratum] - theirs.drawn[stratum] for ours, theirs in scores], axis=0
        )
        yield Difference(
            task=task,
            experiment=pair["experiment"],
            control=pair["control"],
            test=test,
            stratum=stratum,
            value=float(np.mean(list(values.values()))),
            by_seed=values,
            **summary(drawn),
            images=scores[0][0].images[stratum],
        )


def summary(drawn: np.ndarray) -> dict[str, float]:
    """95 % interval and two-sided p-value of resampled differences; NaN if there are none."""
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return dict.fromkeys(("low", "high", "p"), math.nan)
    low, high = np.percentile(drawn, [2.5, 97.5])
    beyond = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    p = min(1.0, 2 * (beyond + 1) / (len(drawn) + 1))
    return {"low": float(low), "high": float(high), "p": float(p)}
