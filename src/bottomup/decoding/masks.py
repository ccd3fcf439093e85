"""Instance masks: person nodes go to the nearest embedding, the outline comes from sub-cells.

The embedding of a node is where its long offsets put all keypoints of its person; where a network
has a head for it, where that head puts the mean of these keypoints.

Between people who touch there is no outline in a probability of "person": each pixel goes with the
nodes around it. A distance head says how far each of them is from the border; between two nodes it
runs in the proportion of their distances.
"""

from itertools import pairwise

import numpy as np
from numba import njit
from pycocotools import mask as rle_tools

from bottomup.decoding.settings import DecoderSettings
from bottomup.fields.grid import OUTLINE_REACH_PX, Fields, Frame, by_channel

FAR = 0.5  # a keypoint's embedding error counts up to this much, in person scales
# A node whose embedding is so many times as far as the person's median one is somebody else's, if
# it is further than the floor, in person scales.
STRAY, STRAY_FLOOR = 4.0, 0.15
LEAST_DISTANCE_PX = 0.5  # of an owned node from the border: it keeps its own pixel
SHARPNESS = -0.75  # of cubic interpolation
FILL_ROUNDS = 3
FILL_NEIGHBOURS = 4  # of 8, that must agree to fill a hole


def person_masks(fields: Fields, poses, settings: DecoderSettings, frame: Frame) -> list[dict]:
    """One mask of native size for each person, as compressed run lengths.

    Args:
        fields: Refined fields of one image.
        poses: `decode.Poses` of the image.
        settings: `person_threshold`, `embedding_threshold` and `mask_score_gate` matter.
        frame: How the native image lies in the input.
    """
    owners = node_owners(fields, poses, settings)
    labels = label_image(fields, owners, settings, frame)
    return run_lengths(labels, len(poses.scores))


def node_owners(fields: Fields, poses, settings: DecoderSettings) -> np.ndarray:
    """1 + the index of the person that each node belongs to, 0 for nobody, int16 [y, x]."""
    inside = nodes_inside(fields, settings)
    owners = np.zeros(inside.shape, np.int16)
    weights = np.where(poses.placed, np.maximum(poses.keypoint_scores, 1e-3), 0).astype(np.float32)
    weights[poses.scores < settings.mask_score_gate] = 0
    errors = np.zeros(inside.shape, np.float32)
    offsets, places = fields.long, poses.places
    if fields.centroid is not None:
        offsets, places, weights = fields.centroid, *_centroids(places, weights)
    _assign(
        by_channel(offsets), np.float32(fields.stride), inside, places, weights,
        poses.scales, np.float32(settings.embedding_threshold), owners, errors,
    )  # fmt: skip
    _drop_strays(owners, errors, len(poses.scores))
    return filled(fields, owners, inside)


