"""Instance masks: person nodes go to the nearest embedding, the outline comes from sub-cells.

The embedding of a node are the places of all keypoints of its person, by the long offsets; where a
network has a head for it, the mean of these keypoints alone.

Between people who touch there is no outline in a probability of "person". Without a distance head
each pixel goes with the nodes around it. With one, each node owns a disk as large as its distance
to the outline: everything in it is the same person, so a pixel goes to the node into whose disk it
reaches deepest.
"""

from itertools import pairwise

import numpy as np
from numba import njit
from pycocotools import mask as rle_tools

from bottomup.decoding.settings import DecoderSettings
from bottomup.fields.grid import OUTLINE_REACH_PX, Fields, Frame

FAR = 0.5  # a keypoint's embedding error counts up to this much, in person scales
# A node whose embedding is so many times as far as the person's median one is somebody else's, if
# it is further than the floor, in person scales.
STRAY, STRAY_FLOOR = 4.0, 0.15
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
        offsets, np.float32(fields.stride), inside, places, weights,
        poses.scales, np.float32(settings.embedding_threshold), owners, errors,
    )  # fmt: skip
    _drop_strays(owners, errors, len(poses.scores))
    return owners if fields.distance is not None else _fill(owners, inside)


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
    threshold = np.float32(settings.person_threshold)
    outline = fields.segmentation, fields.sub_cells, threshold
    step = frame.scale / fields.stride
    if fields.distance is None:
        _paint(*outline, owners, step, labels)
    else:
        reach = np.clip(fields.distance, -OUTLINE_REACH_PX, OUTLINE_REACH_PX) / fields.stride
        _paint_disks(*outline, owners, reach.astype(np.float32), step, labels)
    return labels


@njit(cache=True, nogil=True)
def _assign(long, stride, inside, places, weights, scales, threshold, owners, errors):
    rows, columns, num_keypoints = long.shape[0], long.shape[1], long.shape[2]
    persons = len(places)
    totals = np.zeros(persons, np.float32)
    for n in range(persons):
        for k in range(num_keypoints):
            totals[n] += weights[n, k]
    for i in range(rows):
        for j in range(columns):
            if not inside[i, j]:
                continue
            best = threshold
            for n in range(persons):
                if totals[n] == 0:
                    continue
                limit = best * totals[n]
                far = np.float32(FAR) * scales[n]
                total = np.float32(0)
                for k in range(num_keypoints):
                    if weights[n, k] == 0:
                        continue
                    dx = j * stride + long[i, j, k, 0] - places[n, k, 0]
                    dy = i * stride + long[i, j, k, 1] - places[n, k, 1]
                    error = min(np.sqrt(dx * dx + dy * dy), far) / scales[n]
                    total += weights[n, k] * error
                    if total > limit:
                        break
                if total <= limit:
                    best = total / totals[n]
                    owners[i, j], errors[i, j] = n + 1, best


@njit(cache=True, nogil=True)
def _drop_strays(owners, errors, persons):
    """Takes nodes from people with whose other nodes they do not agree, in place.

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
def _fill(owners, inside):
    """Closes holes inside people and adds a rim of nodes around them, where the outline runs."""
    rows, columns = owners.shape
    around = np.empty(8, np.int16)
    for turn in range(FILL_ROUNDS + 1):
        rim = turn == FILL_ROUNDS
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
def _paint(segmentation, cells, threshold, owners, step, labels):
    """Labels each pixel of the outline with the owner of most of the nodes around it."""
    width, height = labels.shape
    rows, columns = owners.shape
    for u in range(width):
        x = u * step
        j = min(int(x), max(columns - 2, 0))
        right = min(j + 1, columns - 1)
        for v in range(height):
            y = v * step
            i = min(int(y), max(rows - 2, 0))
            below = min(i + 1, rows - 1)
            upper_left, upper_right = owners[i, j], owners[i, right]
            lower_left, lower_right = owners[below, j], owners[below, right]
            if not (upper_left or upper_right or lower_left or lower_right):
                continue
            if _probability(segmentation, cells, x, y) < threshold:
                continue
            labels[u, v] = _majority(upper_left, upper_right, lower_left, lower_right, x - j, y - i)


@njit(cache=True, nogil=True)
def _paint_disks(segmentation, cells, threshold, owners, reach, step, labels):
    """Labels each pixel of the outline with the owner of the disk that it lies deepest in.

    The disks of people without an owner count, too: they keep others from spreading over them.
    """
    width, height = labels.shape
    rows, columns = owners.shape
    for u in range(width):
        x = u * step
        j = min(int(x), max(columns - 2, 0))
        for v in range(height):
            y = v * step
            i = min(int(y), max(rows - 2, 0))
            best, owner = -1e9, np.int16(0)
            for ii in range(i, min(i + 2, rows)):
                for jj in range(j, min(j + 2, columns)):
                    if not owners[ii, jj] and reach[ii, jj] <= 0:
                        continue
                    depth = reach[ii, jj] - np.sqrt((x - jj) ** 2 + (y - ii) ** 2)
                    if depth > best:
                        best, owner = depth, owners[ii, jj]
            if owner and _probability(segmentation, cells, x, y) >= threshold:
                labels[u, v] = owner


@njit(cache=True, nogil=True)
def _probability(segmentation, cells, x, y):
    """The person probability at a place in nodes, bilinear between the sub-cells' centres."""
    rows, columns = segmentation.shape
    column = min(max((x + 0.5) * cells - 0.5, 0.0), columns - 1.0)
    row = min(max((y + 0.5) * cells - 0.5, 0.0), rows - 1.0)
    j, i = int(column), int(row)
    right, below = min(j + 1, columns - 1), min(i + 1, rows - 1)
    across, down = column - j, row - i
    upper = segmentation[i, j] + across * (segmentation[i, right] - segmentation[i, j])
    lower = segmentation[below, j] + across * (segmentation[below, right] - segmentation[below, j])
    return upper + down * (lower - upper)


@njit(cache=True, nogil=True)
def _majority(upper_left, upper_right, lower_left, lower_right, across, down):
    """The owner with the largest bilinear weight among four nodes, nobody counting as an owner."""
    owners = (upper_left, upper_right, lower_left, lower_right)
    shares = (
        (1 - across) * (1 - down), across * (1 - down), (1 - across) * down, across * down,
    )  # fmt: skip
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
