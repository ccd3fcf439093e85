"""Losses while training, over the number of images seen, one line for each run: the weighted sum
and each of its terms before weighting. Dashed lines in the first panel are the loss of images held
out from training, where an experiment holds some out. Losses of unlike systems or stages do not
compare.

Reads the history of each run.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from bottomup.publish import style
from bottomup.publish.inputs import Inputs

KIND = "figure"
CATEGORY = "Training"
NEEDS = ("history",)
NOT_A_LOSS = ("step", "images", "seconds", "learning_rate", "validation_loss")
COLUMNS = 3
SMOOTHED = 40


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    histories = {run: pd.read_csv(path) for run, path in inputs.history.items()}
    terms = list(
        dict.fromkeys(
            name for table in histories.values() for name in table if name not in NOT_A_LOSS
        )
    )
    names = list(dict.fromkeys(experiment for experiment, _ in histories))
    rows = max(1, -(-len(terms) // COLUMNS))
    with style.new_figure(style.TWO_COLUMNS, 0.3 + 0.16 * len(names) + 1.7 * rows) as figure:
        if not terms:
            style.nothing_to_draw(figure, "no run has a history yet")
        else:
            panels = figure.subplots(rows, COLUMNS, sharex=True, squeeze=False)
            for axes in panels.flat[len(terms) :]:
                axes.set_visible(False)
            for axes, term in zip(panels.flat, terms, strict=False):
                _draw(axes, term, histories, names)
            for axes in panels[:, 0]:
                axes.set_ylabel("loss")
            for axes in panels.flat[max(0, len(terms) - COLUMNS) : len(terms)]:
                axes.set_xlabel("images seen (thousands)")
                axes.tick_params(labelbottom=True)
            figure.legend(
                *_one_of_each(panels.flat[0]), loc="outside upper left", ncols=2, borderaxespad=0
            )
        style.save(figure, outputs)


def smoothed(table: pd.DataFrame, term: str) -> pd.Series:
    """A loss averaged over a fortieth of the training, so that the curve can be read."""
    window = max(1, len(table) // SMOOTHED)
    return table[term].rolling(window, min_periods=1).mean()


def _draw(
    axes: Axes,
    term: str,
    histories: Mapping[tuple[str, int], pd.DataFrame],
    names: Sequence[str],
) -> None:
    colours = style.colours(len(names))
    for (experiment, _), table in histories.items():
        if term not in table:
            continue
        place = names.index(experiment)
        look = {"color": colours[place], "ls": style.dash(place), "lw": 0.9}
        axes.plot(table["images"] / 1000, smoothed(table, term), label=experiment, **look)
        if term == "loss" and "validation_loss" in table:
            held_out = table[["images", "validation_loss"]].dropna()
            if len(held_out):
                label = f"{experiment}, held-out images"
                look |= {"ls": "--", "marker": ".", "ms": 3}
                axes.plot(
                    held_out["images"] / 1000, held_out["validation_loss"], label=label, **look
                )
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_title("weighted sum" if term == "loss" else term)
    style.tidy(axes)


def _one_of_each(axes: Axes) -> tuple[list, list]:
    labelled = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
    return list(labelled.values()), list(labelled)
