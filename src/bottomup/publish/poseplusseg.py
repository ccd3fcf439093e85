"""PosePlusSeg on COCO: the two values of its abstract (Ahmad et al. 2022), for keypoints and for
person masks, beside what this study measured for the experiments that stand for them. The paper's
split is not stated in what could be read of it. Measured cells are means over seeds with their
standard deviation, n persons, and the 95 % bootstrap interval over images in brackets.

Reads the metrics of the study, the expectations of its experiments and the published values.
"""

from collections.abc import Sequence
from pathlib import Path

from bottomup.evaluation import TASKS
from bottomup.publish.inputs import Inputs
from bottomup.publish.paper_table import paper_table
from bottomup.publish.tables import Table

KIND = "table"
CATEGORY = "Papers"
NEEDS = ("metrics", "expected", "published")
METRICS = ("AP", "AP50", "AP75", "APm", "APl")
ROWS = ("poseplusseg",)


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    table = Table(header=("task", "model"))
    for task in TASKS:
        part = paper_table(inputs, task, ROWS, METRICS)
        for numbers, shown in zip(part.numbers, part.shown, strict=True):
            table.add({"task": task, **numbers}, {"task": task, **shown})
    table.save(outputs)
