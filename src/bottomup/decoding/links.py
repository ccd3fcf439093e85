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
        fields.heatmap,
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
    limit = reach * reach
    for p in range(len(bins_xy)):
        x, y, plane = bins_xy[p, 0], bins_xy[p, 1], labels[keypoints[p]]
        for i in range(max(0, int(y - reach)), min(height, int(y + reach) + 2)):
            down = (np.float32(i) - y) ** 2
            for j in range(max(0, int(x - reach)), min(width, int(x + reach) + 2)):
                distance = down + (np.float32(j) - x) ** 2
                other = plane[i, j] - 1
                if other < 0:
                    plane[i, j] = p + 1 if distance < limit else 0
                    continue
                dx, dy = np.float32(j) - bins_xy[other, 0], np.float32(i) - bins_xy[other, 1]
                if distance < dx * dx + dy * dy:
                    plane[i, j] = p + 1


@njit(cache=True, nogil=True)
def _clear(labels, bins_xy, keypoints, reach):
    height, width = labels.shape[1], labels.shape[2]
    for p in range(len(bins_xy)):
        x, y, plane = bins_xy[p, 0], bins_xy[p, 1], labels[keypoints[p]]
        for i in range(max(0, int(y - reach)), min(height, int(y + reach) + 2)):
            for j in range(max(0, int(x - reach)), min(width, int(x + reach) + 2)):
                plane[i, j] = 0


@njit(cache=True, nogil=True)
def _label(plane, x, y, bins_per_px):
    half = np.float32(0.5)
    column, row = x * bins_per_px + half, y * bins_per_px + half
    height, width = np.float32(plane.shape[0]), np.float32(plane.shape[1])
    if not (column >= 0 and row >= 0 and row < height and column < width):
        return np.int32(-1)
    return plane[np.uint32(row), np.uint32(column)] - np.int32(1)


@njit(cache=True, nogil=True)
def _window(x, y, stride, reach_px, rows, columns):
    first_row = max(0, int(np.ceil((y - reach_px) / stride)))
    last_row = min(rows - 1, int(np.floor((y + reach_px) / stride)))
    first_column = max(0, int(np.ceil((x - reach_px) / stride)))
    last_column = min(columns - 1, int(np.floor((x + reach_px) / stride)))
    return first_row, last_row + 1, first_column, last_column + 1


@njit(cache=True, nogil=True)
def _answering(
    probabilities, threshold, offsets, shape, stride, reaches, x, y, p, k, plane, bins_per_px,
    nodes, places,
):  # fmt: skip
    """Finds the nodes near peak p, from a probability on, whose offset leads back to it.

    Far ones count only if there are few near ones.

    Returns:
        Their number. Their flat indices are in `nodes`, their px in `places`.
    """
    rows, columns, channels = shape
    count = np.uint32(0)
    for reach in reaches:
        if count >= ENOUGH:
            break
        count = np.uint32(0)
        window = _window(x, y, stride, reach, rows, columns)
        for i in range(window[0], window[1]):
            for j in range(window[2], window[3]):
                node = np.uint32(i * columns + j)
                t = node * np.uint32(channels) + np.uint32(k)
                node_x, node_y = np.float32(j) * stride, np.float32(i) * stride
                label = _label(plane, node_x + offsets[t, 0], node_y + offsets[t, 1], bins_per_px)
                # Without a branch: the next one writes over what does not count.
                nodes[count], places[count, 0], places[count, 1] = node, node_x, node_y
                count += np.uint32((probabilities[t] >= threshold) & (label == p))
                count = min(count, np.uint32(NODES))
    return count


@njit(cache=True, nogil=True)
def _ask(
    offsets, channels, channel, nodes, places, count, plane, bins_per_px, landings, answers
):  # fmt: skip
    """The peak that most nodes point at.

    Returns:
        Index of that peak (-1 for none), the share of the nodes, and the mean landing place of
        these nodes (of all nodes when none lands on a peak).
    """
    agreeing = np.uint32(0)
    for n in range(count):
        t = nodes[n] * np.uint32(channels) + np.uint32(channel)
        landings[n, 0] = places[n, 0] + offsets[t, 0]
        landings[n, 1] = places[n, 1] + offsets[t, 1]
        answers[n] = _label(plane, landings[n, 0], landings[n, 1], bins_per_px)
        agreeing += np.uint32(answers[n] == answers[0])
    best = answers[0] if agreeing == count else _most_frequent(answers, count)
    size, total_x, total_y = np.float32(0), np.float32(0), np.float32(0)
    for n in range(count):
        counts = np.float32(best < 0 or answers[n] == best)
        size += counts
        total_x += counts * landings[n, 0]
        total_y += counts * landings[n, 1]
    share = size / np.float32(count) if best >= 0 else np.float32(0)
    return best, share, total_x / size, total_y / size