def filled(fields: Fields, owners: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Owners int16 [y, x] without holes inside people, and with a rim of nodes around them."""
    return _fill(owners, inside, FILL_ROUNDS if fields.distance is None else 0)


def _centroids(places: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each person's keypoints, by their weights, as the only place: [person, 1, 2].

    The weights [person, 1] are 1, or 0 for people without any.
    """
    totals = weights.sum(axis=1, keepdims=True)
    means = (places * weights[..., None]).sum(axis=1, keepdims=True)
    means = means / np.maximum(totals, 1e-6)[..., None]
    return means.astype(np.float32), (totals > 0).astype(np.float32)


def nodes_inside(fields: Fields, settings: DecoderSettings) -> np.ndarray:
    """Whether a node lies on a person, or with some of its sub-cells on one, bool [y, x]."""
    rows, columns = fields.heatmap.shape[:2]
    cells = fields.sub_cells
    blocks = fields.segmentation.reshape(rows, cells, columns, cells)
    return blocks.max(axis=(1, 3)) >= settings.person_threshold


def run_lengths(labels: np.ndarray, persons: int) -> list[dict]:
    """Compressed run lengths of each label 1 to `persons`.

    Args:
        labels: int16 [width, height], column by column as COCO counts.
        persons: Number of labels.
    """
    width, height = labels.shape
    starts, ends, values = _runs(labels.reshape(-1))
    order = np.argsort(values, kind="stable")
    firsts = np.searchsorted(values[order], np.arange(1, persons + 2))
    masks = []
    for first, last in pairwise(firsts):
        runs = order[first:last]
        borders = np.stack([starts[runs], ends[runs]], 1).reshape(-1)
        counts = np.diff(borders, prepend=0, append=labels.size)
        counts = counts[: len(counts) - (counts[-1] == 0)]
        rle = rle_tools.frPyObjects(
            {"size": [height, width], "counts": counts.tolist()}, height, width
        )
        masks.append({"size": [height, width], "counts": rle["counts"].decode("ascii")})
    return masks


def label_image(fields: Fields, owners, settings: DecoderSettings, frame: Frame) -> np.ndarray:
    """The owner of each native pixel whose person probability reaches the threshold.

    Returns:
        int16 [width, height], column by column as COCO counts: 1 + the index of a person, or 0.
    """
    labels = np.zeros((frame.width, frame.height), np.int16)
    _paint(
        fields.segmentation, fields.sub_cells, np.float32(settings.person_threshold),
        owners, node_weights(fields, owners), frame.scale / fields.stride, labels,
    )  # fmt: skip
    return labels


def node_weights(fields: Fields, owners: np.ndarray) -> np.ndarray:
    """How much a node counts for its owner, or for nobody, float32 [y, x].

    All alike without a distance head; with one, by the distance to the border, so that nodes of
    people whom nobody annotated keep their own pixels, and those on no person do not count.
    """
    if fields.distance is None:
        return np.ones(owners.shape, np.float32)
    far = np.minimum(fields.distance, np.float32(OUTLINE_REACH_PX))
    return np.maximum(far, np.where(owners > 0, np.float32(LEAST_DISTANCE_PX), 0))


@njit(cache=True, nogil=True)
def _assign(long, stride, inside, places, weights, scales, threshold, owners, errors):
    num_keypoints, rows, columns = long.shape[0], long.shape[1], long.shape[2]
    persons = len(places)
    totals = np.zeros(persons, np.float32)
    for n in range(persons):
        for k in range(num_keypoints):
            totals[n] += weights[n, k]
    here = np.empty((num_keypoints, 2), np.float32)
    for i in range(rows):
        guess = 0
        for j in range(columns):
            if not inside[i, j]:
                continue
            for k in range(num_keypoints):
                here[k, 0] = j * stride + long[k, i, j, 0]
                here[k, 1] = i * stride + long[k, i, j, 1]
            best, owner = threshold, persons
            # The owner of the node before is asked first: all others then lose soon.
            for turn in range(-1, persons):
                n = guess if turn < 0 else turn
                if n >= persons or totals[n] == 0 or (turn == guess):
                    continue
                error = _error(here, n, places, weights, totals, scales, best)
                # People come best first, and of two that fit alike the better one has the node.
                if error < best or (error == best and n < owner):
                    best, owner = error, n
            if owner < persons:
                owners[i, j], errors[i, j] = owner + 1, best
                guess = owner


@njit(cache=True, nogil=True, inline="always")
def _error(here, n, places, weights, totals, scales, limit):
    """Mean distance of an embedding to a person's keypoints, in scales; past the limit infinite."""
    far, total = np.float32(FAR) * scales[n], np.float32(0)
    whole = scales[n] * totals[n]
    enough = limit * whole * np.float32(1 + 1e-5)
    for k in range(len(here)):
        dx, dy = here[k, 0] - places[n, k, 0], here[k, 1] - places[n, k, 1]
        total += weights[n, k] * min(np.sqrt(dx * dx + dy * dy), far)
        if total > enough:
            return np.float32(np.inf)
    return total / whole


@njit(cache=True, nogil=True)
def _drop_strays(owners, errors, persons):
    """Takes nodes away from people with whose other nodes they disagree, in place.

    Next to a large person even an offset that means nothing lands within the embedding threshold.
    """
    flat, flat_errors = owners.reshape(-1), errors.reshape(-1)
    sizes = np.zeros(persons + 2, np.int64)
    for owner in flat:
        sizes[owner + 1] += 1
    starts = np.cumsum(sizes)
    sorted_errors = np.empty(flat.size, np.float32)
    filled = starts.copy()
    for node in range(flat.size):
        sorted_errors[filled[flat[node]]] = flat_errors[node]
        filled[flat[node]] += 1
    limits = np.full(persons + 1, np.inf, np.float32)
    for n in range(1, persons + 1):
        if starts[n + 1] > starts[n]:
            median = np.median(sorted_errors[starts[n] : starts[n + 1]])
            limits[n] = max(np.float32(STRAY) * median, np.float32(STRAY_FLOOR))
    for node in range(flat.size):
        if flat_errors[node] > limits[flat[node]]:
            flat[node] = 0


@njit(cache=True, nogil=True)
def _fill(owners, inside, rounds):
    """Closes holes inside people and adds a rim of nodes around them, where the outline runs."""
    rows, columns = owners.shape
    around = np.empty(8, np.int16)
    for turn in range(rounds + 1):
        rim = turn == rounds
        filled = owners.copy()
        for i in range(rows):
            for j in range(columns):
                if owners[i, j] or (inside[i, j] and rim) or (not inside[i, j] and not rim):
                    continue
                count = 0
                for di in range(-1, 2):
                    for dj in range(-1, 2):
                        ii, jj = i + di, j + dj
                        if (di or dj) and 0 <= ii < rows and 0 <= jj < columns and owners[ii, jj]:
                            around[count] = owners[ii, jj]
                            count += 1
                best, most = np.int16(0), 0
                for a in range(count):
                    same = 0
                    for b in range(count):
                        same += around[a] == around[b]
                    if same > most:
                        best, most = around[a], same
                if most >= (1 if rim else FILL_NEIGHBOURS):
                    filled[i, j] = best
        owners = filled
    return owners


@njit(cache=True, nogil=True)
def _paint(segmentation, cells, threshold, owners, weights, step, labels):
    """Labels each pixel inside the outline with the owner for whom most of the nodes around speak.

    A node speaks with its bilinear share of the pixel times its weight, for nobody, too.
    """
    width, height = labels.shape
    rows, columns = owners.shape
    across_line = np.empty(len(segmentation))
    for u in range(width):
        x = u * step
        j = min(int(x), max(columns - 2, 0))
        right = min(j + 1, columns - 1)
        first, last = _owned_rows(owners[:, j], owners[:, right])
        if first > last:
            continue
        _across(segmentation, cells, x, (first - 2) * cells, (last + 3) * cells, across_line)
        for v in range(max(0, int((first - 1) / step)), min(height, int((last + 1) / step) + 2)):
            y = v * step
            i = min(int(y), max(rows - 2, 0))
            below = min(i + 1, rows - 1)
            around = owners[i, j], owners[i, right], owners[below, j], owners[below, right]
            if not (around[0] or around[1] or around[2] or around[3]):
                continue
            if _down(across_line, cells, y) < threshold:
                continue
            if around[0] == around[1] == around[2] == around[3]:
                labels[u, v] = around[0]
                continue
            to_right, to_below = x - j, y - i
            labels[u, v] = _majority(
                around,
                (
                    (1 - to_right) * (1 - to_below) * weights[i, j],
                    to_right * (1 - to_below) * weights[i, right],
                    (1 - to_right) * to_below * weights[below, j],
                    to_right * to_below * weights[below, right],
                ),
            )


@njit(cache=True, nogil=True)
def _owned_rows(left, right):
    """First and last row in which one of two columns of nodes has an owner; (rows, -1) for none."""
    first, last = len(left), -1
    for i in range(len(left)):
        if left[i] or right[i]:
            first, last = min(first, i), i
    return first, last


@njit(cache=True, nogil=True)
def _across(segmentation, cells, x, first, last, out):
    """Person probabilities at x in nodes, row of sub-cells by row, from `first` to before `last`.

    By cubic convolution, sharper than bilinear interpolation, which rounds off what the mean over
    a cell has blurred already (Keys 1981; its parameter is `SHARPNESS`).
    """
    rows, columns = segmentation.shape
    column = min(max((x + 0.5) * cells - 0.5, 0.0), columns - 1.0)
    j = int(column)
    before, after, beyond = max(j - 1, 0), min(j + 1, columns - 1), min(j + 2, columns - 1)
    weights = _cubic(column - j)
    for i in range(max(first, 0), min(last, rows)):
        line = segmentation[i]
        out[i] = weights[0] * line[before] + weights[1] * line[j]
        out[i] += weights[2] * line[after] + weights[3] * line[beyond]


@njit(cache=True, nogil=True)
def _down(line, cells, y):
    """The value at y in nodes of a line of sub-cells, by cubic convolution."""
    rows = len(line)
    row = min(max((y + 0.5) * cells - 0.5, 0.0), rows - 1.0)
    i = int(row)
    weights = _cubic(row - i)
    value = weights[0] * line[max(i - 1, 0)] + weights[1] * line[i]
    return value + weights[2] * line[min(i + 1, rows - 1)] + weights[3] * line[min(i + 2, rows - 1)]


@njit(cache=True, nogil=True)
def _cubic(t):
    """Weights of the values at -1, 0, 1 and 2 for a place between 0 and 1 (Keys 1981, eq. 4)."""
    a, s = SHARPNESS, 1 - t
    return (
        a * t * s * s,
        ((a + 2) * t - (a + 3)) * t * t + 1,
        ((a + 2) * s - (a + 3)) * s * s + 1,
        a * s * t * t,
    )


@njit(cache=True, nogil=True)
def _majority(owners, shares):
    """The owner with the largest share among four nodes, nobody counting as an owner."""
    best, most = np.int16(0), -1.0
    for a in range(4):
        share = 0.0
        for b in range(4):
            if owners[a] == owners[b]:
                share += shares[b]
        if share > most:
            best, most = owners[a], share
    return best


@njit(cache=True, nogil=True)
def _runs(flat):
    """Starts, ends and labels of all runs of equal labels other than 0."""
    count = 0
    for t in range(flat.size):
        if flat[t] and (t == 0 or flat[t - 1] != flat[t]):
            count += 1
    starts, ends = np.empty(count, np.int64), np.empty(count, np.int64)
    values = np.empty(count, np.int16)
    n = -1
    for t in range(flat.size):
        label = flat[t]
        if label:
            if t == 0 or flat[t - 1] != label:
                n += 1
                starts[n], values[n] = t, label
            ends[n] = t + 1
    return starts, ends, values
