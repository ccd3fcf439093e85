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
    one, margin, bins_per_px = np.float32(1), np.float32(MARGIN), np.float32(1) / bin_px
    last_x, last_y = np.float32(width - 1), np.float32(height - 1)
    count = 0
    for i in range(rows):
        for j in range(columns):
            node_x, node_y = np.float32(j) * stride, np.float32(i) * stride
            for k in range(num_keypoints):
                probability = heatmap[i, j, k]
                if probability < threshold:
                    continue
                x = (node_x + short[i, j, k, 0]) * bins_per_px + margin
                y = (node_y + short[i, j, k, 1]) * bins_per_px + margin
                if not (x >= 0 and y >= 0 and x < last_x and y < last_y):
                    continue
                left, top = np.int32(x), np.int32(y)
                across, down = x - np.float32(left), y - np.float32(top)
                lower, upper = mass * probability * down, mass * probability * (one - down)
                start = (k * height + top) * width + left
                count = _add(flat, start, upper * (one - across), touched, count)
                count = _add(flat, start + 1, upper * across, touched, count)
                count = _add(flat, start + width, lower * (one - across), touched, count)
                count = _add(flat, start + width + 1, lower * across, touched, count)
    return count


@njit(cache=True, nogil=True)
def _add(flat, index, mass, touched, count):
    """Adds mass to a bin, and the bin to the touched ones if it was empty."""
    before = flat[index]
    flat[index] = before + mass
    if before == 0 and mass > 0:
        touched[count] = index
        return count + 1
    return count
