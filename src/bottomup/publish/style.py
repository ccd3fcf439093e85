"""How every figure looks, and how it is saved: the same bytes from the same numbers.

Sizes suit a two-column paper: text of 8 pt in a figure of one (3.4 in) or two (7 in) columns.
Colours are seaborn's colour-blind palette; lines also differ by their dashes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bottomup.errors import InputError
from bottomup.files import written_aside

ONE_COLUMN = 3.4
TWO_COLUMNS = 7.0
DASHES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.linewidth": 0.6,
    "xtick.labelsize": 7,
    "xtick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.width": 0.6,
    "ytick.major.size": 3,
    "ytick.minor.width": 0.4,
    "ytick.minor.size": 2,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "grid.linewidth": 0.4,
    "lines.linewidth": 1.2,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "svg.hashsalt": "bottomup",
}


@contextmanager
def new_figure(width: float, height: float) -> Iterator[Figure]:
    """A figure of that many inches in the project's style; draw and save it inside the block."""
    theme = sns.axes_style("ticks") | sns.plotting_context("paper")
    with mpl.rc_context(theme | RC):
        yield Figure(figsize=(width, height), layout="constrained")


def colours(count: int) -> list[tuple[float, float, float]]:
    """That many colours that colour-blind readers tell apart; beyond ten they repeat."""
    return sns.color_palette("colorblind", count)


def dash(index: int) -> str:
    """A line style that changes when the colours begin again."""
    return DASHES[index // 10 % len(DASHES)]


def marker(index: int) -> str:
    """A marker for each line, so that lines are told apart without colours."""
    return MARKERS[index % len(MARKERS)]


def tidy(axes: Axes) -> None:
    """No box around the axes, and a faint grid behind what is drawn."""
    sns.despine(ax=axes)
    axes.grid(True, axis="y", color="0.9")
    axes.set_axisbelow(True)


def nothing_to_draw(figure: Figure, why: str) -> None:
    """Says in the figure why it is empty."""
    figure.text(0.5, 0.5, why, ha="center", va="center", color="0.4")


def save(figure: Figure, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each path, in the format of its suffix.

    Raises:
        InputError: The suffix is neither .png nor .svg.
    """
    for path in map(Path, outputs):
        form = path.suffix[1:]
        if form not in ("png", "svg"):
            raise InputError(f"{path}: figures are written as .png or .svg")
        # Matplotlib would write the time, and its version, which is no property of the results.
        metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
        with written_aside(path) as aside:
            figure.savefig(aside, format=form, metadata=metadata)
