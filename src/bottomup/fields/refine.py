"""Recurrent refinement: an offset is corrected by the offsets found where it points to.

Differentiable through the bilinear samples; positions are clamped to the grid.
"""

import math

from keras import ops

from bottomup.fields.grid import node_xy

SELF_LIMIT_PX = 16.0


def refine_mid(mid, short, directed_edges, stride: int, steps: int = 2):
    """Mid offsets, corrected by the short offsets of the keypoint they point to.

    Args:
        mid: [batch, y, x, directed edge, 2] in input px.
        short: [batch, y, x, keypoint, 2] in input px.
        directed_edges: Keypoint indices (from, to), int [directed edge, 2].
        stride: Input px between nodes.
        steps: How often to look again.
    """
    planes = _planes(short)
    position = _positions(mid, stride)
    for _ in range(steps):
        position = _follow(planes, position, directed_edges[:, 1], stride)
    return _offsets(position, stride)


def refine_long(
    long,
    short,
    stride: int,
    self_steps: int = 2,
    short_steps: int = 2,
    self_limit_px: float = SELF_LIMIT_PX,
):
    """Long offsets, corrected by themselves and then by the short offsets of their keypoint.

    A correction by themselves that is longer than the limit is left out: where a keypoint lies on
    somebody else's mask, or on none, it would lead to that other person, or anywhere.

    Args:
        long: [batch, y, x, keypoint, 2] in input px.
        short: [batch, y, x, keypoint, 2] in input px.
        stride: Input px between nodes.
        self_steps: Looks at the long offsets themselves.
        short_steps: Looks at the short offsets, afterwards.
        self_limit_px: The longest correction by themselves; infinite in the paper.
    """
    keypoints = range(long.shape[3])
    position = _positions(long, stride)
    for field, steps, limit_px in (
        (long, self_steps, self_limit_px),
        (short, short_steps, math.inf),
    ):
        planes = _planes(field)
        for _ in range(steps):
            position = _follow(planes, position, keypoints, stride, limit_px)
    return _offsets(position, stride)


# Fields and positions are taken apart into planes, x and y: on a CPU, TensorFlow is many times
# slower on a last axis of length 2, above all where a gradient has to scatter.


def _positions(offsets, stride: int):
    """Where offsets [batch, y, x, channel, 2] point to, as two planes in cells."""
    columns, rows = _nodes(offsets.shape[1], offsets.shape[2])
    return offsets[..., 0] * (1 / stride) + columns, offsets[..., 1] * (1 / stride) + rows


def _offsets(position, stride: int):
    """The inverse of `_positions`."""
    columns, rows = _nodes(position[0].shape[1], position[0].shape[2])
    return ops.stack([(position[0] - columns) * stride, (position[1] - rows) * stride], -1)


def _nodes(rows: int, columns: int):
    """Column and row of every node, [y, x, 1] each."""
    nodes = node_xy(rows, columns, 1)
    return nodes[..., :1], nodes[..., 1:]


def _planes(field):
    """The x and y components of a field, flat, and its number of channels."""
    return ops.reshape(field[..., 0], (-1,)), ops.reshape(field[..., 1], (-1,)), field.shape[3]


def _follow(planes, position, channels, stride: int, limit_px: float = math.inf):
    """Positions moved by the bilinear sample of a field at each of them.

    Args:
        planes: The field as `_planes` takes it apart, in px.
        position: Two planes [batch, y, x, channel] in cells.
        channels: For each channel of the position, the field's channel to sample.
        stride: Input px between nodes.
        limit_px: A longer move is not made.
    """
    x, y = position
    column, row = ops.clip(x, 0, x.shape[2] - 1), ops.clip(y, 0, y.shape[1] - 1)
    left, top = ops.floor(column), ops.floor(row)
    index = _corner_index(ops.cast(top, "int32"), ops.cast(left, "int32"), channels, planes[2])
    across, down = column - left, row - top
    moves = []
    for plane in planes[:2]:
        corner = ops.take(plane, index, axis=0)
        upper = corner[0] + across * (corner[1] - corner[0])
        lower = corner[2] + across * (corner[3] - corner[2])
        moves.append((upper + down * (lower - upper)) * (1 / stride))
    if math.isfinite(limit_px):
        near = ops.square(moves[0]) + ops.square(moves[1]) <= (limit_px / stride) ** 2
        moves = [ops.where(near, move, 0.0) for move in moves]
    return x + moves[0], y + moves[1]


def _corner_index(top, left, channels, num_channels: int):
    """Flat index of the four nodes around each sample, int32 [4, batch, y, x, channel].

    Upper left, upper right, lower left, lower right; past the last node stands the last node.
    """
    rows, columns = top.shape[1], top.shape[2]
    # An offset that is no number becomes any integer; the loss must say so, not the gather.
    top, left = ops.clip(top, 0, rows - 1), ops.clip(left, 0, columns - 1)
    batch = ops.arange(ops.shape(top)[0], dtype="int32")[:, None, None, None]
    channels = ops.convert_to_tensor(list(channels), dtype="int32")
    first = ((batch * rows + top) * columns + left) * num_channels + channels
    right = ops.where(left < columns - 1, num_channels, 0)
    below = ops.where(top < rows - 1, columns * num_channels, 0)
    return ops.stack([first, first + right, first + below, first + below + right])
