"""Signed distance to the outline of the person underneath: where one person ends, between nodes.

Not in PersonLab. One probability of "person" has no outline between people who touch; this has.
"""

from keras import ops

from bottomup.fields.grid import CROWD, OUTLINE_REACH_PX, OVERLAP, grid_size


def outline_distance(instance_map, stride: int):
    """Distance from every node to the nearest pixel of somebody else, or of nobody.

    What lies outside the input continues the pixels at its border. Exact up to the reach: along
    rows first, then down the columns of the nodes, by the lower envelope of parabolas cut short
    (Felzenszwalb and Huttenlocher 2012, section 2, without its recursion).

    Args:
        instance_map: int32 [batch, y, x], each side n * stride + 1 px.
        stride: Input px between nodes.

    Returns:
        Distance [batch, y, x] in px, positive on a person and negative beside, half a pixel at the
        outline, clipped to `OUTLINE_REACH_PX` either way; and its weight: 0 where several people
        overlap and on crowd.
    """
    rows = grid_size(instance_map.shape[1], stride)
    node_map = instance_map[:, ::stride, ::stride]
    across = ops.square(_distance_along_row(instance_map, stride))
    columns = instance_map[:, :, ::stride]
    last = instance_map.shape[1] - 1
    squared = across[:, ::stride]
    for step in range(-OUTLINE_REACH_PX, OUTLINE_REACH_PX + 1):
        pixels = [min(max(row * stride + step, 0), last) for row in range(rows)]
        same = ops.take(columns, pixels, axis=1) == node_map
        reached = ops.where(same, ops.take(across, pixels, axis=1), 0.0)
        squared = ops.minimum(squared, reached + float(step**2))
    distance = ops.minimum(ops.sqrt(squared) - 0.5, float(OUTLINE_REACH_PX))
    supervised = ops.bitwise_and(node_map, CROWD | OVERLAP) == 0
    return ops.where(node_map != 0, distance, -distance), ops.cast(supervised, "float32")


def _distance_along_row(instance_map, stride: int):
    """Px to the nearest pixel of the row with another value, [batch, y, node column]."""
    side = instance_map.shape[2]
    nodes = range(0, side, stride)
    here = instance_map[:, :, ::stride]
    far = OUTLINE_REACH_PX + 1
    found = ops.full_like(here, far, dtype="float32")
    for step in range(far, 0, -1):
        left = ops.take(instance_map, [max(x - step, 0) for x in nodes], axis=2)
        right = ops.take(instance_map, [min(x + step, side - 1) for x in nodes], axis=2)
        found = ops.where((left != here) | (right != here), float(step), found)
    return found
