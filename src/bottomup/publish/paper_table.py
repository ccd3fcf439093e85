"""A table of a paper: its rows, the published values, and what the study measured for each.

A row's measured cells come from the experiments that name it under `expected.published`, by the
protocol that they name it for. Nothing else is compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bottomup.publish import published
from bottomup.publish.inputs import Expectation, Inputs
from bottomup.publish.measured import (
    TEST,
    Measured,
    each_test,
    measure,
    seeds_text,
    show,
    tested_on,
    verdict,
)
from bottomup.publish.published import Published
from bottomup.publish.tables import NOT_MEASURED, Table, share

NOT_IN_STUDY = "not in this study"
OTHER_SPLIT = "measured on another split"


@dataclass(frozen=True)
class Match:
    """A test of an experiment that stands for a row of a paper; `rows` may be empty."""

    test: Mapping[str, str]
    expectation: Expectation
    rows: pd.DataFrame


def paper_table(inputs: Inputs, task: str, rows: Sequence[str], metrics: Sequence[str]) -> Table:
    """One line for each published row and split, and for each experiment that stands for it.

    Args:
        inputs: Needs metrics, expected and published.
        task: `keypoints` or `segmentation`.
        rows: Names of rows in the file of published values, in the order of the paper.
        metrics: Names of metrics, AP first.

    Raises:
        InputError: The file of published values has no such row.
    """
    table = Table(header=("model", "published_split", *TEST))
    for row in rows:
        entries = published.of_row(inputs.published, row, task)
        found = matches(inputs, task, row)
        homes = [_home(entries, match) for match in found]
        for position, entry in enumerate(entries):
            here = [m for m, home in zip(found, homes, strict=True) if home == position]
            for match in here or [None]:
                table.add(*_line(entry, match, task, metrics, elsewhere=bool(found)))
    return table


def _home(entries: Sequence[Published], match: Match) -> int:
    """The position of the published values of the split that was measured, or else the first."""
    splits = [entry.split.split(",")[0] for entry in entries]
    return splits.index(match.test["split"]) if match.test["split"] in splits else 0


def matches(inputs: Inputs, task: str, row: str) -> list[Match]:
    """The tests of the study that stand for a published row, begun or not."""
    tested = list(each_test(inputs.metrics, task))
    found = []
    for name, expectation in inputs.expected.items():
        for protocol in [p for p, known in expectation.published.items() if known == row]:
            ours = [
                Match(test, expectation, rows)
                for test, rows in tested
                if (test["experiment"], test["protocol"]) == (name, protocol)
            ]
            place = (name, expectation.dataset or "", expectation.split or "", protocol)
            none = Match(dict(zip(TEST, place, strict=True)), expectation, inputs.metrics.iloc[:0])
            found += ours or [none]
    return found


def _line(
    entry: Published, match: Match | None, task: str, metrics: Sequence[str], elsewhere: bool
) -> tuple[dict, dict]:
    numbers = {"model": entry.model, "published_split": entry.split}
    shown = {"model": entry.model, "published on": entry.split}
    for name in metrics:
        numbers[f"published_{name}"] = entry.values.get(name)
        shown[f"published {name}"] = share(entry.values.get(name))
    numbers |= {"published_source": entry.source, "published_certainty": entry.certainty()}
    shown |= {"source": entry.source, "certainty": entry.certainty()}
    more_numbers, more_shown = _measured(match, task, metrics)
    if match is None and elsewhere:
        more_shown["verdict"] = more_numbers["verdict"] = OTHER_SPLIT
    return numbers | more_numbers, shown | more_shown


def _measured(match: Match | None, task: str, metrics: Sequence[str]) -> tuple[dict, dict]:
    cells = {name: measure(match.rows, name) if match else None for name in metrics}
    ap = cells["AP"]
    numbers: dict = {**(match.test if match else dict.fromkeys(TEST))}
    for name, cell in cells.items():
        numbers |= cell.numbers(f"measured_{name}") if cell else {f"measured_{name}": None}
        numbers[f"n_{name}"] = cell.n if cell else None
    shown = {
        "experiment": match.test["experiment"] if match else NOT_MEASURED,
        "tested on": tested_on(match.test, match.rows) if match else NOT_MEASURED,
        "protocol": match.test["protocol"] if match else NOT_MEASURED,
        **{f"measured {name}": _cell(cell) for name, cell in cells.items()},
        "seeds": seeds_text(ap, match.expectation) if match else NOT_MEASURED,
    }
    judged = verdict(ap, task, match.expectation, match.test) if match else NOT_IN_STUDY
    numbers |= {"seeds": ap.seeds if ap else 0, "verdict": judged}
    return numbers, shown | {"verdict": judged}


def _cell(cell: Measured | None) -> str:
    if cell is None or not cell.n:
        return show(cell)
    return f"{cell.text()} (n = {cell.n})"
