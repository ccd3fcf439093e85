"""Poses and masks drawn on an image, one colour a person.

Lines are drawn larger and scaled down, so that they are smooth at any angle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from bottomup.coco import person_mask
from bottomup.person import Image as ImageEntry
from bottomup.person import Person
from bottomup.rle import rle_mask
from bottomup.skeleton import Skeleton

if TYPE_CHECKING:
    from bottomup.decoding import Detection

# Okabe and Ito's colours without black, then darker and lighter ones between them.
COLOURS = (
    *((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178)),
    *((213, 94, 0), (204, 121, 167), (148, 103, 49), (160, 220, 190), (117, 80, 160)),
)
GREY = (150, 150, 150)
MASK_OPACITY = 0.4
LINES_ACROSS = 150  # line widths that would fill the longer side of the image
SMOOTHING = 3
SMOOTHED_PIXELS = 4_000_000


@dataclass(frozen=True)
class Drawn:
    """One person or region to draw; what is None or not shown is left out.

    Attributes:
        xy: Keypoints in image pixels, [keypoint, 2].
        shown: Which keypoints to draw, bool [keypoint]; an edge needs both of its ends.
        faint: Which of them are hidden and drawn hollow, bool [keypoint].
        mask: bool [height, width] of the image.
        colour: Red, green, blue from 0 to 255, or None for the next of `COLOURS`.
    """

    xy: np.ndarray | None = None
    shown: np.ndarray | None = None
    faint: np.ndarray | None = None
    mask: np.ndarray | None = None
    colour: tuple[int, int, int] | None = None


def read_pixels(path: Path | str) -> np.ndarray:
    """An image file as uint8 [height, width, 3]."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def annotated(person: Person, image: ImageEntry) -> Drawn:
    """An annotated person or crowd, ready to draw."""
    return Drawn(
        xy=person.keypoints[:, :2],
        shown=person.keypoints[:, 2] > 0,
        faint=person.keypoints[:, 2] == 1,
        mask=person_mask(person, image.height, image.width),
        colour=GREY if person.crowd else None,
    )


def detected(detection: "Detection", poses: bool = True, masks: bool = True) -> Drawn:
    """A detected person, ready to draw; keypoints that the fields do not confirm are hollow."""
    mask = None
    if masks and detection.mask is not None:
        mask = rle_mask(detection.mask)
    if not poses:
        return Drawn(mask=mask)
    return Drawn(xy=detection.keypoints[:, :2], faint=~detection.placed, mask=mask)


def draw_people(
    image: np.ndarray, people: Sequence[Drawn], skeleton: Skeleton, enlarge: int = 1
) -> np.ndarray:
    """The image with masks, their outlines, edges and keypoints on it.

    Args:
        image: uint8 [height, width, 3].
        people: Whom to draw; the first lies on top.
        skeleton: Whose edges to draw.
        enlarge: Draw on an image so many times as large.

    Returns:
        uint8 [height * enlarge, width * enlarge, 3].
    """
    coloured = [(each, each.colour or COLOURS[k % len(COLOURS)]) for k, each in enumerate(people)][
        ::-1
    ]
    size = (image.shape[1] * enlarge, image.shape[0] * enlarge)
    larger = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
    canvas = np.array(larger, np.float32)
    for each, colour in coloured:
        if each.mask is not None:
            _paint_mask(canvas, each.mask, colour, enlarge)
    picture = Image.fromarray(canvas.round().astype(np.uint8))
    poses = [(each, colour) for each, colour in coloured if each.xy is not None]
    return np.asarray(_with_poses(picture, poses, skeleton, enlarge) if poses else picture)


def _paint_mask(canvas: np.ndarray, mask: np.ndarray, colour: tuple, enlarge: int) -> None:
    mask = np.repeat(np.repeat(mask.astype(bool), enlarge, 0), enlarge, 1)
    inside = mask.copy()
    inside[1:] &= mask[:-1]
    inside[:-1] &= mask[1:]
    inside[:, 1:] &= mask[:, :-1]
    inside[:, :-1] &= mask[:, 1:]
    canvas[mask] = (1 - MASK_OPACITY) * canvas[mask] + MASK_OPACITY * np.float32(colour)
    canvas[mask & ~inside] = colour


def _with_poses(
    picture: Image.Image, poses: Sequence[tuple], skeleton: Skeleton, enlarge: int
) -> Image.Image:
    # Photographs of many pixels are smooth enough as they are, and would fill the memory.
    smoothing = SMOOTHING if picture.width * picture.height <= SMOOTHED_PIXELS else 1
    size = (picture.width * smoothing, picture.height * smoothing)
    large = picture.resize(size, Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(large)
    # Half a pixel more, since pixel centres sit at integers and drawing starts at pixel corners.
    scale = smoothing * enlarge
    width = max(1.5, max(picture.size) / LINES_ACROSS) * smoothing
    for each, colour in poses:
        xy = (np.asarray(each.xy, float) + 0.5) * scale
        shown = np.ones(len(xy), bool) if each.shown is None else np.asarray(each.shown, bool)
        faint = np.zeros(len(xy), bool) if each.faint is None else np.asarray(each.faint, bool)
        edges = [(a, b) for a, b in skeleton.edge_indices if shown[a] and shown[b]]
        for thickness, ink in ((1.7 * width, _darker(colour)), (width, _lighter(colour))):
            for a, b in edges:
                pen.line([*xy[a], *xy[b]], fill=ink, width=max(1, round(thickness)))
        for k in np.flatnonzero(shown):
            _dot(pen, xy[k], 1.2 * width, colour, hollow=bool(faint[k]))
    return large.resize(picture.size, Image.Resampling.BOX)


def _dot(
    pen: ImageDraw.ImageDraw, xy: np.ndarray, radius: float, colour: tuple, hollow: bool
) -> None:
    x, y = xy
    box = [x - radius, y - radius, x + radius, y + radius]
    fill = (255, 255, 255) if hollow else colour
    pen.ellipse(box, fill=fill, outline=_darker(colour), width=max(1, round(radius / 3)))


def _lighter(colour: tuple[int, int, int]) -> tuple[int, ...]:
    return tuple((value + 255) // 2 for value in colour)


def _darker(colour: tuple[int, int, int]) -> tuple[int, ...]:
    return tuple(value * 2 // 5 for value in colour)
