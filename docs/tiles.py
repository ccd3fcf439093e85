"""Tiles of the overlay sheet side by side and large, for the pictures of these pages."""

from collections.abc import Callable, Mapping
from pathlib import Path

from bottomup.publish import style
from bottomup.publish.overlays import View


def draw_tiles(
    view: View, tiles: Mapping[str, Callable], side: int, path: Path, height: float
) -> None:
    """Writes the tiles, each under its name.

    Args:
        view: The image and its fields.
        tiles: What draws each tile into axes.
        side: Of the image, px.
        path: The picture.
        height: Of the picture, in inches.
    """
    with style.new_figure(style.TWO_COLUMNS, height) as figure:
        for axes, (title, draw) in zip(figure.subplots(1, len(tiles)), tiles.items(), strict=True):
            draw(axes, view)
            axes.set(xlim=(-0.5, side - 0.5), ylim=(side - 0.5, -0.5), aspect="equal")
            axes.set_title(title, weight="normal", loc="center")
            axes.set_axis_off()
        style.save(figure, [path])
