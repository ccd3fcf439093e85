"""Fields of one image seen at several scales and mirrored, brought to one frame and averaged.

Probabilities are averaged as they are, distances as pixels of the common frame; offsets, in pixels
of their own scale, are first brought to pixels of the common one, and count by the probability that
they mean anything: a short or mid offset by its keypoint's heatmap, a long one by the person's.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bottomup.fields.grid import Fields, PairFields
from bottomup.skeleton import Skeleton

# Keeps the weights of averaged offsets above zero where nothing is seen.
FLOOR = 1e-3


def flip_fields(fields: Fields | PairFields, skeleton: Skeleton) -> Fields | PairFields:
    """The fields that the mirrored input would have: mirrored maps, swapped sides, negated x."""
    keypoints, edges = skeleton.flip_keypoints, skeleton.flip_edges
    negated = np.array([-1, 1], np.float32)
    if isinstance(fields, PairFields):
        return replace(
            fields,
            heatmap=fields.heatmap[:, ::-1, keypoints],
            short=fields.short[:, ::-1, keypoints] * negated,
            pairwise=fields.pairwise[:, ::-1, skeleton.flip_pairs] * negated,
        )
    return replace(
        fields,
        heatmap=fields.heatmap[:, ::-1, keypoints],
        short=fields.short[:, ::-1, keypoints] * negated,
        mid=fields.mid[:, ::-1, edges] * negated,
        long=fields.long[:, ::-1, keypoints] * negated,
        segmentation=fields.segmentation[:, ::-1],
        distance=None if fields.distance is None else fields.distance[:, ::-1],
        centroid=None if fields.centroid is None else fields.centroid[:, ::-1] * negated,
    )


def merge_fields(
    views: Sequence[tuple[Fields | PairFields, float]], skeleton: Skeleton
) -> Fields | PairFields:
    """Averages views of one image in the frame of the first.

    Args:
        views: Fields and the scale of their frame (input px for one image px), all of one stride
            and as many sub-cells.
        skeleton: Tells from which keypoint each mid offset starts.

    Returns:
        Fields at the nodes of the first view.
    """
    first, scale = views[0]
    if isinstance(first, PairFields):
        return _merged_pairs(views, skeleton)
    moved = [_resampled(fields, first, own / scale) for fields, own in views]
    heatmaps = np.stack([fields.heatmap for fields in moved])
    persons = np.stack([_node_means(fields) for fields in moved])[..., None]
    starts = skeleton.directed_edges[:, 0]
    return replace(
        first,
        heatmap=heatmaps.mean(0),
        short=_weighted([f.short for f in moved], heatmaps),
        mid=_weighted([f.mid for f in moved], heatmaps[..., starts]),
        long=_weighted([f.long for f in moved], persons),
        segmentation=np.mean([fields.segmentation for fields in moved], axis=0),
        distance=_mean_distance(moved),
        centroid=None
        if first.centroid is None
        else _weighted([f.centroid for f in moved], persons),
    )


def _merged_pairs(views: Sequence[tuple[PairFields, float]], skeleton: Skeleton) -> PairFields:
    """The same for fields at cells; a pairwise offset counts by the heatmap where it starts."""
    first, scale = views[0]
    moved = []
    for fields, own in views:
        ratio = own / scale
        # Cell n of an axis lies n + .5 strides from the first pixel.
        y, x = ((np.arange(n) + 0.5) * ratio - 0.5 for n in first.heatmap.shape[:2])
        arrays = {
            name: bilinear(getattr(fields, name), y, x) / (1 if name == "heatmap" else ratio)
            for name in ("heatmap", "short", "pairwise")
        }
        moved.append(replace(fields, **arrays))
    heatmaps = np.stack([fields.heatmap for fields in moved])
    starts = skeleton.ordered_pairs[:, 0]
    return replace(
        first,
        heatmap=heatmaps.mean(0),
        short=_weighted([f.short for f in moved], heatmaps),
        pairwise=_weighted([f.pairwise for f in moved], heatmaps[..., starts]),
    )


def _weighted(offsets: Sequence[np.ndarray], probabilities: np.ndarray) -> np.ndarray:
    weights = (probabilities + FLOOR)[..., None]
    return (np.stack(offsets) * weights).sum(0) / weights.sum(0)


def _mean_distance(views: Sequence[Fields]) -> np.ndarray | None:
    return None if views[0].distance is None else np.mean([v.distance for v in views], axis=0)


def _node_means(fields: Fields) -> np.ndarray:
    s = fields.sub_cells
    rows, columns = fields.heatmap.shape[:2]
    return fields.segmentation.reshape(rows, s, columns, s).mean((1, 3))


def _resampled(fields: Fields, like: Fields, ratio: float) -> Fields:
    """Fields at the nodes of `like`, whose pixels are `ratio` times as many in `fields`."""
    rows, columns = like.heatmap.shape[:2]
    y, x = np.arange(rows) * ratio, np.arange(columns) * ratio
    s = fields.sub_cells
    # Sub-cell q of an axis lies (q + .5) / s - .5 nodes from the first node.
    cells_y = (_sub_positions(rows, s) * ratio + 0.5) * s - 0.5
    cells_x = (_sub_positions(columns, s) * ratio + 0.5) * s - 0.5
    return replace(
        fields,
        heatmap=bilinear(fields.heatmap, y, x),
        short=bilinear(fields.short, y, x) / ratio,
        mid=bilinear(fields.mid, y, x) / ratio,
        long=bilinear(fields.long, y, x) / ratio,
        segmentation=bilinear(fields.segmentation, cells_y, cells_x),
        distance=None if fields.distance is None else bilinear(fields.distance, y, x) / ratio,
        centroid=None if fields.centroid is None else bilinear(fields.centroid, y, x) / ratio,
    )


def _sub_positions(nodes: int, sub_cells: int) -> np.ndarray:
    return (np.arange(nodes * sub_cells) + 0.5) / sub_cells - 0.5


def bilinear(values: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Samples [row, column, ...] at the grid of positions y by x; past the border it repeats."""
    return _linear(_linear(values, y, 0), x, 1).astype(np.float32)


def _linear(values: np.ndarray, positions: np.ndarray, axis: int) -> np.ndarray:
    positions = np.clip(positions, 0, values.shape[axis] - 1)
    low = np.minimum(positions.astype(int), max(values.shape[axis] - 2, 0))
    high = np.minimum(low + 1, values.shape[axis] - 1)
    shape = [1] * values.ndim
    shape[axis] = -1
    share = (positions - low).astype(np.float32).reshape(shape)
    return np.take(values, low, axis) * (1 - share) + np.take(values, high, axis) * share
