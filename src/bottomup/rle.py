"""Segmentations as COCO writes them: polygons, run lengths, compressed run lengths.

Polygons with fewer than three corners are legal in COCO files and cover nothing.
"""

import numpy as np
from pycocotools import mask as rle_tools

from bottomup.errors import InputError

Segmentation = list | dict | None


def segmentation_rle(segmentation: Segmentation, height: int, width: int) -> dict:
    """The segmentation as compressed run lengths (`counts` a str) of an image of that size.

    None, an empty list and polygons without area give an empty mask.

    Raises:
        InputError: The run lengths are of another size.
    """
    parts = drawable_polygons(segmentation)
    if isinstance(segmentation, dict):
        rle = segmentation
        if list(rle["size"]) != [height, width]:
            raise InputError(
                f"run lengths of size {list(rle['size'])} cannot mask an image of "
                f"{[height, width]} (height, width); mask the image they were drawn on"
            )
        if isinstance(rle["counts"], list):
            rle = rle_tools.frPyObjects(rle, height, width)
    elif parts:
        rle = rle_tools.merge(rle_tools.frPyObjects(parts, height, width))
    else:
        rle = rle_tools.encode(np.zeros((height, width), np.uint8, order="F"))
    return {"size": [int(height), int(width)], "counts": as_text(rle["counts"])}


def rle_mask(rle: dict) -> np.ndarray:
    """The pixels of valid run lengths, plain or compressed, bool [height, width].

    (pycocotools' own decoder warns of an outdated call under NumPy 2.)
    """
    height, width = rle["size"]
    counts = run_lengths(as_text(rle["counts"]))
    covered = np.arange(len(counts)) % 2 == 1
    return np.ascontiguousarray(np.repeat(covered, counts).reshape(width, height).T)


def drawable_polygons(segmentation: Segmentation) -> list:
    """The polygons with at least three corners; pycocotools takes one of two corners for a box."""
    if not isinstance(segmentation, list):
        return []
    return [polygon for polygon in segmentation if len(polygon) >= 6]


def as_text(counts: str | bytes | list) -> str | list:
    """Run lengths as JSON can hold them."""
    return counts.decode("ascii") if isinstance(counts, bytes) else counts


def segmentation_problem(segmentation: object, height: int, width: int) -> str | None:
    """What is wrong with a segmentation read from a file, as the end of a sentence; or None."""
    if segmentation is None:
        return None
    if isinstance(segmentation, dict):
        return _rle_problem(segmentation, height, width)
    if not isinstance(segmentation, list):
        return "a segmentation that is neither a list of polygons nor run lengths; write either"
    for polygon in segmentation:
        problem = _polygon_problem(polygon, height, width)
        if problem:
            return problem
    return None


def _polygon_problem(polygon: object, height: int, width: int) -> str | None:
    corners = numbers(polygon)
    if corners is None or len(corners) % 2:
        return "a polygon that is no list of x, y pairs of finite numbers; repair or remove it"
    # Drawing takes memory and time in proportion to the outline, so a stray corner must not pass.
    reach = max(height, width)
    xy = corners.reshape(-1, 2)
    far = ((xy < -reach) | (xy > np.array([width, height]) + reach)).any(axis=1)
    if far.any():
        x, y = xy[far.argmax()]
        return (
            f"a polygon corner at ({x:g}, {y:g}), far outside the image of {height} x {width} "
            "(height x width); repair or remove it"
        )
    return None


def _rle_problem(rle: dict, height: int, width: int) -> str | None:
    if rle.get("size") != [height, width]:
        return (
            f"run lengths of size {rle.get('size')!r}, but the image is {[height, width]} "
            "(height, width); write the mask at the size of the image"
        )
    counts = run_lengths(rle.get("counts"))
    if counts is None or min(counts, default=0) < 0:
        return "run lengths whose 'counts' are no list of whole numbers and no COCO string"
    if sum(counts) != height * width:
        return (
            f"run lengths that cover {sum(counts)} pixels of {height * width}; "
            "write a run for every pixel of the image"
        )
    return None


def run_lengths(counts: object) -> list[int] | None:
    """Plain run lengths from a list or from COCO's compressed string; None if they are neither."""
    if isinstance(counts, list):
        return counts if all(type(count) is int for count in counts) else None
    return _decompressed(counts) if isinstance(counts, str) else None


def _decompressed(text: str) -> list[int] | None:
    """COCO's code (maskApi.c): 5 bits a character, lowest first; from the fourth run on, the
    difference to the run two before."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 60:
            return None
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    return counts if shift == 0 else None


def numbers(values: object) -> np.ndarray | None:
    """A flat list of finite numbers as float64 array; None if it is anything else."""
    if not isinstance(values, list):
        return None
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):
        return None
    if not values:
        return np.zeros(0)
    if array.ndim != 1 or array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        return None
    return array.astype(float)
