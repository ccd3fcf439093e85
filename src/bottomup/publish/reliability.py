"""How often pairs of candidates belong together where the pairwise terms say so."""

from pathlib import Path

import pandas as pd

from bottomup.publish import style


def draw_reliability(calibration: pd.DataFrame, path: Path | str) -> None:
    """Observed against predicted share, and how many pairs there are.

    Args:
        calibration: Columns low, high, predicted, observed, samples.
        path: Where to write the figure.
    """
    colours = style.colours(2)
    with style.new_figure(style.ONE_COLUMN, 2.6) as figure:
        curve, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        curve.plot([0, 1], [0, 1], color="0.7", lw=0.8, label="perfectly calibrated")
        rows = calibration
        curve.plot(rows.predicted, rows.observed, "o-", ms=3, color=colours[0], label="learned")
        curve.set(ylabel="belong together", xlim=(0, 1), ylim=(-0.02, 1.02))
        curve.legend()
        counts.bar(rows.low, rows.samples, rows.high - rows.low, align="edge", color=colours[1])
        counts.set(xlabel="predicted probability", ylabel="pairs", yscale="log")
        for axes in (curve, counts):
            style.tidy(axes)
        style.save(figure, [Path(path)])
