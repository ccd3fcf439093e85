"""Hough votes: every node inside a disk votes for where its keypoint is.

A bin holds the mass of its votes and their mean place, so bins can be coarse, and few, and the
peaks are as sharp as the votes.
"""

import math

import numpy as np
from numba import njit

from bottomup.decoding import scratch
from bottomup.decoding.settings import DecoderSettings
from bottomup.fields.grid import Fields, by_channel

# Bins around the input, so that a vote just past the border still counts. The outermost stay empty,
# so that every bin with votes has eight neighbours.
MARGIN = 2


def cast_votes(fields: Fields, settings: DecoderSettings) -> tuple[np.ndarray, np.ndarray]:
    """Binned Hough accumulators, scaled so that a whole disk of sure nodes has mass 1.

    The accumulators are the thread's own and hold until its next image.

    Args:
        fields: Refined fields of one image.
        settings: `radius_px`, `hough_bin_px` and `vote_threshold` matter.

    Returns:
        Accumulators float32 [keypoint, y, x, 3], where bin (i, j) is centred on input pixel
        ((j - MARGIN) * bin, (i - MARGIN) * bin): the mass of its votes, and mass times x and y of
        the votes in bins from that centre; and the flat indices of all bins that hold votes.
    """
    rows, columns, num_keypoints = fields.heatmap.shape
    height = _bins((rows - 1) * fields.stride, settings.bin_px)
    width = _bins((columns - 1) * fields.stride, settings.bin_px)
    accumulators = scratch.zeros("accumulators", (num_keypoints, height, width, 3), np.float32)
    bins = accumulators.reshape(-1, 3)
    mass = fields.stride**2 / (math.pi * settings.radius_px**2)
    touched = np.empty(fields.heatmap.size + 1, np.int32)
    count = _cast(
        by_channel(fields.heatmap),
        by_channel(fields.short),
        np.float32(fields.stride),
        np.float32(settings.bin_px),
        np.float32(mass),
        np.float32(settings.vote_threshold),
        accumulators,
        touched,
    )
    touched = touched[:count]
    scratch.keep("accumulators", lambda: _clear(bins, touched))
    return accumulators, touched


def hough_map(fields: Fields, settings: DecoderSettings) -> np.ndarray:
    """The Hough masses without their margin, for pictures, float32 [keypoint, y, x]."""
    return cast_votes(fields, settings)[0][:, MARGIN:-MARGIN, MARGIN:-MARGIN, 0].copy()


def _bins(span_px: int, bin_px: float) -> int:
    return math.ceil(span_px / bin_px) + 1 + 2 * MARGIN


@njit(cache=True, nogil=True)
def _cast(heatmap, short, stride, bin_px, mass, threshold, accumulators, touched):
    num_keypoints, rows, columns = heatmap.shape
    height, width = accumulators.shape[1], accumulators.shape[2]
    bins, offsets = accumulators.reshape(-1, 3), short.reshape(num_keypoints, rows, 2 * columns)
    columns_px = np.arange(columns).astype(np.float32) * stride
    voters, landed = np.empty(columns, np.uint32), np.empty(columns, np.int32)
    off_x, off_y = np.empty(columns, np.float32), np.empty(columns, np.float32)
    count = np.uint32(0)
    for k in range(num_keypoints):
        for i in range(rows):
            probabilities = heatmap[k, i]
            voting = _at_least(probabilities, threshold, voters)
            if voting == 0:
                continue
            _land(
                offsets[k, i], columns_px, np.float32(i) * stride, np.float32(1) / bin_px,
                np.int32(height), np.int32(width), landed, off_x, off_y,
            )  # fmt: skip
            for v in range(voting):
                j = voters[v]
                if landed[j] < 0:
                    continue
                index = np.uint32(k * height * width + landed[j])
                vote, before = mass * probabilities[j], bins[index, 0]
                # Without a branch: the next one writes over what was touched before.
                touched[count] = index
                count += np.uint32((before == 0) & (vote > 0))
                bins[index, 0] = before + vote
                bins[index, 1] += vote * off_x[j]
                bins[index, 2] += vote * off_y[j]
    return count


@njit(cache=True, nogil=True, inline="always")
def _land(offsets, columns_px, node_y, bins_per_px, height, width, landed, off_x, off_y):
    """Writes for each node of a row where its vote lands: the bin, -1 for none, and how far off it.

    By itself, so that several nodes are done at a time; a row without voters never gets here.
    """
    half = np.float32(0.5)
    shift = np.float32(MARGIN) + half
    far_x, far_y = np.float32(width - 1), np.float32(height - 1)
    for j in range(len(landed)):
        x = (columns_px[j] + offsets[2 * j]) * bins_per_px + shift
        y = (node_y + offsets[2 * j + 1]) * bins_per_px + shift
        inside = (x >= 1) & (y >= 1) & (x < far_x) & (y < far_y)
        x = x if inside else np.float32(1)
        y = y if inside else np.float32(1)
        left, top = np.int32(x), np.int32(y)
        landed[j] = top * width + left if inside else np.int32(-1)
        off_x[j] = x - np.float32(left) - half
        off_y[j] = y - np.float32(top) - half


@njit(cache=True, nogil=True)
def _at_least(values, threshold, out):
    """Writes the indices of the values from a threshold on, without a branch; their number."""
    count = np.uint32(0)
    for t in range(len(values)):
        out[count] = t
        count += np.uint32(values[t] >= threshold)
    return count


@njit(cache=True, nogil=True)
def _clear(bins, touched):
    for index in touched:
        bins[index] = 0
