"""Peaks of the Hough accumulators, to a fraction of a pixel."""

import numpy as np
from numba import njit

from bottomup.decoding.settings import DecoderSettings
from bottomup.decoding.votes import MARGIN

MERGE_BINS = 1.5
LEAST_WINDOW = 3


def find_peaks(
    accumulators: np.ndarray, touched: np.ndarray, settings: DecoderSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Local maxima of the mass, best first; of two that touch, the better stays.

    A peak's mass is that of its 3 x 3 bins, and its place the mean of their votes. A bin is a local
    maximum if no other in a window around it holds more, of 3 x 3 bins or of `peak_window_px`
    (PosePlusSeg takes 20 px; an even number of bins reaches one further up and left). Past the
    border there are no bins, which is what mirroring there would come to.

    Args:
        accumulators: [keypoint, y, x, 3] of `votes.cast_votes`.
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
    kept = _keep(columns_rows, keypoints, order, np.float32(MERGE_BINS))
    return _taken(kept, columns_rows, keypoints, masses, np.float32(settings.bin_px))


def window_bins(settings: DecoderSettings) -> int:
    """Bins along each side of the window in which a peak is greatest, at least 3."""
    if settings.peak_window_px is None:
        return LEAST_WINDOW
    return max(LEAST_WINDOW, round(settings.peak_window_px / settings.bin_px))


@njit(cache=True, nogil=True)
def _maxima(accumulators, touched, threshold, before, after):
    height, width = accumulators.shape[1], accumulators.shape[2]
    bins = accumulators.reshape(-1, 3)
    found_xy = np.empty((touched.size, 2), np.float32)
    found_keypoint = np.empty(touched.size, np.int64)
    found_mass = np.empty(touched.size, np.float32)
    count = 0
    for index in touched:
        if not _greatest(bins, index, width):
            continue
        if before > 1 and not _greatest_in_window(accumulators, index, before, after):
            continue
        mass, sum_x, sum_y = np.float32(0), np.float32(0), np.float32(0)
        for down in range(-1, 2):
            for across in range(-1, 2):
                neighbour = index + down * width + across
                value = bins[neighbour, 0]
                mass += value
                sum_x += value * np.float32(across) + bins[neighbour, 1]
                sum_y += value * np.float32(down) + bins[neighbour, 2]
        if mass >= threshold:
            k, rest = divmod(index, height * width)
            i, j = divmod(rest, width)
            found_xy[count, 0] = j + sum_x / mass
            found_xy[count, 1] = i + sum_y / mass
            found_keypoint[count] = k
            found_mass[count] = mass
            count += 1
    return found_xy[:count], found_keypoint[:count], found_mass[:count]


@njit(cache=True, nogil=True, inline="always")
def _greatest(bins, index, width):
    """Whether a bin holds most among its neighbours; on a plateau only the first one does."""
    here = bins[index, 0]
    for down in range(-1, 2):
        for across in range(-1, 2):
            neighbour = index + down * width + across
            value = bins[neighbour, 0]
            if value > here or (neighbour < index and value == here):
                return False
    return True


@njit(cache=True, nogil=True)
def _greatest_in_window(accumulators, index, before, after):
    """The same in a window of any size, cut at the border."""
    height, width = accumulators.shape[1], accumulators.shape[2]
    k, rest = divmod(index, height * width)
    i, j = divmod(rest, width)
    here = accumulators[k, i, j, 0]
    for row in range(max(i - before, 0), min(i + after + 1, height)):
        for column in range(max(j - before, 0), min(j + after + 1, width)):
            value = accumulators[k, row, column, 0]
            earlier = row < i or (row == i and column < j)
            if value > here or (earlier and value == here):
                return False
    return True


@njit(cache=True, nogil=True)
def _keep(xy, keypoints, order, radius):
    """Indices, in that order, of the peaks that have no earlier one of their type so near."""
    kept = np.empty(len(order), np.int64)
    count = 0
    # Where the kept peaks of each type are, type by type, and how many of each there are.
    types = keypoints.max() + 1 if len(keypoints) else 0
    places = np.empty((types, 2, len(order)), np.float32)
    sizes = np.zeros(types, np.int64)
    for a in order:
        k = keypoints[a]
        near = 0
        for b in range(sizes[k]):
            dx, dy = xy[a, 0] - places[k, 0, b], xy[a, 1] - places[k, 1, b]
            near += dx * dx + dy * dy < radius * radius
        if near == 0:
            places[k, 0, sizes[k]], places[k, 1, sizes[k]] = xy[a, 0], xy[a, 1]
            sizes[k] += 1
            kept[count] = a
            count += 1
    return kept[:count]


@njit(cache=True, nogil=True)
def _taken(kept, columns_rows, keypoints, masses, bin_px):
    """Positions in px, keypoint indices and masses of the peaks that are kept."""
    xy = np.empty((len(kept), 2), np.float32)
    for n in range(len(kept)):
        xy[n, 0] = (columns_rows[kept[n], 0] - np.float32(MARGIN)) * bin_px
        xy[n, 1] = (columns_rows[kept[n], 1] - np.float32(MARGIN)) * bin_px
    return xy, keypoints[kept], masses[kept]
