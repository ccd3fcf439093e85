"""Peaks of the Hough accumulators, to a fraction of a pixel."""

import numpy as np
from numba import njit

from bottomup.decoding.settings import DecoderSettings
from bottomup.decoding.votes import MARGIN

MERGE_BINS = 2.5
LEAST_WINDOW = 3


def find_peaks(
    accumulators: np.ndarray, touched: np.ndarray, settings: DecoderSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Local maxima, with the mass in 3 x 3 bins, best first; of two that touch, the better stays.

    A bin is a local maximum if no other in a window around it holds more, of 3 x 3 bins or of
    `peak_window_px` (PosePlusSeg takes 20 px, whose even number reaches one further up and left).
    Past the border there are no bins, which is what mirroring there would come to.

    Args:
        accumulators: [keypoint, y, x] of `votes.cast_votes`.
        touched: Flat indices of the bins that hold votes.
        settings: `peak_threshold`, `peak_window_px` and `hough_bin_px` matter.

    Returns:
        Positions in input px float32 [peak, 2], keypoint indices int64 [peak] and masses float32
        [peak], by descending mass.
    """
    window = window_bins(settings)
    columns_rows, keypoints, masses = _maxima(
        accumulators, touched, np.float32(settings.peak_threshold), window // 2, (window - 1) // 2
    )
    order = np.argsort(-masses, kind="stable")
    kept = order[_keep(columns_rows[order], keypoints[order], np.float32(MERGE_BINS))]
    xy = (columns_rows[kept] - MARGIN) * np.float32(settings.hough_bin_px)
    return xy, keypoints[kept], masses[kept]


def window_bins(settings: DecoderSettings) -> int:
    """Bins along each side of the window in which a peak is greatest, at least 3."""
    if settings.peak_window_px is None:
        return LEAST_WINDOW
    return max(LEAST_WINDOW, round(settings.peak_window_px / settings.hough_bin_px))


@njit(cache=True, nogil=True)
def _maxima(accumulators, touched, threshold, before, after):
    height, width = accumulators.shape[1], accumulators.shape[2]
    found_xy = np.empty((touched.size, 2), np.float32)
    found_keypoint = np.empty(touched.size, np.int64)
    found_mass = np.empty(touched.size, np.float32)
    count = 0
    for t in range(touched.size):
        k, rest = divmod(touched[t], height * width)
        i, j = divmod(rest, width)
        plane = accumulators[k]
        if not _greatest(plane, i, j, before, after):
            continue
        mass, sum_x, sum_y = np.float32(0), np.float32(0), np.float32(0)
        for row in range(max(i - 1, 0), min(i + 2, height)):
            for column in range(max(j - 1, 0), min(j + 2, width)):
                value = plane[row, column]
                mass += value
                sum_x += value * (column - j)
                sum_y += value * (row - i)
        if mass >= threshold:
            found_xy[count, 0] = j + sum_x / mass
            found_xy[count, 1] = i + sum_y / mass
            found_keypoint[count] = k
            found_mass[count] = mass
            count += 1
    return found_xy[:count], found_keypoint[:count], found_mass[:count]


@njit(cache=True, nogil=True)
def _greatest(plane, i, j, before, after):
    """Whether a bin holds most in its window; on a plateau only the first one does."""
    height, width = plane.shape
    here = plane[i, j]
    for row in range(max(i - before, 0), min(i + after + 1, height)):
        for column in range(max(j - before, 0), min(j + after + 1, width)):
            value = plane[row, column]
            earlier = row < i or (row == i and column < j)
            if value > here or (earlier and value == here):
                return False
    return True


@njit(cache=True, nogil=True)
def _keep(xy, keypoints, radius):
    """Indices of the peaks that have no better one of their type within the radius."""
    kept = np.empty(len(xy), np.int64)
    count = 0
    # The last kept peak of each type, and for each kept peak the one of its type before it.
    last = np.full(keypoints.max() + 1 if len(keypoints) else 0, -1, np.int64)
    before = np.empty(len(xy), np.int64)
    for a in range(len(xy)):
        b = last[keypoints[a]]
        while b >= 0:
            dx, dy = xy[a, 0] - xy[b, 0], xy[a, 1] - xy[b, 1]
            if dx * dx + dy * dy < radius * radius:
                break
            b = before[b]
        if b < 0:
            before[a] = last[keypoints[a]]
            last[keypoints[a]] = a
            kept[count] = a
            count += 1
    return kept[:count]
