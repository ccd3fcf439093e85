"""Slow, obvious NumPy versions of the decoder's kernels."""

import math

import numpy as np

from bottomup.decoding.votes import MARGIN


def hough(fields, settings):
    """Accumulators with margin: each node's vote goes whole to the nearest bin."""
    rows, columns, num = fields.heatmap.shape
    bin_px = settings.bin_px
    height = math.ceil((rows - 1) * fields.stride / bin_px) + 1 + 2 * MARGIN
    width = math.ceil((columns - 1) * fields.stride / bin_px) + 1 + 2 * MARGIN
    out = np.zeros((num, height, width, 3))
    for i, j, k in np.ndindex(rows, columns, num):
        if fields.heatmap[i, j, k] < settings.vote_threshold:
            continue
        xy = (np.array([j, i]) * fields.stride + fields.short[i, j, k]) / bin_px + MARGIN
        column, row = np.floor(xy + 0.5).astype(int)
        if 1 <= column < width - 1 and 1 <= row < height - 1:
            away = xy - (column, row)
            out[k, row, column] += fields.heatmap[i, j, k] * np.array([1, *away])
    return out * fields.stride**2 / (math.pi * settings.radius_px**2)


def maxima(plane, threshold):
    """Bins of one keypoint's plane that are greatest among their neighbours, first of a plateau."""
    found = []
    for i, j in np.argwhere(plane[..., 0] > 0):
        window = plane[i - 1 : i + 2, j - 1 : j + 2].reshape(9, 3)
        masses = window[:, 0]
        if masses.argmax() != 4 or masses.sum() < threshold:
            continue
        centres = np.array([(j + b % 3 - 1, i + b // 3 - 1) for b in range(9)])
        votes = masses[:, None] * centres + window[:, 1:]
        found.append((masses.sum(), votes.sum(0) / masses.sum()))
    return found


def peaks(accumulators, settings, merge_bins):
    """All peaks, (mass, keypoint, x, y) in px, best first, none too near a better one."""
    found = [
        (mass, k, xy)
        for k, plane in enumerate(accumulators)
        for mass, xy in maxima(plane, settings.peak_threshold)
    ]
    kept = []
    for mass, k, xy in sorted(found, key=lambda one: -one[0]):
        near = [xy - other for _, other_k, other in kept if other_k == k]
        if all(np.hypot(*offset) >= merge_bins for offset in near):
            kept.append((mass, k, xy))
    return [(m, k, *((xy - MARGIN) * settings.bin_px)) for m, k, xy in kept]


def labels(bins_xy, keypoints, shape, reach):
    out = np.zeros(shape, int)
    for k, i, j in np.ndindex(shape):
        distances = np.hypot(*(bins_xy - (j, i)).T) if len(bins_xy) else np.zeros(0)
        distances[np.asarray(keypoints) != k] = np.inf
        if len(distances) and distances.min() < reach:
            out[k, i, j] = distances.argmin() + 1
    return out


def label_at(labels, k, xy, bin_px):
    j, i = np.floor(np.asarray(xy) / bin_px + 0.5).astype(int)
    if 0 <= i < labels.shape[1] and 0 <= j < labels.shape[2]:
        return labels[k, i, j] - 1
    return -1


def nodes_within(xy, stride, reach_px, rows, columns):
    return [
        (i, j)
        for i in range(rows)
        for j in range(columns)
        if abs(i * stride - xy[1]) <= reach_px and abs(j * stride - xy[0]) <= reach_px
    ]


def answer(field, nodes, stride, labels, target, bin_px):
    """What most nodes point at: (peak, share, mean landing place)."""
    landings = [np.array([j, i]) * stride + field[i, j] for i, j in nodes]
    seen = [label_at(labels, target, xy, bin_px) for xy in landings]
    named = [label for label in seen if label >= 0]
    if not named:
        return -1, 0.0, np.mean(landings, 0) if landings else np.zeros(2)
    best = max(dict.fromkeys(named), key=named.count)
    chosen = [xy for xy, label in zip(landings, seen, strict=True) if label == best]
    return best, len(chosen) / len(nodes), np.mean(chosen, 0)


def voters(fields, p, xy, k, labels, bin_px, settings):
    """Nodes that voted for peak p, near ones if there are six."""
    rows, columns = fields.heatmap.shape[:2]
    wide = 2.5 * fields.stride
    for reach in (1.5 * fields.stride, wide, max(settings.radius_px, wide)):
        found = [
            (i, j)
            for i, j in nodes_within(xy, fields.stride, reach, rows, columns)
            if fields.heatmap[i, j, k] >= settings.vote_threshold
            and label_at(
                labels, k, np.array([j, i]) * fields.stride + fields.short[i, j, k], bin_px
            )
            == p
        ]
        if len(found) >= 6:
            break
    return found


def mask_nodes(fields, p, xy, k, labels, bin_px, settings):
    """Nodes near peak p whose long offset leads back to it."""
    rows, columns = fields.heatmap.shape[:2]
    for reach in (1.5 * fields.stride, 2.5 * fields.stride):
        found = [
            (i, j)
            for i, j in nodes_within(xy, fields.stride, reach, rows, columns)
            if label_at(labels, k, np.array([j, i]) * fields.stride + fields.long[i, j, k], bin_px)
            == p
        ]
        if len(found) >= 6:
            break
    return found


def bilinear(field, x, y):
    """A field [y, x, ...] at cell (x, y), clamped to its border."""
    rows, columns = field.shape[:2]
    x, y = np.clip(x, 0, columns - 1), np.clip(y, 0, rows - 1)
    total = np.zeros(field.shape[2:])
    for i in {math.floor(y), math.ceil(y)}:
        for j in {math.floor(x), math.ceil(x)}:
            total = total + (1 - abs(i - y)) * (1 - abs(j - x)) * field[i, j]
    return total


def tree(fields, peaks, edges, seed_radius):
    """The paper's assembly: people [person, keypoint, 2]."""
    people = []
    for xy, k in zip(peaks[0], peaks[1], strict=True):
        if any(np.hypot(*(person[k] - xy)) <= seed_radius for person in people):
            continue
        person = {k: xy.astype(float)}
        while len(person) < fields.heatmap.shape[2]:
            for e, (source, target) in enumerate(edges):
                if source in person and target not in person:
                    x, y = person[source] / fields.stride
                    person[target] = person[source] + bilinear(fields.mid[:, :, e], x, y)
        people.append(person)
    return np.array([[person[k] for k in range(len(person))] for person in people])


def expected_oks(fields, xy, k, scale, kappa, settings):
    """Heatmap probability times the similarity that the nodes within the radius promise."""
    probability = bilinear(fields.heatmap[:, :, k], *(np.asarray(xy) / fields.stride))
    total = expected = 0.0
    for i, j in np.argwhere(fields.heatmap[:, :, k] >= settings.vote_threshold):
        node = np.array([j, i]) * fields.stride
        if np.hypot(*(node - xy)) <= settings.radius_px:
            distance_px = np.hypot(*(node + fields.short[i, j, k] - xy))
            total += fields.heatmap[i, j, k]
            similarity = math.exp(-(distance_px**2) / (2 * scale**2 * kappa**2))
            expected += fields.heatmap[i, j, k] * similarity
    return probability * expected / total if total else 0.0


def soft_nms(places, scores, radius):
    """Scores of people given best first."""
    out = []
    for n in range(len(places)):
        total = 0.0
        for k in range(scores.shape[1]):
            better = [m for m in range(n) if scores[m, k] > 0]
            if all(np.hypot(*(places[n, k] - places[m, k])) > radius for m in better):
                total += scores[n, k]
        out.append(total / scores.shape[1])
    return np.array(out)


def owner(fields, i, j, places, weights, scales, threshold, far):
    """1 + the person with the nearest embedding at a node, 0 for none."""
    best, found = threshold, 0
    for n in range(len(places)):
        landings = np.array([j, i]) * fields.stride + fields.long[i, j]
        errors = np.minimum(np.hypot(*(landings - places[n]).T) / scales[n], far)
        if weights[n].sum() > 0:
            distance = (weights[n] * errors).sum() / weights[n].sum()
            if distance < best or (distance == best and not found):
                best, found = distance, n + 1
    return found


def strays(owners, errors, factor, floor):
    """Owners without the nodes whose error is far above the median of their person's."""
    out = owners.copy()
    for person in set(owners.ravel()) - {0}:
        own = owners == person
        out[own & (errors > max(factor * np.median(errors[own]), floor))] = 0
    return out


def pixel_label(owners, weights, x, y):
    """Owner for whom the four nodes around a place in nodes speak most, by weight and nearness."""
    rows, columns = owners.shape
    j, i = min(int(x), max(columns - 2, 0)), min(int(y), max(rows - 2, 0))
    shares = {}
    for a in (i, min(i + 1, rows - 1)):
        for b in (j, min(j + 1, columns - 1)):
            shares.setdefault(owners[a, b], 0.0)
    for a, down in ((i, 1 - (y - i)), (min(i + 1, rows - 1), y - i)):
        for b, across in ((j, 1 - (x - j)), (min(j + 1, columns - 1), x - j)):
            shares[owners[a, b]] += down * across * weights[a, b]
    return max(shares, key=shares.get) if any(shares) else 0


def keys_kernel(distance, a):
    """Keys' cubic convolution kernel (1981, equation 4)."""
    distance = abs(distance)
    if distance <= 1:
        return (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    if distance < 2:
        return a * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    return 0.0


def cubic(values, column, row, a):
    """Values [y, x] at a place, by cubic convolution; the border continues outwards."""
    total = 0.0
    for i in range(math.floor(row) - 1, math.floor(row) + 3):
        for j in range(math.floor(column) - 1, math.floor(column) + 3):
            value = values[np.clip(i, 0, len(values) - 1), np.clip(j, 0, values.shape[1] - 1)]
            total += value * keys_kernel(row - i, a) * keys_kernel(column - j, a)
    return total
