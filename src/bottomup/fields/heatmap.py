"""Keypoint disks: whose keypoint is nearest at a node, and is it near enough."""

from keras import ops

from bottomup.fields.grid import CROWD, UNANNOTATED

FAR_PX = 1e6


def labelled(keypoints, height: int, width: int):
    """1 where a keypoint counts: v > 0 and inside the input, float [batch, person, keypoint]."""
    x, y, visibility = keypoints[..., 0], keypoints[..., 1], keypoints[..., 2]
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    return ops.cast(inside & (visibility > 0), "float32")


def nearest_person(
    keypoints, present, rows: int, columns: int, stride: int, radius_px, first_px: float = 0.0
):
    """The Voronoi rule: each node belongs to the nearest keypoint of a type, inside its disk only.

    Args:
        keypoints: [batch, person, keypoint, 3] in input px.
        present: [batch, person, keypoint], 1 where the keypoint counts.
        rows: Nodes along y.
        columns: Nodes along x.
        stride: Input px between nodes.
        radius_px: Disk radius in input px, inclusive; a number, or one an image [batch, 1, 1, 1].
        first_px: x and y of the first node in input px; half a stride for cells.

    Returns:
        Person index int32 [batch, y, x, keypoint] (the first one on an exact tie) and the disk,
        1 within the radius, float [batch, y, x, keypoint].
    """
    away = (1 - present) * FAR_PX
    node_x = ops.cast(ops.arange(columns) * stride, "float32")[None, None, :, None] + first_px
    node_y = ops.cast(ops.arange(rows) * stride, "float32")[None, None, :, None] + first_px
    across = ops.square((keypoints[..., 0] + away)[:, :, None, :] - node_x)
    down = ops.square((keypoints[..., 1] + away)[:, :, None, :] - node_y)
    # A running minimum: an array [batch, person, y, x, keypoint] costs far more than its loop.
    best = down[:, 0, :, None] + across[:, 0, None]
    nearest = ops.zeros_like(best, dtype="int32")
    for person in range(1, keypoints.shape[1]):
        distance = down[:, person, :, None] + across[:, person, None]
        nearest = ops.where(distance < best, person, nearest)
        best = ops.minimum(best, distance)
    return nearest, ops.cast(best <= radius_px * radius_px, "float32")


def heatmap_weight(node_map):
    """1 where a node lies on neither crowd nor a person without keypoints, [batch, y, x, 1]."""
    excluded = ops.bitwise_and(node_map, CROWD | UNANNOTATED)
    return ops.cast(excluded == 0, "float32")[..., None]
