"""Does thinning the images of single people help crowds, and what does it cost singles? Each row
is an experiment less its control, which was trained for as many steps on as many images drawn from
all alike: the difference of AP in all images and by the number of people in the image, the mean
over seeds with the standard deviation over them, in brackets the 95 % interval of a paired
bootstrap over the test images, and its two-sided p-value. "Better" and "worse" say that the
interval leaves out zero; with so many intervals, one in twenty does so by chance. `people=3+` are
all crowds together.

Reads the result files of the study.
"""

from collections.abc import Sequence
from pathlib import Path

from bottomup.publish.differences import Difference, differences
from bottomup.publish.inputs import Inputs
from bottomup.publish.tables import NO_SUCH_OBJECT, NOT_MEASURED, Table, signed

KIND = "table"
CATEGORY = "Accuracy"
NEEDS = ("results", "design")
HEADER = (
    *("task", "experiment", "control", "dataset", "split", "protocol", "stratum", "images"),
    *("seeds", "difference", "spread", "low", "high", "p", "answer"),
)


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    table = Table(header=HEADER)
    for each in differences(inputs):
        table.add(_numbers(each), _shown(each))
    table.save(outputs)


def _numbers(each: Difference) -> dict:
    place = dict(zip(("dataset", "split", "protocol"), each.test, strict=True))
    return {
        "task": each.task,
        "experiment": each.experiment,
        "control": each.control,
        **place,
        "stratum": each.stratum,
        "images": each.images,
        "seeds": len(each.by_seed),
        "difference": each.value,
        "spread": each.spread,
        "low": each.low,
        "high": each.high,
        "p": each.p,
        "answer": each.answer,
    }


def _shown(each: Difference) -> dict[str, str]:
    row = {
        "task": each.task,
        "experiment": each.experiment,
        "control": each.control,
        "tested on": f"{each.test[0]} {each.test[1]}, {each.test[2]}",
        "stratum": each.stratum,
        "images": str(each.images),
    }
    if each.value != each.value:
        empty = {"difference": NO_SUCH_OBJECT, "by seed": NOT_MEASURED, "p": NOT_MEASURED}
        return row | empty | {"answer": NOT_MEASURED}
    spread = f" ± {each.spread:.3f}" if each.spread is not None else ""
    return row | {
        "difference": f"{signed(each.value)}{spread} [{signed(each.low)}, {signed(each.high)}]",
        "by seed": ", ".join(signed(value) for value in each.by_seed.values()),
        "p": f"{each.p:.3f}",
        "answer": each.answer,
    }
