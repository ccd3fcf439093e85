"""Masks written as COCO segmentations: polygons where they tell the truth, else run lengths."""

import numpy as np
from numba import njit
from pycocotools import mask as rle_tools

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
    cut = np.pad(mask[top : rows[-1] + 1, left : columns[-1] + 1], 1)
    points, ends = trace(cut)
    polygons = []
    for first, last in zip([0, *ends[:-1]], ends, strict=True):
        closed = np.concatenate([points[first:last], points[first : first + 1]])
        corners = closed[simplify(closed, TOLERANCE_PX)][:-1] + np.array([left - 1, top - 1])
        if len(corners) >= 3 and _signed_area(corners) > 0:
            polygons.append(corners.round(2).reshape(-1).tolist())
    return polygons


@njit(cache=True, nogil=True)
def trace(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walks along the borders of a mask whose outermost pixels are all empty.

    Returns:
        The middle of every pixel edge passed, x, y in corner coordinates, [edge, 2], loop after
        loop with the mask on the right hand (clockwise around parts, the other way around holes);
        and where each loop ends, [loop].
    """
    step_x, step_y = (1, 0, -1, 0), (0, 1, 0, -1)
    begun = np.zeros(mask.shape, np.bool_)
    points = np.empty((4 * mask.size, 2))
    ends = np.empty(mask.size, np.int64)
    count = loops = 0
    for row in range(1, mask.shape[0]):
        for column in range(1, mask.shape[1]):
            if not mask[row, column] or mask[row - 1, column] or begun[row, column]:
                continue
            x, y, heading = column, row, 0
            while not (heading == 0 and begun[y, x]):
                if heading == 0:
                    begun[y, x] = True
                dx, dy = step_x[heading], step_y[heading]
                points[count] = x + dx / 2, y + dy / 2
                count += 1
                x, y = x + dx, y + dy
                # The pixels ahead, to the left and to the right of the corner reached.
                left = mask[y + (dy - dx - 1) // 2, x + (dx + dy - 1) // 2]
                right = mask[y + (dy + dx - 1) // 2, x + (dx - dy - 1) // 2]
                heading = (heading + (0 if right else 1) - (1 if right and left else 0)) % 4
            ends[loops] = count
            loops += 1
    return points[:count], ends[:loops]


def _signed_area(corners: np.ndarray) -> float:
    """Positive around a part of the mask, negative around a hole."""
    x, y = corners.T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
