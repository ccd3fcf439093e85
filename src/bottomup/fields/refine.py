"""Recurrent refinement: an offset is corrected by the offsets found where it points to.

Differentiable through the bilinear samples; positions are clamped to the grid.
"""

from keras import ops

from bottomup.fields.grid import node_xy


def refine_mid(mid, short, directed_edges, stride: int, steps: int = 2):
    """Mid offsets, corrected by the short offsets of the keypoint they point to.

    Args:
        mid: [batch, y, x, directed edge, 2] in input px.
        short: [batch, y, x, keypoint, 2] in input px.
        directed_edges: Keypoint indices (from, to), int [directed edge, 2].
        stride: Input px between nodes.
        steps: How often to look again.
    """
    corners = _corners(short)
    for _ in range(steps):
        mid = mid + _sample(corners, mid, directed_edges[:, 1], stride)
    return mid


def refine_long(long, short, stride: int, self_steps: int = 2, short_steps: int = 2):
    """Long offsets, corrected by themselves and then by the short offsets of their keypoint.

    Args:
        long: [batch, y, x, keypoint, 2] in input px.
        short: [batch, y, x, keypoint, 2] in input px.
        stride: Input px between nodes.
        self_steps: Looks at the long offsets themselves.
        short_steps: Looks at the short offsets, afterwards.
    """
    keypoints = range(long.shape[3])
    for corners, steps in ((_corners(long), self_steps), (_corners(short), short_steps)):
        for _ in range(steps):
            long = long + _sample(corners, long, keypoints, stride)
    return long


def _corners(field):
    """Each node with its right, lower and lower right neighbour, [batch * y * x * channel, 8].

    One row holds all that a bilinear sample needs, so that a sample gathers once.
    """
    right = ops.concatenate([field[:, :, 1:], field[:, :, -1:]], 2)
    both = ops.concatenate([field, right], -1)
    below = ops.concatenate([both[:, 1:], both[:, -1:]], 1)
    return ops.reshape(ops.concatenate([both, below], -1), (-1, 8))


def _sample(corners, offsets, channels, stride: int):
    """Bilinear samples of a field where the offsets point to.

    Args:
        corners: The field as `_corners` packs it.
        offsets: [batch, y, x, channel, 2] in input px.
        channels: For each channel of `offsets`, the field's channel to sample.
        stride: Input px between nodes.
    """
    rows, columns = offsets.shape[1], offsets.shape[2]
    cells = (offsets + node_xy(rows, columns, stride)[:, :, None]) / stride
    column = ops.clip(cells[..., 0], 0, columns - 1)
    row = ops.clip(cells[..., 1], 0, rows - 1)
    left, top = ops.floor(column), ops.floor(row)
    index = _row_index(corners, ops.cast(top, "int32"), ops.cast(left, "int32"), channels)
    found = ops.take(corners, index, axis=0)
    across, down = (column - left)[..., None], (row - top)[..., None]
    upper = found[..., 0:2] + across * (found[..., 2:4] - found[..., 0:2])
    lower = found[..., 4:6] + across * (found[..., 6:8] - found[..., 4:6])
    return upper + down * (lower - upper)


def _row_index(corners, top, left, channels):
    """Row of `corners` for the node (top, left) of each sample, int32 like `top`."""
    rows, columns = top.shape[1], top.shape[2]
    batch = ops.arange(ops.shape(top)[0], dtype="int32")[:, None, None, None]
    count = ops.shape(corners)[0] // (ops.shape(top)[0] * rows * columns)
    channels = ops.convert_to_tensor(list(channels), dtype="int32")
    return ((batch * rows + top) * columns + left) * count + channels
