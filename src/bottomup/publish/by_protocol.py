"""Average precision of each experiment by each way of testing, side by side: one row for each
experiment, split and task, one column for each protocol. Values are means over seeds with their
standard deviation; brackets hold the 95 % bootstrap interval over images, averaged over seeds.

Reads the metrics of the study.
"""

from collections.abc import Sequence
from pathlib import Path

from bottomup.evaluation import TASKS
from bottomup.publish.inputs import Inputs
from bottomup.publish.measured import each_test, measure, tested_on
from bottomup.publish.tables import NOT_MEASURED, Table

KIND = "table"
CATEGORY = "Accuracy"
NEEDS = ("metrics",)


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    protocols = list(dict.fromkeys(inputs.metrics["protocol"]))
    table = Table(header=("task", "experiment", "dataset", "split", "protocol", "seeds", "AP"))
    shown: dict[tuple, dict] = {}
    for task in TASKS:
        for test, rows in each_test(inputs.metrics, task):
            row = (task, test["experiment"], tested_on(test, rows))
            shown.setdefault(row, dict.fromkeys(protocols, NOT_MEASURED))
            cell = measure(rows, "AP")
            if cell is not None:
                shown[row][test["protocol"]] = cell.text()
                numbers = {"seeds": cell.seeds, "persons": cell.n, **cell.numbers("AP")}
                table.numbers.append({"task": task, **test, **numbers})
    for (task, experiment, place), cells in shown.items():
        table.shown.append({"task": task, "experiment": experiment, "tested on": place, **cells})
    table.save(outputs)
