"""What decoding an image takes, over the number of people found in it, for each way of testing: the
median of one process's time (poses, scores and masks of native size), the band from the 10th to the
90th per cent of images; 30 stands for 30 and more. Experiments and seeds are pooled. The level
depends on the machine and on what else ran on it; the shape of the line is the decoder's.

Reads the times that decoding wrote for each image.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bottomup.publish import style
from bottomup.publish.inputs import Inputs, Result
from bottomup.publish.scored import place_of

KIND = "figure"
CATEGORY = "Cost"
NEEDS = ("results",)
FEWEST_IMAGES = 3
MOST_PEOPLE = 30


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    lines = read_times(inputs.results)
    with style.new_figure(style.ONE_COLUMN, 2.4 + 0.16 * len(lines)) as figure:
        if not lines:
            style.nothing_to_draw(figure, "nothing was decoded yet")
        else:
            axes = figure.subplots()
            for index, (name, table) in enumerate(lines.items()):
                colour = style.colours(len(lines))[index]
                look = {"color": colour, "linestyle": style.dash(index)}
                marker = style.marker(index)
                axes.plot(table["median"], label=name, marker=marker, markersize=3, **look)
                bounds = (table["low"], table["high"])
                axes.fill_between(table.index, *bounds, color=colour, alpha=0.15, linewidth=0)
            axes.set(xlabel="people found", ylabel="milliseconds an image", ylim=(0, None))
            style.tidy(axes)
            figure.legend(loc="outside upper left")
        style.save(figure, outputs)


def read_times(results: Sequence[Result]) -> dict[str, pd.DataFrame]:
    """By way of testing, the median, low and high time for each number of people found.

    Numbers of people that fewer than three images have are joined with the next smaller one.
    """
    parts: dict[str, list[pd.DataFrame]] = {}
    for result in results:
        if result.times_csv is not None:
            parts.setdefault(place_of(result), []).append(pd.read_csv(result.times_csv))
    return {name: summary(pd.concat(tables)) for name, tables in parts.items()}


def summary(times: pd.DataFrame) -> pd.DataFrame:
    """Columns median, low, high, by number of people (at most 30)."""
    people = times["people"].clip(upper=MOST_PEOPLE)
    counts = people.value_counts()
    enough = sorted(counts[counts >= FEWEST_IMAGES].index) or [int(people.min())]
    floor = people.map(lambda count: max([e for e in enough if e <= count], default=enough[0]))
    quantiles = times["milliseconds"].groupby(floor).quantile([0.1, 0.5, 0.9]).unstack()
    return quantiles.rename(columns={0.1: "low", 0.5: "median", 0.9: "high"})
