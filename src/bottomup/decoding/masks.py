"""Instance masks: person nodes go to the nearest embedding, the boundary comes from sub-cells."""

from itertools import pairwise

import numpy as np
from numba import njit
from pycocotools import mask as rle_tools

from bottomup.decoding.settings import DecoderSettings
from bottomup.fields.grid import Fields, Frame

FAR = 0.5  # a keypoint's embedding error counts up to this much, in person scales
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
    labels = _label_image(fields, owners, settings, frame)
    return run_lengths(labels, len(poses.scores))


def node_owners(fields: Fields, poses, settings: DecoderSettings) -> np.ndarray:
    """1 + the index of the person that each node belongs to, 0 for nobody, int16 [y, x]."""
    rows, columns = fields.heatmap.shape[:2]
    cells = fields.sub_cells
    blocks = fields.segmentation.reshape(rows, cells, columns, cells)
    inside = blocks.max(axis=(1, 3)) >= settings.person_threshold
    owners = np.zeros((rows, columns), np.int16)
    weights = np.where(poses.placed, np.maximum(poses.keypoint_scores, 1e-3), 0).astype(np.float32)
    weights[poses.scores < settings.mask_score_gate] = 0
    _assign(
        fields.long, np.float32(fields.stride), inside, poses.places, weights,
        poses.scales, np.float32(settings.embedding_threshold), owners,
    )  # fmt: skip
    return _fill(owners, inside)


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


def _label_image(fields: Fields, owners, settings: DecoderSettings, frame: Frame) -> np.ndarray:
    labels = np.zeros((frame.width, frame.height), np.int16)
    _paint(
        fields.segmentation, owners, np.float32(fields.stride), fields.sub_cells,
        1 / frame.scale, frame.scale, np.float32(settings.person_threshold), labels,
    )  # fmt: skip
    return labels


@njit(cache=True, nogil=True)
def _assign(long, stride, inside, places, weights, scales, threshold, owners):
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
                    owners[i, j] = n + 1


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
def _paint(segmentation, owners, stride, cells, unscale, scale, threshold, labels):
    """Labels the native pixels whose restored person probability reaches the threshold."""
    width, height = labels.shape
    rows, columns = owners.shape
    for u in range(width):
        x = u * scale / stride
        j = min(int(x), max(columns - 2, 0))
        right = min(j + 1, columns - 1)
        across = x - j
        cell_x = min(max((x + 0.5) * cells - 0.5, 0.0), columns * cells - 1.0)
        cj = int(cell_x)
        cell_right = min(cj + 1, columns * cells - 1)
        cell_across = cell_x - cj
        for v in range(height):
            y = v * scale / stride
            i = min(int(y), max(rows - 2, 0))
            below = min(i + 1, rows - 1)
            upper_left, upper_right = owners[i, j], owners[i, right]
            lower_left, lower_right = owners[below, j], owners[below, right]
            if not (upper_left or upper_right or lower_left or lower_right):
                continue
            cell_y = min(max((y + 0.5) * cells - 0.5, 0.0), rows * cells - 1.0)
            ci = int(cell_y)
            cell_below = min(ci + 1, rows * cells - 1)
            cell_down = cell_y - ci
            upper = segmentation[ci, cj] + cell_across * (
                segmentation[ci, cell_right] - segmentation[ci, cj]
            )
            lower = segmentation[cell_below, cj] + cell_across * (
                segmentation[cell_below, cell_right] - segmentation[cell_below, cj]
            )
            if upper + cell_down * (lower - upper) < threshold:
                continue
            down = y - i
            labels[u, v] = _majority(upper_left, upper_right, lower_left, lower_right, across, down)


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
