"""Measured values over the seeds of an experiment, and how they compare with what was expected."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from bottomup.publish.inputs import Expectation
from bottomup.publish.tables import NOT_MEASURED, share

TEST = ["experiment", "dataset", "split", "protocol"]


@dataclass(frozen=True)
class Measured:
    """One metric of an experiment, by one way of testing.

    Attributes:
        value: Mean over seeds; NaN if no person of the ground truth defines it.
        spread: Standard deviation over seeds; None for a single one.
        low: Lower end of the 95 % interval over images, mean over seeds; None if not computed.
        high: Its upper end.
        n: Persons of the ground truth that define the value.
        seeds: Number of runs.
    """

    value: float
    spread: float | None
    low: float | None
    high: float | None
    n: int
    seeds: int

    def numbers(self, name: str) -> dict[str, float | None]:
        """Columns of a CSV file."""
        return {
            name: self.value,
            f"{name}_spread": self.spread,
            f"{name}_low": self.low,
            f"{name}_high": self.high,
        }

    def text(self, interval: bool = True) -> str:
        """`.641 ± .004 [.62, .66]`; without spread for one seed."""
        spread = f" ± {share(self.spread)}" if self.spread is not None else ""
        both = interval and self.low is not None and self.high is not None
        bounds = f" [{share(self.low)}, {share(self.high)}]" if both else ""
        return f"{share(self.value)}{spread}{bounds}"


def each_test(metrics: pd.DataFrame, task: str) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Each way in which an experiment was tested, in the order of the metrics, with its rows."""
    of_task = metrics[metrics["task"] == task]
    for values, rows in of_task.groupby(TEST, sort=False):
        yield dict(zip(TEST, values, strict=True)), rows


def tested_on(test: dict[str, str], rows: pd.DataFrame) -> str:
    """Dataset and split, and how many of its keypoints count where the model does not find all."""
    place = f"{test['dataset']} {test['split']}".strip()
    shared = measure(rows, "shared_keypoints")
    return f"{place} ({shared.value:.0f} of its {shared.n} keypoints)" if shared else place


def measure(rows: pd.DataFrame, metric: str, stratum: str = "all") -> Measured | None:
    """One metric over the seeds in the rows of one test; None if it was not computed."""
    cell = rows[(rows["metric"] == metric) & (rows["stratum"] == stratum)]
    if cell.empty:
        return None
    values = cell["value"].astype(float)
    return Measured(
        value=float(values.mean()),
        spread=float(values.std(ddof=1)) if len(values) > 1 and values.notna().all() else None,
        low=_mean(cell["low"]),
        high=_mean(cell["high"]),
        n=int(cell["n"].max()),
        seeds=int(cell["seed"].nunique()),
    )


def _mean(values: pd.Series) -> float | None:
    mean = float(values.astype(float).mean())
    return None if math.isnan(mean) else mean


def show(measured: Measured | None, interval: bool = False) -> str:
    """A cell of a table."""
    return NOT_MEASURED if measured is None else measured.text(interval)


def seeds_text(measured: Measured | None, expectation: Expectation) -> str:
    """`3`, or `2 of 3` while runs are missing."""
    done = measured.seeds if measured else 0
    return f"{done} of {expectation.seeds}" if done < expectation.seeds else str(done)


def verdict(
    measured: Measured | None, task: str, expectation: Expectation, test: dict[str, str]
) -> str:
    """Within, below or above expectation; pending while runs are missing."""
    if measured is None or measured.seeds < expectation.seeds:
        done = measured.seeds if measured else 0
        return f"pending, {done} of {expectation.seeds} seeds"
    expected = expected_ap(task, expectation, test)
    if expected is None or math.isnan(measured.value):
        return "none stated" if expected is None else NOT_MEASURED
    difference = measured.value - expected
    if abs(difference) <= expectation.tolerance + 1e-9:
        return "within expectation"
    return "above expectation" if difference > 0 else "below expectation"


def expected_ap(task: str, expectation: Expectation, test: dict[str, str]) -> float | None:
    """The AP expected of a task by this way of testing, if any was stated."""
    if not expectation.is_for(test["dataset"], test["split"], test["protocol"]):
        return None
    return expectation.keypoints_AP if task == "keypoints" else expectation.segmentation_AP
