"""What was run, what was expected and what came out, one row for each experiment: its method and
training data, the average precision of keypoints and masks by the study's first way of testing, and
the same numbers of the colour baseline, a model that sees single pixels, which tell how much of a
result colour alone would give away.

Reads the metrics of the study, its run records and the expectations of its experiments.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bottomup.evaluation import TASKS
from bottomup.publish.inputs import Expectation, Inputs
from bottomup.publish.measured import (
    Measured,
    each_test,
    expected_ap,
    measure,
    seeds_text,
    show,
    verdict,
)
from bottomup.publish.tables import NOT_MEASURED, Table, share

KIND = "table"
CATEGORY = "Overview"
NEEDS = ("metrics", "runs", "expected")
BASELINE_BACKBONE = "pixel"


@dataclass(frozen=True)
class Model:
    """What a run record says of an experiment.

    Minutes are the mean over its runs, None of deterministic ones: whoever repeats those shall get
    the same table byte for byte.
    """

    system: str
    backbone: str
    images: int
    steps: int
    minutes: float | None


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    models = read_models(inputs.runs)
    first = {name: _first_test(inputs, name) for name in _experiments(inputs)}
    baselines = {name for name, model in models.items() if model.backbone == BASELINE_BACKBONE}
    colour = _colour_baseline(inputs, baselines)
    table = Table(header=("experiment",))
    for name, (test, cells) in first.items():
        expectation = inputs.expected.get(name, Expectation())
        numbers, shown = _described(name, models.get(name), test)
        done = next((cell for cell in cells.values() if cell), None)
        shown["seeds"] = seeds_text(done, expectation)
        numbers["seeds"] = done.seeds if done else 0
        for task in TASKS:
            place = (test["dataset"], test["split"], test["protocol"])
            other = None if name in baselines else colour.get((task, *place))
            more_numbers, more_shown = _outcome(task, cells[task], expectation, test, other)
            if done and not cells[task]:  # Its system does not do this task.
                more_numbers[f"{task}_verdict"] = more_shown[f"{task} verdict"] = NOT_MEASURED
            numbers, shown = numbers | more_numbers, shown | more_shown
        table.add(numbers, shown)
    table.save(outputs)


def read_models(runs: Mapping[tuple[str, int], Path]) -> dict[str, Model]:
    """What the run records of the study say, by experiment."""
    records: dict[str, list[dict]] = {}
    for (experiment, _), path in runs.items():
        records.setdefault(experiment, []).append(json.loads(Path(path).read_text()))
    return {name: _model(found) for name, found in records.items()}


def _model(records: Sequence[Mapping]) -> Model:
    settings = records[0]["settings"]
    timed = not any(record.get("deterministic") for record in records)
    return Model(
        system=settings["system"],
        backbone=settings["backbone"],
        images=records[0]["images"],
        steps=records[0]["steps"],
        minutes=sum(r["seconds"] for r in records) / len(records) / 60 if timed else None,
    )


def _experiments(inputs: Inputs) -> list[str]:
    return list(dict.fromkeys([*inputs.expected, *inputs.metrics["experiment"]]))


def _first_test(inputs: Inputs, name: str) -> tuple[dict, dict[str, Measured | None]]:
    """The test that the expectation is for, or else the first, and its AP by task."""
    expectation = inputs.expected.get(name, Expectation())
    test = {"experiment": name, "dataset": "", "split": "", "protocol": ""}
    test |= {k: v for k in ("dataset", "split", "protocol") if (v := getattr(expectation, k))}
    cells: dict[str, Measured | None] = dict.fromkeys(TASKS)
    for task in TASKS:
        for found, rows in each_test(inputs.metrics, task):
            places = (found["dataset"], found["split"], found["protocol"])
            if found["experiment"] == name and expectation.is_for(*places):
                test, cells[task] = found, measure(rows, "AP")
                break
    return test, cells


def _colour_baseline(
    inputs: Inputs, names: Collection[str]
) -> dict[tuple[str, ...], Measured | None]:
    """AP of the first colour baseline by task, dataset, split and protocol."""
    found: dict[tuple[str, ...], Measured | None] = {}
    for task in TASKS:
        for test, rows in each_test(inputs.metrics, task):
            if test["experiment"] in names:
                key = (task, test["dataset"], test["split"], test["protocol"])
                found.setdefault(key, measure(rows, "AP"))
    return found


def _described(name: str, model: Model | None, test: Mapping) -> tuple[dict, dict]:
    numbers = {
        "experiment": name,
        "system": model.system if model else None,
        "backbone": model.backbone if model else None,
        "training_images": model.images if model else None,
        "steps": model.steps if model else None,
        "training_minutes": round(model.minutes, 1) if model and model.minutes else None,
        "dataset": test["dataset"],
        "split": test["split"],
        "protocol": test["protocol"],
    }
    shown = {
        "experiment": name,
        "method": f"{model.system}, {model.backbone}" if model else NOT_MEASURED,
        "trained": _trained(model) if model else NOT_MEASURED,
        "tested on": " ".join(p for p in (test["dataset"], test["split"], test["protocol"]) if p),
    }
    return numbers, shown


def _trained(model: Model) -> str:
    time = "" if model.minutes is None else f", {model.minutes:.0f} min"
    return f"{model.steps} steps on {model.images} images{time}"


def _outcome(
    task: str,
    ap: Measured | None,
    expectation: Expectation,
    test: dict[str, str],
    baseline: Measured | None,
) -> tuple[dict, dict]:
    expected = expected_ap(task, expectation, test)
    judged = verdict(ap, task, expectation, test)
    numbers = {
        **(ap.numbers(f"{task}_AP") if ap else {f"{task}_AP": None}),
        f"{task}_expected": expected,
        f"{task}_verdict": judged,
        f"{task}_colour_baseline": baseline.value if baseline else None,
    }
    shown = {
        f"{task} AP": show(ap, interval=True),
        f"{task} expected": NOT_MEASURED if expected is None else share(expected),
        f"{task} verdict": judged,
        f"{task} AP of colour baseline": show(baseline),
    }
    return numbers, shown
