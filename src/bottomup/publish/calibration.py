"""Whether scores mean what they say: of the detections with about this score, which share matches a
person (similarity at least .50), for each tenth of the scale that holds five detections or more; on
the grey line score and share are equal. Below, the number of detections by score, on a logarithmic
scale. Seeds are pooled; each experiment is shown by its first way of testing.

Reads the detections of each run and matches them again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from bottomup.evaluation import TASKS
from bottomup.publish import style
from bottomup.publish.inputs import Inputs, Result
from bottomup.publish.scored import each_scored

KIND = "figure"
CATEGORY = "Accuracy"
NEEDS = ("results",)
TENTHS = np.linspace(0, 1, 11)
BINS = np.linspace(0, 1, 21)
FEWEST = 5

# Scores and whether they match, of all detections of an experiment, by (task, experiment).
Detections = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    found = read_detections(first_ways(inputs.results))
    names = list(dict.fromkeys(name for _, name in found))
    with style.new_figure(style.TWO_COLUMNS, 3.2 + 0.16 * (len(names) // 2 + 1)) as figure:
        if not names:
            style.nothing_to_draw(figure, "nothing was tested yet")
        else:
            ratios = {"height_ratios": (3, 1)}
            panels = figure.subplots(2, len(TASKS), sharex=True, sharey="row", gridspec_kw=ratios)
            for column, task in zip(panels.T, TASKS, strict=True):
                _draw(column, {n: found[task, n] for n in names if (task, n) in found}, task)
            panels[0, 0].set_ylabel("share that matches")
            panels[1, 0].set_ylabel("detections")
            handles, labels = panels[0, 0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside upper left", ncols=2)
        style.save(figure, outputs)


def first_ways(results: Sequence[Result]) -> list[Result]:
    """The results of each experiment by its first way of testing, one a seed."""
    first: dict[str, tuple] = {}
    ways = [(result, (result.dataset, result.split, result.protocol)) for result in results]
    for result, way in ways:
        first.setdefault(result.experiment, way)
    return [result for result, way in ways if first[result.experiment] == way]


def read_detections(results: Sequence[Result]) -> Detections:
    """Scores and matches of all detections that count."""
    parts: dict[tuple[str, str], list[tuple[np.ndarray, np.ndarray]]] = {}
    for result, task, scored in each_scored(results):
        parts.setdefault((task, result.experiment), []).append(scored.matched())
    return {
        key: tuple(np.concatenate(column) for column in zip(*found, strict=True))
        for key, found in parts.items()
    }


def calibrated(scores: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean score and share of matches in each tenth with enough detections, lowest first."""
    tenth = np.digitize(scores, TENTHS[1:-1])
    groups = [np.flatnonzero(tenth == number) for number in range(len(TENTHS) - 1)]
    groups = [group for group in groups if len(group) >= FEWEST]
    means = [(scores[group].mean(), right[group].mean()) for group in groups]
    return tuple(np.array(means).reshape(-1, 2).T)


def _draw(column: Sequence[Axes], found: Mapping[str, tuple], task: str) -> None:
    above, below = column
    above.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    colours = style.colours(len(found))
    for index, (name, (scores, right)) in enumerate(found.items()):
        look = {"color": colours[index], "linestyle": style.dash(index)}
        above.plot(
            *calibrated(scores, right), label=name, marker=style.marker(index), markersize=3, **look
        )
        below.stairs(np.histogram(scores, BINS)[0], BINS, **look)
    above.set_title(task)
    above.set(xlim=(0, 1), ylim=(0, 1.03))
    below.set(yscale="log", xlabel="score")
    for axes in column:
        style.tidy(axes)
