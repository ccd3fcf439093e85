"""What thinning the images of single people changes: the difference of AP between an experiment and
its control, trained for as many steps on as many images drawn from all alike, in all images and by
the number of people in the image. Points are means over seeds, bars 95 % intervals of a paired
bootstrap over the test images, and small dots the differences of single seeds. Above zero, thinning
helps. `3+` are all crowds together.

Reads the result files of the study.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from bottomup.evaluation import TASKS
from bottomup.publish import style
from bottomup.publish.differences import Difference, differences
from bottomup.publish.inputs import Inputs

KIND = "figure"
CATEGORY = "Accuracy"
NEEDS = ("results", "design")
SPREAD = 0.7  # of the place of a stratum that its points fill


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    found = [each for each in differences(inputs) if each.value == each.value]
    tests = list(dict.fromkeys(each.test for each in found))
    with style.new_figure(style.TWO_COLUMNS, 0.5 + 2.3 * max(1, len(tests))) as figure:
        if not found:
            style.nothing_to_draw(figure, "no experiment with a control in this study")
        else:
            panels = figure.subplots(len(tests), len(TASKS), sharey=True, squeeze=False)
            for row, test in zip(panels, tests, strict=True):
                for axes, task in zip(row, TASKS, strict=True):
                    chosen = [e for e in found if (e.test, e.task) == (test, task)]
                    _draw(axes, chosen)
                    axes.set_title(f"{task}: {test[0]} {test[1]}, {test[2]}")
                row[0].set_ylabel("AP less AP of the control")
            handles, labels = panels[0, 0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower center", ncols=2)
        style.save(figure, outputs)


def _draw(axes: Axes, found: Sequence[Difference]) -> None:
    strata = list(dict.fromkeys(each.stratum for each in found))
    pairs = list(dict.fromkeys((each.experiment, each.control) for each in found))
    colours = style.colours(len(pairs))
    for number, pair in enumerate(pairs):
        of_pair = [each for each in found if (each.experiment, each.control) == pair]
        shift = SPREAD * ((number + 0.5) / len(pairs) - 0.5)
        place = np.array([strata.index(each.stratum) + shift for each in of_pair])
        values = np.array([each.value for each in of_pair])
        ends = np.array([[each.value - each.low, each.high - each.value] for each in of_pair])
        label = f"{pair[0]} less {pair[1]}"
        axes.errorbar(
            place, values, np.maximum(ends.T, 0), fmt="o", ms=3, lw=1, color=colours[number],
            label=label,
        )  # fmt: skip
        for x, each in zip(place, of_pair, strict=True):
            seeds = list(each.by_seed.values())
            axes.plot([x] * len(seeds), seeds, ".", ms=2, color=colours[number], alpha=0.6)
    axes.axhline(0, color="0.4", lw=0.8)
    axes.set_xticks(range(len(strata)), [s.removeprefix("people=") for s in strata])
    axes.set_xlabel("people in the image")
    style.tidy(axes)
