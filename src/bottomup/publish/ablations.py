"""What each choice gives: tests that differ in one setting alone, grouped by that setting, in
keypoint and mask average precision. The first line of a group is the reference, and the others show
their difference from it. A setting is one of training (the experiment's) or of testing (the
protocol's). Values are means over seeds with their standard deviation; brackets hold the 95 %
bootstrap interval over images, n the persons.

Reads the metrics of the study, its run records and the settings of its protocols.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bottomup.evaluation import TASKS
from bottomup.publish.inputs import Inputs
from bottomup.publish.measured import TEST, Measured, measure, show
from bottomup.publish.tables import NOT_MEASURED, Table, signed

KIND = "table"
CATEGORY = "Papers"
NEEDS = ("metrics", "runs", "protocols", "design")
TRAINING, TESTING = "training", "testing"

# What is varied: its title, and the settings that may differ then.
FACTORS = {
    "output stride, testing": (f"{TESTING}.output_stride",),
    "output stride, training": (f"{TRAINING}.output_stride",),
    "input sides": (f"{TESTING}.sides",),
    "mirrored too": (f"{TESTING}.flip",),
    "offsets refined, testing": (f"{TESTING}.refine",),
    "offsets refined, training": (f"{TRAINING}.system_options.refine_in_training",),
    "assembly": (f"{TESTING}.decoder.assembly",),
    "keypoint score": (f"{TESTING}.decoder.score",),
    "person score": (f"{TESTING}.decoder.person_score",),
    "scales in training": (f"{TRAINING}.augmentation.scale",),
    "trunk": (f"{TRAINING}.backbone", f"{TRAINING}.backbone_options"),
    "initial weights": (f"{TRAINING}.initial_weights",),
    "intermediate supervision": (f"{TRAINING}.intermediate",),
    "distance head": (f"{TRAINING}.system_options.distance",),
}
WHOLE = ("backbone_options", "initial_weights", "intermediate", "loss_weights")


@dataclass(frozen=True)
class Tried:
    """One test with all settings that led to it, by dotted name, and its metrics."""

    test: Mapping[str, str]
    settings: Mapping[str, object]
    rows: pd.DataFrame

    def without(self, keys: Sequence[str]) -> tuple:
        """Everything but these settings, to compare by."""
        kept = tuple(sorted((k, v) for k, v in self.settings.items() if k not in keys))
        return (self.test["dataset"], self.test["split"], *kept)

    def ap(self, task: str) -> Measured | None:
        """Average precision of a task."""
        return measure(self.rows[self.rows["task"] == task], "AP")


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    table = Table(header=("varied", "value", *TEST))
    for title, reference, group in groups(list(tried(inputs))):
        for one in group:
            table.add(*_line(title, one, reference))
    table.save(outputs)


def tried(inputs: Inputs) -> Iterator[Tried]:
    """Every test that was measured, with its settings."""
    trained = {}
    for (experiment, _), path in inputs.runs.items():
        settings = json.loads(Path(path).read_text())["settings"]
        initial = settings.get("initial_weights")
        if isinstance(initial, Mapping) and "trunk_file" in initial:
            settings["initial_weights"] = "published"  # the file is another for each trunk
        trained[experiment] = settings
    for values, rows in inputs.metrics.groupby(TEST, sort=False):
        test = dict(zip(TEST, values, strict=True))
        known = test["experiment"] in trained and test["protocol"] in inputs.protocols
        if known:
            stages = inputs.design.get("training", {}).get(test["experiment"], ())
            settings = {
                TRAINING: trained[test["experiment"]],
                TESTING: inputs.protocols[test["protocol"]],
                "subsets": [stage["subset"] for stage in stages],
            }
            yield Tried(test, dict(_flat(settings)), rows)


def groups(found: Sequence[Tried]) -> Iterator[tuple[str, Tried, list[Tried]]]:
    """Title, reference and members of each group of tests that differ in one factor alone."""
    for title, keys in FACTORS.items():
        alike: dict[tuple, list[Tried]] = {}
        for one in found:
            alike.setdefault(one.without(keys), []).append(one)
        for group in alike.values():
            values = {_value(one, keys) for one in group}
            if len(values) == len(group) > 1:
                yield title, group[0], group


def _flat(settings: Mapping, before: str = "") -> Iterator[tuple[str, object]]:
    """Settings by dotted name; lists and the blocks in `WHOLE` are one value, as text."""
    for key, value in settings.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping) and key not in WHOLE:
            yield from _flat(value, f"{name}.")
        else:
            yield name, json.dumps(value, sort_keys=True)


def _value(one: Tried, keys: Sequence[str]) -> str:
    return ", ".join(_plain(key, one.settings[key]) for key in keys if key in one.settings)


def _plain(key: str, text: object) -> str:
    value = json.loads(str(text))
    if value is None:
        return "as trained" if key.startswith(TESTING) else "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in value.items()) or "default"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return {"True": "yes", "False": "no"}.get(str(value), str(value))


def _line(title: str, one: Tried, reference: Tried) -> tuple[dict, dict]:
    value = _value(one, FACTORS[title])
    numbers = {"varied": title, "value": value, **one.test}
    shown = {
        "varied": title,
        "value": value,
        "experiment": one.test["experiment"],
        "tested on": f"{one.test['dataset']} {one.test['split']}",
        "protocol": one.test["protocol"],
    }
    for task in TASKS:
        ap, base = one.ap(task), reference.ap(task)
        change = None if None in (ap, base) or one is reference else ap.value - base.value
        numbers |= ap.numbers(f"{task}_AP") if ap else {f"{task}_AP": None}
        numbers |= {f"{task}_change": change, f"{task}_n": ap.n if ap else None}
        numbers["seeds"] = ap.seeds if ap else None
        shown[f"{task} AP"] = show(ap, interval=True)
        shown[f"{task} change"] = NOT_MEASURED if change is None else signed(change)
    shown["n"] = str(numbers["keypoints_n"] or NOT_MEASURED)
    shown["seeds"] = str(numbers["seeds"] or NOT_MEASURED)
    return numbers, shown
