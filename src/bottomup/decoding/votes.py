"""Hough votes: every node inside a disk votes for where its keypoint is."""

import math

import numpy as np
from numba import njit

from bottomup.decoding import scratch
from bottomup.decoding.settings import DecoderSettings
from bottomup.fields.grid import Fields

MARGIN = 2  # bins around the input, so that a vote just past the border still counts


def cast_votes(fields: Fields, settings: DecoderSettings) -> tuple[np.ndarray, np.ndarray]:
    """Binned Hough accumulators, scaled so that a whole disk of sure nodes has mass 1.

    The accumulators are the thread's own and hold until its next image.

    Args:
        fields: Refined fields of one image.
        settings: `radius_px`, `hough_bin_px` and `vote_threshold` matter.

    Returns:
        Accumulators float32 [keypoint, y, x], where bin (i, j) is centred on input pixel
        ((j - MARGIN) * bin, (i - MARGIN) * bin), and the flat indices of all bins that hold votes.
    """
    rows, columns, num_keypoints = fields.heatmap.shape
    height = _bins((rows - 1) * fields.stride, settings.hough_bin_px)
    width = _bins((columns - 1) * fields.stride, settings.hough_bin_px)
    accumulators = scratch.zeros("accumulators", (num_keypoints, height, width), np.float32)
    mass = fields.stride**2 / (math.pi * settings.radius_px**2)
    touched = np.empty(4 * fields.heatmap.size, np.int32)
    count = _cast(
        fields.heatmap,
        fields.short,
        np.float32(fields.stride),
        np.float32(settings.hough_bin_px),
        np.float32(mass),
        np.float32(settings.vote_threshold),
        accumulators,
        touched,
    )
    touched = touched[:count]
    scratch.keep("accumulators", lambda: accumulators.reshape(-1).__setitem__(touched, 0))
    return accumulators, touched


def hough_map(fields: Fields, settings: DecoderSettings) -> np.ndarray:
    """The Hough accumulators without their margin, for pictures, float32 [keypoint, y, x]."""
    return cast_votes(fields, settings)[0][:, MARGIN:-MARGIN, MARGIN:-MARGIN].copy()


def _bins(span_px: int, bin_px: float) -> int:
    return math.ceil(span_px / bin_px) + 1 + 2 * MARGIN


@njit(cache=True, nogil=True)
def _cast(heatmap, short, stride, bin_px, mass, threshold, accumulators, touched):
    rows, columns, num_keypoints = heatmap.shape
    height, width = accumulators.shape[1], accumulators.shape[2]
    flat = accumulators.reshape(-1)
    count = 0
    for i in range(rows):
        for j in range(columns):
            for k in range(num_keypoints):
                probability = heatmap[i, j, k]
                if probability < threshold:
                    continue
                x = (j * stride + short[i, j, k, 0]) / bin_px + MARGIN
                y = (i * stride + short[i, j, k, 1]) / bin_px + MARGIN
                if not (x >= 0 and y >= 0 and x < width - 1 and y < height - 1):
                    continue
                left, top = int(x), int(y)
                across, down = x - left, y - top
                start = (k * height + top) * width + left
                vote = mass * probability
                for corner in range(4):
                    right, below = corner % 2, corner // 2
                    share = (across if right else 1 - across) * (down if below else 1 - down)
                    index = start + right + below * width
                    if share > 0:
                        if flat[index] == 0:
                            touched[count] = index
                            count += 1
                        flat[index] += vote * share
    return count
