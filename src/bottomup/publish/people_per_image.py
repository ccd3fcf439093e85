"""Images by the number of people in them: the share of each number among all images with people,
in the whole training split and in each subset drawn from it. Below each name stands how many images
with people the subset keeps.

Reads the strata of each subset.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bottomup.publish.inputs import Inputs
from bottomup.publish.share_panels import Panel, draw, grouped

KIND = "figure"
CATEGORY = "Data"
NEEDS = ("strata",)


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    panels = [before_and_after(name, path) for name, path in inputs.strata.items()]
    draw(panels, outputs, letters=False)


def before_and_after(subset: str, strata_csv: Path) -> Panel:
    """The whole split beside a subset of it."""
    table = grouped(pd.read_csv(strata_csv))
    before, after = (int(table[f"images_{when}"].sum()) for when in ("before", "after"))
    series = {"whole split": table["share_before"], "subset": table["share_after"]}
    return Panel(subset, f"{after:,} of {before:,} images", series)
