"""Average precision by the number of people in the image and by its crowd index (the share of
keypoints in a person's box that are other people's, as CrowdPose counts), for keypoints and for
masks. Every cell is the mean over seeds with its standard deviation, the 95 % bootstrap interval
over the images of that stratum in brackets, and the number of persons in it. An image without
people has no average precision of its own; false detections on it lower that of all images.

Reads the metrics of the study.
"""

from collections.abc import Sequence
from pathlib import Path

from bottomup.evaluation import TASKS
from bottomup.publish.inputs import Inputs
from bottomup.publish.measured import TEST, each_test, measure, tested_on
from bottomup.publish.tables import NO_SUCH_OBJECT, NOT_MEASURED, Table

KIND = "table"
CATEGORY = "Accuracy"
NEEDS = ("metrics",)


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    strata = list(dict.fromkeys(inputs.metrics["stratum"]))
    table = Table(header=("task", *TEST, "stratum", "seeds", "persons", "AP"))
    for task in TASKS:
        for test, rows in each_test(inputs.metrics, task):
            cells = {stratum: measure(rows, "AP", stratum) for stratum in strata}
            shown = {
                "task": task,
                "experiment": test["experiment"],
                "tested on": tested_on(test, rows),
                "protocol": test["protocol"],
            }
            shown |= {_title(stratum): _cell(cell) for stratum, cell in cells.items()}
            for stratum, cell in cells.items():
                if cell is not None:
                    counts = {"stratum": stratum, "seeds": cell.seeds, "persons": cell.n}
                    table.numbers.append({"task": task, **test, **counts, **cell.numbers("AP")})
            table.shown.append(shown)
    table.save(outputs)


def _title(stratum: str) -> str:
    if stratum == "all":
        return "all images"
    by, people = stratum.split("=")
    if by == "crowding":
        return f"crowd index {people}"
    return {"0": "nobody", "1": "1 person"}.get(people, f"{people} people")


def _cell(cell) -> str:
    if cell is None:
        return NOT_MEASURED
    return f"{cell.text()} (n = {cell.n})" if cell.n else NO_SUCH_OBJECT
