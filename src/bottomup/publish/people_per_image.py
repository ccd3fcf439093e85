"""Images by the number of people in them: the share of each number among all images with people,
in the whole training split and in each subset drawn from it. Below each name stands how many images
with people the subset keeps.

Reads the strata of each subset.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bottomup.publish import style
from bottomup.publish.inputs import Inputs

KIND = "figure"
CATEGORY = "Data"
NEEDS = ("strata",)
MANY = 9
COLUMNS = 3


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    tables = {name: grouped(pd.read_csv(path)) for name, path in inputs.strata.items()}
    rows = max(1, -(-len(tables) // COLUMNS))
    columns = min(COLUMNS, max(1, len(tables)))
    width = style.TWO_COLUMNS if columns > 1 else style.ONE_COLUMN
    with style.new_figure(width, 0.4 + 1.9 * rows) as figure:
        if not tables:
            style.nothing_to_draw(figure, "no subset in this study")
        else:
            panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
            for axes in panels.flat[len(tables) :]:
                axes.set_visible(False)
            for axes, (name, table) in zip(panels.flat, tables.items(), strict=False):
                _draw(axes, name, table)
            for axes in panels[:, 0]:
                axes.set_ylabel("images with people (%)")
            handles, labels = panels[0, 0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside upper right", ncols=2)
        style.save(figure, outputs)


def grouped(strata: pd.DataFrame) -> pd.DataFrame:
    """Images by number of people from 1 to 9 or more, with their shares in per cent."""
    people = strata[strata["people"] > 0]
    counts = people.groupby(people["people"].clip(upper=MANY))[["images_before", "images_after"]]
    table = counts.sum().reindex(range(1, MANY + 1), fill_value=0)
    for when in ("before", "after"):
        images = table[f"images_{when}"]
        table[f"share_{when}"] = 100 * images / max(images.sum(), 1)
    return table


def _draw(axes: Axes, name: str, table: pd.DataFrame) -> None:
    place = np.arange(len(table))
    for shift, when, label, colour in zip(
        (-0.2, 0.2), ("before", "after"), ("whole split", "subset"), style.colours(2), strict=True
    ):
        shares = table[f"share_{when}"]
        axes.bar(place + shift, shares, 0.38, color=colour, label=label)
    before, after = (int(table[f"images_{when}"].sum()) for when in ("before", "after"))
    axes.set_title(f"{name}\n")
    axes.text(
        0, 1.02, f"{after:,} of {before:,} images", transform=axes.transAxes, size=7, color="0.35"
    )
    axes.set_xticks(place, [*map(str, table.index[:-1]), f"{MANY}+"])
    axes.set_xlabel("people in the image")
    style.tidy(axes)
