"""Bars of the images by number of people, published beside measured, and how far they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bottomup.errors import InputError
from bottomup.publish import style
from bottomup.publish.people_per_image import MANY, grouped
from bottomup.schema import load_schema, read_yaml, validated


@dataclass(frozen=True)
class Panel:
    """One pair of distributions, in per cent of the images with people, 1 to 9 and more.

    Attributes:
        title: What was thinned by how much.
        measured: Shares of a subset, or of the whole split.
        published: The paper's; None if it has none for this level.
        images: Images with people behind the measured shares.
    """

    title: str
    measured: Sequence[float]
    published: Sequence[float] | None
    images: int

    def largest_difference(self) -> tuple[float, str] | None:
        """In percentage points, measured less published, and at which number of people."""
        if self.published is None or not self.images:
            return None
        differences = np.subtract(self.measured, self.published)
        place = int(np.abs(differences).argmax())
        return float(differences[place]), LABELS[place]


LABELS = (*map(str, range(1, MANY)), f"{MANY}+")


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
    """A panel from a subset's strata.

    Args:
        title: Its title.
        strata_csv: `strata.csv` of a subset.
        when: `before`, the whole split, or `after`, the subset.
        published: The published shares.
    """
    table = grouped(pd.read_csv(strata_csv))
    return Panel(
        title, table[f"share_{when}"].tolist(), published, int(table[f"images_{when}"].sum())
    )


def levels_of(design: Mapping) -> dict[int, str]:
    """The first subset of each level of thinning, by level; 0 is the whole split."""
    found: dict[int, str] = {}
    for subset, level in design["levels"].items():
        if level is not None:
            found.setdefault(level, subset)
    return dict(sorted(found.items()))


def draw(panels: Sequence[Panel], outputs: Sequence[Path | str], columns: int = 3) -> None:
    """Writes the panels as one figure."""
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
                _draw_panel(axes, each, chr(ord("a") + number) if len(panels) > 1 else "")
            for axes in axes_of[:, 0]:
                axes.set_ylabel("images with people (%)")
            handles, labels = axes_of[0, 0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside upper right", ncols=2)
        style.save(figure, outputs)


def _draw_panel(axes: Axes, each: Panel, letter: str) -> None:
    place = np.arange(len(LABELS))
    series = [("measured", each.measured)]
    if each.published is not None:
        series = [("published", each.published), *series]
    for shift, (label, shares), colour in zip(
        (-0.2, 0.2), series, style.colours(2)[-len(series) :], strict=False
    ):
        axes.bar(place + shift, shares, 0.38, color=colour, label=label)
    axes.set_title(f"{letter + ') ' if letter else ''}{each.title}\n")
    axes.text(0, 1.02, caption(each), transform=axes.transAxes, size=6.5, color="0.35")
    axes.set_xticks(place, LABELS)
    axes.set_xlabel("people in the image")
    style.tidy(axes)


def caption(each: Panel) -> str:
    """How many images, and the largest difference to the published shares."""
    images = f"{each.images:,} images"
    difference = each.largest_difference()
    if difference is None:
        return f"{images}; none published"
    points, people = difference
    return f"{images}; largest difference {points:+.1f} points ({people})"
