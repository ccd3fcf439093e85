"""Precision over recall of keypoints and masks for each experiment, by each way of testing, over
all images of the split: solid where a match needs a similarity (keypoints) or overlap (masks) of
.50, dashed at .75. The area below a line is its average precision. Seeds are averaged.

Reads the detections of each run and scores them again.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bottomup.evaluation import TASKS
from bottomup.publish import style
from bottomup.publish.inputs import Inputs, Result
from bottomup.publish.scored import each_scored, place_of

KIND = "figure"
CATEGORY = "Accuracy"
NEEDS = ("results",)
THRESHOLDS = {0.5: "-", 0.75: "--"}

# Precision by threshold and recall, of each seed.
Curves = dict[tuple[str, str, str], list[np.ndarray]]


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    curves, recalls = read_curves(inputs.results)
    places = list(dict.fromkeys(place for _, place, _ in curves))
    names = list(dict.fromkeys(name for name, _, _ in curves))
    height = 0.4 + 0.16 * (len(names) // 2 + 1) + 2.4 * max(1, len(places))
    with style.new_figure(style.TWO_COLUMNS, height) as figure:
        if not curves:
            style.nothing_to_draw(figure, "nothing was tested yet")
        else:
            panels = figure.subplots(
                len(places), len(TASKS), sharex=True, sharey=True, squeeze=False
            )
            for row, place in zip(panels, places, strict=True):
                for axes, task in zip(row, TASKS, strict=True):
                    _draw(axes, curves, recalls, names, place, task)
            for axes in panels[-1]:
                axes.set_xlabel("recall")
            for axes in panels[:, 0]:
                axes.set_ylabel("precision")
            figure.legend(handles=_legend(names), loc="outside upper left", ncols=2)
        style.save(figure, outputs)


def read_curves(results: Sequence[Result]) -> tuple[Curves, np.ndarray]:
    """Precision by (experiment, place, task), one array [threshold, recall] a seed; and recalls."""
    curves: Curves = {}
    recalls = np.zeros(0)
    for result, task, scored in each_scored(results):
        thresholds, recalls, precision = scored.precision_recall()
        chosen = [int(np.argmin(abs(thresholds - t))) for t in THRESHOLDS]
        key = (result.experiment, place_of(result), task)
        curves.setdefault(key, []).append(precision[chosen])
    return curves, recalls


def _draw(
    axes: Axes, curves: Curves, recalls: np.ndarray, names: Sequence[str], place: str, task: str
) -> None:
    for name, colour in zip(names, style.colours(len(names)), strict=True):
        found = curves.get((name, place, task))
        if found is None:
            continue
        for line, look in zip(np.mean(found, axis=0), THRESHOLDS.values(), strict=True):
            axes.plot(recalls, line, look, color=colour, clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=np.linspace(0, 1, 6), yticks=np.linspace(0, 1, 6))
    axes.set_title(f"{task}: {place}")
    style.tidy(axes)


def _legend(names: Sequence[str]) -> list[Line2D]:
    experiments = [
        Line2D([], [], color=colour, label=name)
        for name, colour in zip(names, style.colours(len(names)), strict=True)
    ]
    thresholds = [
        Line2D([], [], color="0.3", ls=look, label=f"match at {threshold:.2f}")
        for threshold, look in THRESHOLDS.items()
    ]
    return experiments + thresholds
