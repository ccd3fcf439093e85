"""Average precision by what a network was trained on, by the number of people in the image, and by
seed: the mean over seeds with its standard deviation, and in brackets the value of each seed. A
staged experiment has learned from the subsets of its ancestors before its own. Published values are
of other images (COCO); where a paper is known to publish none, its cell says so.

Reads the metrics of the study, its design, and the published values.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bottomup.evaluation import TASKS
from bottomup.publish import published
from bottomup.publish.inputs import Expectation, Inputs
from bottomup.publish.measured import each_test, measure
from bottomup.publish.tables import NO_SUCH_OBJECT, NOT_MEASURED, Table, share

KIND = "table"
CATEGORY = "Accuracy"
NEEDS = ("metrics", "design", "expected", "published")
HEADER = (
    *("task", "experiment", "trained_on", "steps", "dataset", "split", "protocol", "stratum"),
    *("persons", "seed", "AP", "mean", "spread", "published_AP", "published_source"),
)
NONE_PUBLISHED = "none published"


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    strata = [s for s in dict.fromkeys(inputs.metrics["stratum"]) if _is_shown(s)]
    table = Table(header=HEADER)
    for task in TASKS:
        for test, rows in each_test(inputs.metrics, task):
            trained_on, steps = _training(inputs, test["experiment"])
            known, text = _published(inputs, task, test)
            shown = {
                "task": task,
                "experiment": test["experiment"],
                "trained on": trained_on,
                "steps": str(steps),
                "tested on": f"{test['dataset']} {test['split']}, {test['protocol']}",
            }
            for stratum in strata:
                cell = measure(rows, "AP", stratum)
                shown[_title(stratum)] = _cell(cell, _by_seed(rows, stratum))
                for seed, value in _by_seed(rows, stratum).items():
                    table.numbers.append(
                        {"task": task, "experiment": test["experiment"]}
                        | {"trained_on": trained_on, "steps": steps}
                        | {key: test[key] for key in ("dataset", "split", "protocol")}
                        | {"stratum": stratum, "persons": cell.n, "seed": seed, "AP": value}
                        | {"mean": cell.value, "spread": cell.spread}
                        | {"published_AP": known.values.get("AP") if known else None}
                        | {"published_source": known.reference() if known else text}
                    )
            shown["published AP"] = text
            table.shown.append(shown)
    table.save(outputs)


def _is_shown(stratum: str) -> bool:
    return stratum == "all" or (stratum.startswith("people=") and stratum != "people=0")


def _training(inputs: Inputs, experiment: str) -> tuple[str, int]:
    """The subsets that an experiment and its ancestors were trained on, and all their steps."""
    stages = inputs.design["training"][experiment]
    names = [stage["subset"] for stage in stages]
    return ", then ".join(names), sum(stage["steps"] for stage in stages)


def _by_seed(rows: pd.DataFrame, stratum: str) -> dict[int, float]:
    cell = rows[(rows["metric"] == "AP") & (rows["stratum"] == stratum)].sort_values("seed")
    return dict(zip(cell["seed"].astype(int), cell["value"].astype(float), strict=True))


def _published(inputs: Inputs, task: str, test: dict):
    expectation = inputs.expected.get(test["experiment"], Expectation())
    row = expectation.published.get(test["protocol"])
    known = published.find(inputs.published, row, task, test["split"])
    if known is None:
        return None, NONE_PUBLISHED if row else NOT_MEASURED
    return known, f"{share(known.values.get('AP'))} ({known.reference()})"


def _title(stratum: str) -> str:
    if stratum == "all":
        return "all images"
    people = stratum.split("=")[1]
    return "1 person" if people == "1" else f"{people} people"


def _cell(cell, by_seed: dict[int, float]) -> str:
    if cell is None:
        return NOT_MEASURED
    if not cell.n:
        return NO_SUCH_OBJECT
    values = ", ".join(share(value) for value in by_seed.values())
    return f"{cell.text(interval=False)} ({values})"
