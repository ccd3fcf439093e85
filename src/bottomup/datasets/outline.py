"""Masks written as COCO segmentations: polygons where they tell the truth, else run lengths."""

import numpy as np
from pycocotools import mask as rle_tools
from skimage.measure import find_contours

from bottomup.datasets.pixels import simplify
from bottomup.rle import as_text

TOLERANCE_PX = 0.45
AGREEMENT = 0.93  # of a polygon with its mask; polygons fill the holes that a mask may have


def describe_mask(mask: np.ndarray, form: str = "polygons") -> dict:
    """The fields `segmentation`, `area` and `bbox` of a COCO annotation.

    Args:
        mask: Covered pixels, bool [height, width], not empty.
        form: `polygons`, `compressed` (run lengths as a string) or `runs` (as a list). Polygons
            give way to `compressed` where they would cover other pixels than the mask.
    """
    height, width = mask.shape
    truth = rle_tools.encode(np.asfortranarray(mask, np.uint8))
    segmentation: list | dict = {"size": [height, width], "counts": as_text(truth["counts"])}
    rle = truth
    if form == "runs":
        segmentation = {"size": [height, width], "counts": _run_lengths(mask)}
    elif form == "polygons" and (polygons := _polygons(mask)):
        drawn = rle_tools.merge(rle_tools.frPyObjects(polygons, height, width))
        if rle_tools.iou([drawn], [truth], [0])[0, 0] >= AGREEMENT:
            segmentation, rle = polygons, drawn
    return {
        "segmentation": segmentation,
        "area": float(rle_tools.area(rle)),
        "bbox": [float(value) for value in rle_tools.toBbox(rle)],
    }


def _run_lengths(mask: np.ndarray) -> list[int]:
    """Lengths of the runs of 0 and 1, down the columns, beginning with 0."""
    flat = np.concatenate([[False], mask.T.reshape(-1)])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(np.concatenate([[0], changes, [mask.size]])).tolist()


def _polygons(mask: np.ndarray) -> list[list[float]]:
    """Outlines in COCO's corner coordinates: pixel (0, 0) covers 0 to 1."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = rows[0], columns[0]
    cut = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    polygons = []
    for contour in find_contours(np.pad(cut, 1).astype(np.float32), 0.5):
        corners = contour[simplify(contour, TOLERANCE_PX)][:-1, ::-1] + (left - 0.5, top - 0.5)
        if len(corners) >= 3 and _signed_area(corners) < 0:
            polygons.append(corners.clip(0, mask.shape[::-1]).round(2).reshape(-1).tolist())
    return polygons


def _signed_area(corners: np.ndarray) -> float:
    """Negative for outer outlines as `find_contours` orders them, positive for holes."""
    x, y = corners.T
    return 0.5 * float(np.sum(np.roll(x, -1) * y - x * np.roll(y, -1)))
