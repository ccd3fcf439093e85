"""Bars of the images by number of people, two distributions side by side in each panel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bottomup.errors import InputError
from bottomup.publish import style
from bottomup.schema import load_schema, read_yaml, validated
from bottomup.subsets import MANY

LABELS = (*map(str, range(1, MANY)), f"{MANY}+")


@dataclass(frozen=True)
class Panel:
    """Distributions in per cent of the images with people, 1 to 9 and more.

    Attributes:
        title: Above the panel.
        caption: Under the title, small.
        series: Shares by label; the last one has the same colour in every panel.
    """

    title: str
    caption: str
    series: Mapping[str, Sequence[float]]


def grouped(strata: pd.DataFrame) -> pd.DataFrame:
    """Images by number of people from 1 to 9 or more, with their shares in per cent."""
    people = strata[strata["people"] > 0]
    counts = people.groupby(people["people"].clip(upper=MANY))[["images_before", "images_after"]]
    table = counts.sum().reindex(range(1, MANY + 1), fill_value=0)
    for when in ("before", "after"):
        images = table[f"images_{when}"]
        table[f"share_{when}"] = 100 * images / max(images.sum(), 1)
    return table


def published_shares(path: Path | None) -> dict[int, list[float]]:
    """The published shares by level in per cent, 0 for the original; none without a file.

    Raises:
        InputError: A level has not as many shares as there are numbers of people.
    """
    if path is None:
        return {}
    content = validated(read_yaml(path), load_schema("published"), path)
    shares = {int(level): values for level, values in content["people_shares"]["levels"].items()}
    for level, values in shares.items():
        if len(values) != len(LABELS):
            raise InputError(
                f"{path}: people_shares.levels.{level} has {len(values)} shares; give those of "
                f"{', '.join(LABELS)} people"
            )
    return shares


def panel(title: str, strata_csv: Path, when: str, published: Sequence[float] | None) -> Panel:
    """Published beside measured, and how far they differ.

    Args:
        title: What was thinned by how much.
        strata_csv: `strata.csv` of a subset.
        when: `before`, the whole split, or `after`, the subset.
        published: The paper's shares; None if it has none.
    """
    table = grouped(pd.read_csv(strata_csv))
    measured, images = table[f"share_{when}"].tolist(), int(table[f"images_{when}"].sum())
    series = {"published": published} if published is not None else {}
    if not series or not images:
        caption = f"{images:,} images" + ("; none published" if not series else "")
    else:
        points, people = largest_difference(measured, published)
        caption = f"{images:,} images; largest difference {points:+.1f} points ({people})"
    return Panel(title, caption, {**series, "measured": measured})


def largest_difference(measured, published) -> tuple[float, str]:
    """In percentage points, measured less published, and at which number of people."""
    differences = np.subtract(measured, published)
    place = int(np.abs(differences).argmax())
    return float(differences[place]), LABELS[place]


def levels_of(design: Mapping) -> dict[int, str]:
    """The first subset of each level of thinning, by level; 0 is the whole split."""
    found: dict[int, str] = {}
    for subset, level in design["levels"].items():
        if level is not None:
            found.setdefault(level, subset)
    return dict(sorted(found.items()))


def draw(
    panels: Sequence[Panel], outputs: Sequence[Path | str], columns: int = 3, letters: bool = True
) -> None:
    """Writes the panels as one figure, a) to z) if they are to have letters and are several."""
    columns = min(columns, max(1, len(panels)))
    rows = max(1, -(-len(panels) // columns))
    width = style.TWO_COLUMNS if columns > 1 else style.ONE_COLUMN
    with style.new_figure(width, 0.4 + 2.1 * rows) as figure:
        if not panels:
            style.nothing_to_draw(figure, "no such subset in this study")
        else:
            axes_of = figure.subplots(rows, columns, sharey=True, squeeze=False)
            for axes in axes_of.flat[len(panels) :]:
                axes.set_visible(False)
            for number, (axes, each) in enumerate(zip(axes_of.flat, panels, strict=False)):
                letter = f"{chr(ord('a') + number)}) " if letters and len(panels) > 1 else ""
                _draw_panel(axes, each, letter)
            for axes in axes_of[:, 0]:
                axes.set_ylabel("images with people (%)")
            every = [axes.get_legend_handles_labels() for axes in axes_of.flat]
            named = {label: handle for pair in every for handle, label in zip(*pair, strict=True)}
            figure.legend(named.values(), named, loc="outside upper right", ncols=2)
        style.save(figure, outputs)


def _draw_panel(axes: Axes, each: Panel, letter: str) -> None:
    place = np.arange(len(LABELS))
    colours = style.colours(2)[-len(each.series) :]
    for shift, (label, shares), colour in zip(
        (-0.2, 0.2), each.series.items(), colours, strict=False
    ):
        axes.bar(place + shift, shares, 0.38, color=colour, label=label)
    axes.set_title(f"{letter}{each.title}\n")
    axes.text(0, 1.02, each.caption, transform=axes.transAxes, size=6.5, color="0.35")
    axes.set_xticks(place, LABELS)
    axes.set_xlabel("people in the image")
    style.tidy(axes)
