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
from bottomup.fields.grid import by_channel

NODES = 40  # supporters asked for one peak, at most
ENOUGH = 6  # supporters for which the window around a peak grows no more
NEAR, WIDE = 1.5, 2.5  # half sides of these windows in strides, before the whole radius


@dataclass(frozen=True)
class Links:
    """What the nodes around each peak say.

    Attributes:
        peak: Index of the peak pointed at, or -1, int32 [peak, keypoint].
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
        by_channel(fields.heatmap),
        by_channel(fields.short),
        by_channel(fields.mid),
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
        by_channel(fields.heatmap),
        by_channel(fields.long),
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
        np.full((peaks, num_keypoints), -1, np.int32),
        np.zeros((peaks, num_keypoints), np.float32),
        np.zeros((peaks, num_keypoints, 2), np.float32),
        np.zeros(peaks, np.int64),
    )


@njit(cache=True, nogil=True)
def _paint(labels, bins_xy, keypoints, reach):
    limit = reach * reach
    for p in range(len(bins_xy)):
        x, y = bins_xy[p, 0], bins_xy[p, 1]
        top, bottom, left, right = _square(x, y, reach, labels.shape[1], labels.shape[2])
        for i in range(top, bottom):
            row, down = labels[keypoints[p], i], (np.float32(i) - y) ** 2
            for j in range(left, right):
                distance = down + (np.float32(j) - x) ** 2
                other = row[j] - 1
                if other < 0:
                    row[j] = p + 1 if distance < limit else 0
                    continue
                dx, dy = np.float32(j) - bins_xy[other, 0], np.float32(i) - bins_xy[other, 1]
                if distance < dx * dx + dy * dy:
                    row[j] = p + 1


@njit(cache=True, nogil=True)
def _clear(labels, bins_xy, keypoints, reach):
    for p in range(len(bins_xy)):
        top, bottom, left, right = _square(
            bins_xy[p, 0], bins_xy[p, 1], reach, labels.shape[1], labels.shape[2]
        )
        for i in range(top, bottom):
            row = labels[keypoints[p], i]
            for j in range(left, right):
                row[j] = 0


@njit(cache=True, nogil=True, inline="always")
def _square(x, y, reach, height, width):
    """First and one past the last row and column of the bins around a place."""
    top, bottom = max(0, int(y - reach)), min(height, int(y + reach) + 2)
    left, right = max(0, int(x - reach)), min(width, int(x + reach) + 2)
    return top, bottom, np.uint32(left), np.uint32(max(left, right))


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
    top = max(0, int(np.ceil((y - reach_px) / stride)))
    bottom = min(rows - 1, int(np.floor((y + reach_px) / stride))) + 1
    left = max(0, int(np.ceil((x - reach_px) / stride)))
    right = min(columns - 1, int(np.floor((x + reach_px) / stride))) + 1
    return top, bottom, np.uint32(left), np.uint32(max(left, right))


@njit(cache=True, nogil=True, inline="always")
def _answering(
    probabilities, threshold, offsets, stride, reaches, x, y, p, plane, bins_per_px, nodes, places
):  # fmt: skip
    """Finds the nodes near peak p, from a probability on, whose offset leads back to it.

    Far ones count only if there are few near ones.

    Returns:
        Their number. Their flat indices are in `nodes`, their px in `places`.
    """
    rows, columns = probabilities.shape
    count = np.uint32(0)
    for reach in reaches:
        if count >= ENOUGH:
            break
        count = np.uint32(0)
        top, bottom, left, right = _window(x, y, stride, reach, rows, columns)
        for i in range(top, bottom):
            row, row_offsets, node_y = probabilities[i], offsets[i], np.float32(i) * stride
            for j in range(left, right):
                node_x = np.float32(j) * stride
                label = _label(
                    plane, node_x + row_offsets[j, 0], node_y + row_offsets[j, 1], bins_per_px
                )
                # Without a branch: the next one writes over what does not count.
                nodes[count] = np.uint32(i * columns) + j
                places[count, 0], places[count, 1] = node_x, node_y
                count += np.uint32((row[j] >= threshold) & (label == p))
                count = min(count, np.uint32(NODES))
    return count


@njit(cache=True, nogil=True, inline="always")
def _ask(offsets, nodes, places, count, plane, bins_per_px, landings, answers):
    """The peak that most nodes point at.

    Returns:
        Index of that peak (-1 for none), the share of the nodes, and the mean landing place of
        these nodes (of all nodes when none lands on a peak).
    """
    agreeing = np.uint32(0)
    total_x, total_y = np.float32(0), np.float32(0)
    for n in range(count):
        x, y = places[n, 0] + offsets[nodes[n], 0], places[n, 1] + offsets[nodes[n], 1]
        landings[n, 0], landings[n, 1], answers[n] = x, y, _label(plane, x, y, bins_per_px)
        agreeing += np.uint32(answers[n] == answers[0])
        total_x += x
        total_y += y
    best = answers[0]
    if agreeing < count:
        best = _most_frequent(answers, count)
        if best >= 0:
            agreeing, total_x, total_y = _total(landings, answers, best, count)
    size = np.float32(agreeing if best >= 0 else count)
    share = size / np.float32(count) if best >= 0 else np.float32(0)
    return best, share, total_x / size, total_y / size


@njit(cache=True, nogil=True)
def _total(landings, answers, best, count):
    """How many answers are the best one, and the sum of their landing places."""
    size, x, y = np.uint32(0), np.float32(0), np.float32(0)
    for n in range(count):
        if answers[n] == best:
            size += np.uint32(1)
            x += landings[n, 0]
            y += landings[n, 1]
    return size, x, y


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
    offsets = mid.reshape(len(mid), -1, 2)
    nodes, answers = np.empty(NODES + 1, np.uint32), np.empty(NODES + 1, np.int32)
    places, landings = np.empty((NODES + 1, 2), np.float32), np.empty((NODES + 1, 2), np.float32)
    near, wide = np.float32(NEAR) * stride, np.float32(WIDE) * stride
    reaches = (near, wide, max(radius, wide))
    leaving = np.empty((len(heatmap), len(edges)), np.int64)
    degrees = np.zeros(len(heatmap), np.int64)
    for e in range(len(edges)):
        source = edges[e, 0]
        leaving[source, degrees[source]] = e
        degrees[source] += 1
    for p in range(len(xy)):
        k = keypoints[p]
        count = _answering(
            heatmap[k], threshold, short[k], stride, reaches, xy[p, 0], xy[p, 1], p, labels[k],
            bins_per_px, nodes, places,
        )  # fmt: skip
        out_asked[p] = count
        if count == 0:
            continue
        for n in range(degrees[k]):
            e = leaving[k, n]
            target = edges[e, 1]
            peak, share, x, y = _ask(
                offsets[e], nodes, places, count, labels[target], bins_per_px, landings, answers
            )
            out_peak[p, target], out_agreement[p, target] = peak, share
            out_xy[p, target, 0], out_xy[p, target, 1] = x, y


@njit(cache=True, nogil=True)
def _link_long(
    heatmap, long, stride, xy, keypoints, labels, bins_per_px, wanted,
    out_peak, out_agreement, out_xy, out_asked,
):  # fmt: skip
    offsets = long.reshape(len(long), -1, 2)
    nodes, answers = np.empty(NODES + 1, np.uint32), np.empty(NODES + 1, np.int32)
    places, landings = np.empty((NODES + 1, 2), np.float32), np.empty((NODES + 1, 2), np.float32)
    reaches = (np.float32(NEAR) * stride, np.float32(WIDE) * stride)
    for p in range(len(xy)):
        if not wanted[p]:
            continue
        k = keypoints[p]
        # On a mask there may be no vote, so every probability will do.
        count = _answering(
            heatmap[k], np.float32(-np.inf), long[k], stride, reaches, xy[p, 0], xy[p, 1], p,
            labels[k], bins_per_px, nodes, places,
        )  # fmt: skip
        out_asked[p] = count
        if count == 0:
            continue
        for target in range(len(long)):
            if target != k:
                peak, share, x, y = _ask(
                    offsets[target], nodes, places, count, labels[target], bins_per_px, landings,
                    answers,
                )  # fmt: skip
                out_peak[p, target], out_agreement[p, target] = peak, share
                out_xy[p, target, 0], out_xy[p, target, 1] = x, y
