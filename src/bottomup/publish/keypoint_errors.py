"""What becomes of the labelled keypoints, for each experiment by each way of testing (Ronchi and
Perona 2017): good ones lie where people would label them (similarity at least .85), jitter is near
(.5), an inversion lies on another keypoint of the same person, a swap on another person, a miss on
nothing; undetected ones belong to people whom no detection matched at an OKS of .10. Seeds are
averaged.

Reads the metrics of the study.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from bottomup.keypoint_errors import KINDS
from bottomup.publish import style
from bottomup.publish.inputs import Inputs
from bottomup.publish.measured import each_test, measure

KIND = "figure"
CATEGORY = "Accuracy"
NEEDS = ("metrics",)


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    bars = shares(inputs.metrics)
    with style.new_figure(style.TWO_COLUMNS, 0.9 + 0.32 * max(1, len(bars))) as figure:
        if not bars:
            style.nothing_to_draw(figure, "nothing was tested yet")
        else:
            axes = figure.subplots()
            _draw(axes, bars)
            handles, labels = axes.get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside upper left", ncols=len(KINDS))
        style.save(figure, outputs)


def shares(metrics) -> dict[str, np.ndarray]:
    """Per cent of the labelled keypoints that are of each kind, by name of the test, [kind]."""
    bars = {}
    for test, rows in each_test(metrics, "keypoints"):
        cells = [measure(rows, f"share_{kind}") for kind in KINDS]
        if all(cell is not None and cell.n for cell in cells):
            name = f"{test['experiment']}\n{test['dataset']} {test['split']}, {test['protocol']}"
            bars[name] = 100 * np.array([cell.value for cell in cells])
    return bars


def _draw(axes: Axes, bars: dict[str, np.ndarray]) -> None:
    place = np.arange(len(bars))
    table = np.array(list(bars.values()))
    start = np.zeros(len(bars))
    for kind, values, colour in zip(KINDS, table.T, style.colours(len(KINDS)), strict=True):
        axes.barh(place, values, 0.7, left=start, color=colour, label=kind)
        for y, left, value in zip(place, start, values, strict=True):
            if value >= 4:
                axes.text(left + value / 2, y, f"{value:.0f}", ha="center", va="center", size=7)
        start += values
    axes.set_yticks(place, list(bars))
    axes.invert_yaxis()
    axes.set(xlim=(0, 100), xlabel="labelled keypoints (%)")
    style.tidy(axes)
    axes.grid(False)
