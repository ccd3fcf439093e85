"""Every number of the study that a text may quote, under the name by which LaTeX quotes it: the
average precision of each experiment by each way of testing, with its spread over seeds, its
interval over images, its persons and seeds, and the published values. In `numbers.tex` each is a
macro, so that no text disagrees with the results; those of published values begin with
`published`.

Reads the metrics of the study, the expectations of its experiments and the published values.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bottomup.errors import InputError
from bottomup.evaluation import TASKS
from bottomup.files import written_aside
from bottomup.publish import published
from bottomup.publish.inputs import Inputs
from bottomup.publish.measured import each_test, measure
from bottomup.publish.tables import Table, escaped, share

KIND = "table"
CATEGORY = "Papers"
NEEDS = ("metrics", "expected", "published")
METRICS = ("AP", "AP50", "AP75", "AR")
DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")

# Name of a macro, its value as text, and what it is.
Number = tuple[str, str, str]


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the list to each output; LaTeX gets macros."""
    found = [*measured_numbers(inputs), *published_numbers(inputs)]
    check_names(found)
    table = Table(header=("macro", "value", "meaning"))
    for name, value, meaning in found:
        row = {"macro": name, "value": value, "meaning": meaning}
        table.add(row, row)
    others = [path for path in map(Path, outputs) if path.suffix != ".tex"]
    table.save(others)
    for path in map(Path, outputs):
        if path.suffix == ".tex":
            with written_aside(path) as aside:
                aside.write_text(as_macros(found), encoding="utf-8", newline="\n")


def measured_numbers(inputs: Inputs) -> Iterator[Number]:
    """What the study measured, for each task and test."""
    for task in TASKS:
        for test, rows in each_test(inputs.metrics, task):
            for metric in METRICS:
                cell = measure(rows, metric)
                if cell is None or not cell.n:
                    continue
                name = macro_name(*test.values(), task, metric)
                place = f"{test['experiment']}, {test['dataset']} {test['split']}"
                what = f"{task} {metric} of {place} by {test['protocol']}"
                yield name, share(cell.value), what
                if cell.spread is not None:
                    yield f"{name}Spread", share(cell.spread), f"standard deviation: {what}"
                if cell.low is not None and cell.high is not None:
                    bounds = f"[{share(cell.low)}, {share(cell.high)}]"
                    yield f"{name}Interval", bounds, f"95 % interval over images: {what}"
                yield f"{name}Persons", str(cell.n), f"persons that define {what}"
                yield f"{name}Seeds", str(cell.seeds), f"seeds behind {what}"


def published_numbers(inputs: Inputs) -> Iterator[Number]:
    """The published values of the rows that the study's experiments name."""
    rows = [row for e in inputs.expected.values() for row in e.published.values()]
    for row in dict.fromkeys(rows):
        for task in TASKS:
            for entry in published.of_row(inputs.published, row, task):
                for metric, value in entry.values.items():
                    certain = "sourced" if metric in entry.sourced else "as recalled"
                    what = f"published {task} {metric}, {entry.model}, {entry.split}; {certain}"
                    yield (
                        macro_name("published", row, entry.split, task, metric),
                        share(value),
                        what,
                    )


def macro_name(*parts: str) -> str:
    """A name that LaTeX accepts, letters alone: `runOneAPFiveZero`."""
    words = [word for part in parts for word in re.split(r"[^A-Za-z0-9]+", str(part)) if word]
    name = "".join(word[0].upper() + word[1:] for word in words)
    name = re.sub(r"\d", lambda digit: DIGITS[int(digit[0])], name)
    return name[0].lower() + name[1:]


def check_names(found: Sequence[Number]) -> None:
    """Raises InputError if two numbers would share a macro."""
    seen: dict[str, str] = {}
    for name, _, meaning in found:
        if name in seen:
            raise InputError(
                f"numbers.tex: macro {name} would be both {seen[name]!r} and {meaning!r}; "
                "rename an experiment, a split or a protocol so that letters and digits tell apart"
            )
        seen[name] = meaning


def as_macros(found: Sequence[Number]) -> str:
    r"""One `\newcommand` a line, with what it is behind it."""
    lines = [f"\\newcommand{{\\{name}}}{{{escaped(value)}}} % {m}\n" for name, value, m in found]
    return "% Made by the workflow; \\input this file and quote its macros.\n" + "".join(lines)