@njit(cache=True, nogil=True)
def _most_frequent(answers, count):
    """The peak named most often, of several the first one; -1 if none is."""
    best, most = np.int32(-1), 0
    for a in range(count):
        same = 0
        for b in range(count):
            same += answers[b] == answers[a]
        if answers[a] >= 0 and same > most:
            best, most = answers[a], same
    return best


@njit(cache=True, nogil=True)
def _link_mid(
    heatmap, short, mid, stride, xy, keypoints, labels, bins_per_px, edges, radius, threshold,
    out_peak, out_agreement, out_xy, out_asked,
):  # fmt: skip
    probabilities, offsets, asked = heatmap.reshape(-1), short.reshape(-1, 2), mid.reshape(-1, 2)
    nodes, answers = np.empty(NODES + 1, np.uint32), np.empty(NODES + 1, np.int32)
    places, landings = np.empty((NODES + 1, 2), np.float32), np.empty((NODES + 1, 2), np.float32)
    near, wide = np.float32(NEAR) * stride, np.float32(WIDE) * stride
    reaches = (near, wide, max(radius, wide))
    leaving = np.empty((heatmap.shape[2], len(edges)), np.int64)
    degrees = np.zeros(heatmap.shape[2], np.int64)
    for e in range(len(edges)):
        source = edges[e, 0]
        leaving[source, degrees[source]] = e
        degrees[source] += 1
    for p in range(len(xy)):
        k = keypoints[p]
        count = _answering(
            probabilities, threshold, offsets, heatmap.shape, stride, reaches, xy[p, 0], xy[p, 1],
            p, k, labels[k], bins_per_px, nodes, places,
        )  # fmt: skip
        out_asked[p] = count
        if count == 0:
            continue
        for n in range(degrees[k]):
            e = leaving[k, n]
            target = edges[e, 1]
            peak, share, x, y = _ask(
                asked, len(edges), e, nodes, places, count, labels[target], bins_per_px,
                landings, answers,
            )  # fmt: skip
            out_peak[p, target], out_agreement[p, target] = peak, share
            out_xy[p, target, 0], out_xy[p, target, 1] = x, y


@njit(cache=True, nogil=True)
def _link_long(
    heatmap, long, stride, xy, keypoints, labels, bins_per_px, wanted,
    out_peak, out_agreement, out_xy, out_asked,
):  # fmt: skip
    probabilities, offsets = heatmap.reshape(-1), long.reshape(-1, 2)
    nodes, answers = np.empty(NODES + 1, np.uint32), np.empty(NODES + 1, np.int32)
    places, landings = np.empty((NODES + 1, 2), np.float32), np.empty((NODES + 1, 2), np.float32)
    reaches = (np.float32(NEAR) * stride, np.float32(WIDE) * stride)
    for p in range(len(xy)):
        if not wanted[p]:
            continue
        k = keypoints[p]
        # On a mask there may be no vote, so every probability will do.
        count = _answering(
            probabilities, np.float32(-np.inf), offsets, heatmap.shape, stride, reaches, xy[p, 0],
            xy[p, 1], p, k, labels[k], bins_per_px, nodes, places,
        )  # fmt: skip
        out_asked[p] = count
        if count == 0:
            continue
        for target in range(long.shape[2]):
            if target != k:
                peak, share, x, y = _ask(
                    offsets, long.shape[2], target, nodes, places, count, labels[target],
                    bins_per_px, landings, answers,
                )  # fmt: skip
                out_peak[p, target], out_agreement[p, target] = peak, share
                out_xy[p, target, 0], out_xy[p, target, 1] = x, y
