"""Average precision by the number of people in the image, for keypoints and for masks, one line for
each experiment by its first way of testing. Bands are 95 % bootstrap intervals over the images of
that number of people; seeds are averaged. Few images make wide bands.

Reads the metrics of the study.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from bottomup.evaluation import STRATA, TASKS, stratum_name
from bottomup.publish import style
from bottomup.publish.inputs import Inputs
from bottomup.publish.measured import Measured, each_test, measure

KIND = "figure"
CATEGORY = "Accuracy"
NEEDS = ("metrics",)
PEOPLE = [bounds for bounds in STRATA if bounds[0]]


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    lines = {task: read_lines(inputs, task) for task in TASKS}
    names = list(dict.fromkeys(name for found in lines.values() for name in found))
    height = 2.3 + 0.16 * (len(names) // 2 + 1)
    with style.new_figure(style.TWO_COLUMNS, height) as figure:
        if not names:
            style.nothing_to_draw(figure, "nothing was tested yet")
        else:
            panels = figure.subplots(1, len(TASKS), sharey=True)
            for axes, task in zip(panels, TASKS, strict=True):
                _draw(axes, lines[task], names)
                axes.set_title(task)
            panels[0].set_ylabel("average precision")
            handles, labels = panels[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside upper left", ncols=2)
        style.save(figure, outputs)


def read_lines(inputs: Inputs, task: str) -> dict[str, dict[str, Measured]]:
    """AP by stratum of each experiment, by the first way in which it was tested."""
    found: dict[str, dict[str, Measured]] = {}
    for test, rows in each_test(inputs.metrics, task):
        cells = {name: measure(rows, "AP", name) for name in map(stratum_of, PEOPLE)}
        known = {name: cell for name, cell in cells.items() if cell is not None and cell.n}
        if known:
            found.setdefault(test["experiment"], known)
    return found


def stratum_of(bounds: tuple[int, float]) -> str:
    """The stratum's name in the metrics."""
    return stratum_name(*bounds)


def _draw(axes: Axes, lines: Mapping[str, Mapping[str, Measured]], names: Sequence[str]) -> None:
    strata = [stratum_of(bounds) for bounds in PEOPLE]
    for index, (name, colour) in enumerate(zip(names, style.colours(len(names)), strict=True)):
        known = lines.get(name, {})
        x = np.array([place for place, stratum in enumerate(strata) if stratum in known])
        cells = [known[stratum] for stratum in strata if stratum in known]
        look = {"color": colour, "linestyle": style.dash(index), "marker": style.marker(index)}
        axes.plot(x, [cell.value for cell in cells], label=name, markersize=3.5, **look)
        bounds = [(c.low, c.high) if c.low is not None else (c.value, c.value) for c in cells]
        if bounds:
            axes.fill_between(x, *np.transpose(bounds), color=colour, alpha=0.15, linewidth=0)
    axes.set_xticks(range(len(strata)), [s.removeprefix("people=") for s in strata])
    axes.set(xlabel="people in the image", ylim=(0, None))
    style.tidy(axes)
