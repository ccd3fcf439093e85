"""Short, mid and long offsets: from a node to keypoints, in input px, (x, y).

Each function gathers, for every node, the coordinates of the one person that matters there, so
that time and memory hardly grow with the number of people.
"""

import numpy as np
from keras import ops

from bottomup.fields.grid import CROWD, PERSON_BITS, UNANNOTATED, node_xy


def short_offsets(keypoints, nearest, disk, stride: int, first_px: float = 0.0):
    """Offsets to the nearest keypoint of each type, inside the disks.

    Args:
        keypoints: [batch, person, keypoint, 3] in input px.
        nearest: Person index [batch, y, x, keypoint] of `heatmap.nearest_person`.
        disk: [batch, y, x, keypoint].
        stride: Input px between nodes.
        first_px: x and y of the first node in input px; half a stride for cells.

    Returns:
        Offsets [batch, y, x, keypoint, 2] (0 without weight) and their weight.
    """
    target = _gather(keypoints[..., :2], nearest)
    return (target - _nodes(nearest, stride, first_px)) * disk[..., None], disk


def mid_offsets(
    keypoints, present, nearest, disk, directed_edges, stride: int, first_px: float = 0.0
):
    """Offsets from the disk of a keypoint to the neighbouring keypoint of the same person.

    Args:
        keypoints: [batch, person, keypoint, 3] in input px.
        present: [batch, person, keypoint], 1 where the keypoint counts.
        nearest: Person index [batch, y, x, keypoint].
        disk: [batch, y, x, keypoint].
        directed_edges: Keypoint indices (from, to), int [directed edge, 2].
        stride: Input px between nodes.
        first_px: x and y of the first node in input px; half a stride for cells.

    Returns:
        Offsets [batch, y, x, directed edge, 2] and weight; both ends must be labelled.
    """
    start, end = directed_edges[:, 0], directed_edges[:, 1]
    table = ops.concatenate([keypoints[..., :2], present[..., None]], -1)
    target = _gather(ops.take(table, end, axis=2), ops.take(nearest, start, axis=3))
    weight = ops.take(disk, start, axis=3) * target[..., 2]
    return (target[..., :2] - _nodes(nearest, stride, first_px)) * weight[..., None], weight


def long_offsets(keypoints, present, node_map, stride: int):
    """Offsets from every node of a person's mask to all labelled keypoints of that person.

    Args:
        keypoints: [batch, person, keypoint, 3] in input px.
        present: [batch, person, keypoint], 1 where the keypoint counts.
        node_map: Instance map at the nodes, int32 [batch, y, x].
        stride: Input px between nodes.

    Returns:
        Offsets [batch, y, x, keypoint, 2] and weight [batch, y, x, keypoint]: one annotated person
        alone, no crowd, and the keypoint is labelled.
    """
    batch, persons, num_keypoints = keypoints.shape[0], keypoints.shape[1], keypoints.shape[2]
    number = ops.bitwise_and(node_map, PERSON_BITS)
    alone = (number > 0) & (ops.bitwise_and(node_map, CROWD | UNANNOTATED) == 0)
    table = ops.concatenate([keypoints[..., :2], present[..., None]], -1)
    index = ops.clip(number - 1, 0, persons - 1) + _batch_index(table) * persons
    rows = ops.take(ops.reshape(table, (-1, num_keypoints * 3)), index, axis=0)
    target = ops.reshape(rows, (batch or -1, *node_map.shape[1:], num_keypoints, 3))
    weight = target[..., 2] * ops.cast(alone, "float32")[..., None]
    return (target[..., :2] - _nodes(weight, stride)) * weight[..., None], weight


def _nodes(field, stride: int, first_px: float = 0.0):
    """Node coordinates shaped to subtract from offsets of a field [batch, y, x, channel]."""
    xy = node_xy(field.shape[1], field.shape[2], stride) + np.float32(first_px)
    return ops.convert_to_tensor(xy)[:, :, None, :]


def _batch_index(table):
    """0, 1, 2, ... along the batch, shaped to add to an index [batch, y, x]."""
    return ops.arange(ops.shape(table)[0], dtype="int32")[:, None, None]


def _gather(table, person):
    """Rows of `table` [batch, person, channel, values] at `person` [batch, y, x, channel]."""
    persons, channels, values = table.shape[1:]
    start = _batch_index(table)[..., None] * persons
    index = (start + person) * channels + ops.arange(channels, dtype="int32")
    return ops.take(ops.reshape(table, (-1, values)), index, axis=0)
