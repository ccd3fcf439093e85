"""Who points at whom: how far the nodes around a peak agree on where the other keypoints are.

A field promises something only where its loss looked: at the nodes that vote for a keypoint, and on
the person's mask. So a peak never trusts the one value under it. It asks the nodes that voted for
it (for the neighbours in the tree, by mid offsets) and the nodes whose long offset leads back to
the peak itself (for all keypoints, by long offsets), and believes what most of them say. Where a
keypoint is unlabelled, or on somebody else's mask, the nodes disagree.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from bottomup.decoding import scratch

NODES = 40  # supporters asked for one peak, at most
ENOUGH = 6  # supporters for which the window around a peak grows no more
NEAR, WIDE = 1.5, 2.5  # half sides of these windows in strides, before the whole radius
CANDIDATES = 6  # different answers told apart for one question, at most


@dataclass(frozen=True)
class Links:
    """What the nodes around each peak say.

    Attributes:
        peak: Index of the peak pointed at, or -1, int64 [peak, keypoint].
        agreement: Share of the nodes that say so, float32 [peak, keypoint].
        xy: Where they point, in px, float32 [peak, keypoint, 2].
        asked: Number of nodes that were asked, int64 [peak].
    """

    peak: np.ndarray
    agreement: np.ndarray
    xy: np.ndarray
    asked: np.ndarray


def label_bins(
    xy: np.ndarray,
    keypoints: np.ndarray,
    shape: tuple[int, int, int],
    bin_px: float,
    reach_px: float,
) -> np.ndarray:
    """1 + the index of the nearest peak within reach, or 0, int32 [keypoint, y, x] in bins.

    The array is the thread's own and holds until its next image.
    """
    labels = scratch.zeros("labels", shape, np.int32)
    bins_xy, reach = xy / np.float32(bin_px), np.float32(reach_px / bin_px)
    _paint(labels, bins_xy, keypoints, reach)
    scratch.keep("labels", lambda: _clear(labels, bins_xy, keypoints, reach))
    return labels


def mid_links(fields, xy, keypoints, labels, bin_px, directed_edges, settings) -> Links:
    """What the supporters of each peak say about its neighbours in the tree."""
    links = _no_links(len(xy), fields.heatmap.shape[2])
    _link_mid(
        fields.heatmap,
        fields.short,
        fields.mid,
        np.float32(fields.stride),
        xy,
        keypoints,
        labels,
        np.float32(1 / bin_px),
        directed_edges,
        np.float32(settings.radius_px),
        np.float32(settings.vote_threshold),
        links.peak,
        links.agreement,
        links.xy,
        links.asked,
    )
    return links


def long_links(fields, xy, keypoints, labels, bin_px, settings, wanted=None) -> Links:
    """What the nodes on the mask under each peak say about all keypoints of the person.

    `wanted`, bool [peak], leaves out the other peaks, as if no node answered for them.
    """
    wanted = np.ones(len(xy), bool) if wanted is None else wanted
    links = _no_links(len(xy), fields.heatmap.shape[2])
    _link_long(
        fields.long,
        np.float32(fields.stride),
        xy,
        keypoints,
        labels,
        np.float32(1 / bin_px),
        wanted,
        links.peak,
        links.agreement,
        links.xy,
        links.asked,
    )
    return links


def _no_links(peaks: int, num_keypoints: int) -> Links:
    return Links(
        np.full((peaks, num_keypoints), -1, np.int64),
        np.zeros((peaks, num_keypoints), np.float32),
        np.zeros((peaks, num_keypoints, 2), np.float32),
        np.zeros(peaks, np.int64),
    )


@njit(cache=True, nogil=True)
def _paint(labels, bins_xy, keypoints, reach):
    height, width = labels.shape[1], labels.shape[2]
    for p in range(len(bins_xy)):
        x, y, k = bins_xy[p, 0], bins_xy[p, 1], keypoints[p]
        for i in range(max(0, int(y - reach)), min(height, int(y + reach) + 2)):
            down = (np.float32(i) - y) ** 2
            half = np.sqrt(max(reach * reach - down, np.float32(0)))
            for j in range(max(0, int(x - half)), min(width, int(x + half) + 2)):
                distance, limit = down + (np.float32(j) - x) ** 2, reach * reach
                if distance >= limit:
                    continue
                other = labels[k, i, j] - 1
                if other >= 0:
                    dx, dy = np.float32(j) - bins_xy[other, 0], np.float32(i) - bins_xy[other, 1]
                    limit = dx * dx + dy * dy
                if distance < limit:
                    labels[k, i, j] = p + 1


@njit(cache=True, nogil=True)
def _clear(labels, bins_xy, keypoints, reach):
    height, width = labels.shape[1], labels.shape[2]
    for p in range(len(bins_xy)):
        x, y, k = bins_xy[p, 0], bins_xy[p, 1], keypoints[p]
        left, right = max(0, int(x - reach)), min(width, int(x + reach) + 2)
        for i in range(max(0, int(y - reach)), min(height, int(y + reach) + 2)):
            labels[k, i, left:right] = 0


@njit(cache=True, nogil=True)
def _label(labels, k, x, y, bins_per_px):
    half = np.float32(0.5)
    column, row = x * bins_per_px + half, y * bins_per_px + half
    height, width = np.float32(labels.shape[1]), np.float32(labels.shape[2])
    if not (column >= 0 and row >= 0 and row < height and column < width):
        return -1
    return labels[k, int(row), int(column)] - 1


@njit(cache=True, nogil=True)
def _window(x, y, stride, reach_px, rows, columns):
    first_row = max(0, int(np.ceil((y - reach_px) / stride)))
    last_row = min(rows - 1, int(np.floor((y + reach_px) / stride)))
    first_column = max(0, int(np.ceil((x - reach_px) / stride)))
    last_column = min(columns - 1, int(np.floor((x + reach_px) / stride)))
    return first_row, last_row + 1, first_column, last_column + 1


@njit(cache=True, nogil=True)
def _supporters(heatmap, short, stride, xy, p, k, labels, bins_per_px, radius, threshold, nodes):
    """Nodes that voted for peak p, as (row, column); near ones first, far ones only if needed."""
    rows, columns = heatmap.shape[0], heatmap.shape[1]
    count = 0
    wide = np.float32(WIDE) * stride
    for reach in (np.float32(NEAR) * stride, wide, max(radius, wide)):
        if count >= ENOUGH:
            break
        count = 0
        window = _window(xy[p, 0], xy[p, 1], stride, reach, rows, columns)
        for i in range(window[0], window[1]):
            for j in range(window[2], window[3]):
                if heatmap[i, j, k] < threshold or count == len(nodes):
                    continue
                x = np.float32(j) * stride + short[i, j, k, 0]
                y = np.float32(i) * stride + short[i, j, k, 1]
                if _label(labels, k, x, y, bins_per_px) == p:
                    nodes[count, 0], nodes[count, 1] = i, j
                    count += 1
    return count


@njit(cache=True, nogil=True)
def _mask_nodes(long, stride, xy, p, k, labels, bins_per_px, nodes):
    """Nodes near peak p whose long offset leads back to it: they lie on the person's own mask."""
    rows, columns = long.shape[0], long.shape[1]
    count = 0
    for reach in (np.float32(NEAR) * stride, np.float32(WIDE) * stride):
        if count >= ENOUGH:
            break
        count = 0
        window = _window(xy[p, 0], xy[p, 1], stride, reach, rows, columns)
        for i in range(window[0], window[1]):
            for j in range(window[2], window[3]):
                x = np.float32(j) * stride + long[i, j, k, 0]
                y = np.float32(i) * stride + long[i, j, k, 1]
                if count < len(nodes) and _label(labels, k, x, y, bins_per_px) == p:
                    nodes[count, 0], nodes[count, 1] = i, j
                    count += 1
    return count


@njit(cache=True, nogil=True)
def _ask(offsets, channel, nodes, count, stride, labels, target, bins_per_px, answers, sums):
    """The peak that most nodes point at.

    Returns:
        Index of that peak (-1 for none), the share of the nodes, and the mean landing place of
        these nodes (of all nodes when none lands on a peak).
    """
    found = 0
    total_x, total_y = np.float32(0), np.float32(0)
    for n in range(count):
        i, j = nodes[n, 0], nodes[n, 1]
        x = np.float32(j) * stride + offsets[i, j, channel, 0]
        y = np.float32(i) * stride + offsets[i, j, channel, 1]
        total_x += x
        total_y += y
        label = _label(labels, target, x, y, bins_per_px)
        if label < 0:
            continue
        c = 0
        while c < found and answers[c] != label:
            c += 1
        if c == len(answers):
            continue
        if c == found:
            answers[c] = label
            sums[c] = 0
            found += 1
        sums[c, 0] += 1
        sums[c, 1] += x
        sums[c, 2] += y
    best = -1
    for c in range(found):
        if best < 0 or sums[c, 0] > sums[best, 0]:
            best = c
    if best < 0:
        size = np.float32(max(count, 1))
        return -1, np.float32(0), total_x / size, total_y / size
    votes = sums[best, 0]
    return answers[best], votes / count, sums[best, 1] / votes, sums[best, 2] / votes


@njit(cache=True, nogil=True)
def _link_mid(
    heatmap, short, mid, stride, xy, keypoints, labels, bins_per_px, edges, radius, threshold,
    out_peak, out_agreement, out_xy, out_asked,
):  # fmt: skip
    nodes = np.empty((NODES, 2), np.int64)
    answers = np.empty(CANDIDATES, np.int64)
    sums = np.empty((CANDIDATES, 3), np.float32)
    leaving = np.empty((heatmap.shape[2], len(edges)), np.int64)
    degrees = np.zeros(heatmap.shape[2], np.int64)
    for e in range(len(edges)):
        source = edges[e, 0]
        leaving[source, degrees[source]] = e
        degrees[source] += 1
    for p in range(len(xy)):
        k = keypoints[p]
        count = _supporters(
            heatmap, short, stride, xy, p, k, labels, bins_per_px, radius, threshold, nodes
        )
        out_asked[p] = count
        for e in leaving[k, : degrees[k]]:
            target = edges[e, 1]
            peak, share, x, y = _ask(
                mid, e, nodes, count, stride, labels, target, bins_per_px, answers, sums
            )
            out_peak[p, target], out_agreement[p, target] = peak, share
            out_xy[p, target, 0], out_xy[p, target, 1] = x, y


@njit(cache=True, nogil=True)
def _link_long(
    long, stride, xy, keypoints, labels, bins_per_px, wanted,
    out_peak, out_agreement, out_xy, out_asked,
):  # fmt: skip
    nodes = np.empty((NODES, 2), np.int64)
    answers = np.empty(CANDIDATES, np.int64)
    sums = np.empty((CANDIDATES, 3), np.float32)
    for p in range(len(xy)):
        if not wanted[p]:
            continue
        k = keypoints[p]
        count = _mask_nodes(long, stride, xy, p, k, labels, bins_per_px, nodes)
        out_asked[p] = count
        for target in range(long.shape[2]):
            if target != k and count > 0:
                peak, share, x, y = _ask(
                    long, target, nodes, count, stride, labels, target, bins_per_px, answers, sums
                )
                out_peak[p, target], out_agreement[p, target] = peak, share
                out_xy[p, target, 0], out_xy[p, target, 1] = x, y
