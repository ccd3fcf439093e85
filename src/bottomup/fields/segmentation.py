"""Person coverage of sub-cells: how much of each is covered, and where that may be learned."""

import numpy as np
from keras import ops

from bottomup.errors import InputError
from bottomup.fields.grid import CROWD, grid_size, sub_cell_offsets


def segmentation_targets(instance_map, stride: int, sub_cells: int):
    """Coverage of every sub-cell by people or crowd, and its weight.

    The covered share, not a sample at the centre, is what a grid can restore a boundary from: its
    .5 contour runs through the cell where the outline does.

    Args:
        instance_map: int32 [batch, y, x], each side n * stride + 1 px.
        stride: Input px between nodes.
        sub_cells: Cells along each side of a node; divides the stride.

    Returns:
        Coverage [batch, y, x, sub_cells**2] in 0..1 (row by row inside a node) and its weight: 0
        where the sub-cell's centre lies on crowd or outside the input.

    Raises:
        InputError: `sub_cells` does not divide `stride`.
    """
    if stride % sub_cells:
        raise InputError(
            f"sub_cells {sub_cells} does not divide the output stride {stride}; use a divisor"
        )
    covered = ops.cast(instance_map != 0, "float32")
    coverage = _cell_means(_cell_means(covered, stride, sub_cells, 1), stride, sub_cells, 2)
    weight = _centre_weight(instance_map, stride, sub_cells)
    return to_nodes(coverage, sub_cells), to_nodes(weight, sub_cells)


def to_nodes(cells, sub_cells: int):
    """[batch, y * s, x * s] to [batch, y, x, s * s]."""
    rows, columns = cells.shape[1] // sub_cells, cells.shape[2] // sub_cells
    split = ops.reshape(cells, (-1, rows, sub_cells, columns, sub_cells))
    ordered = ops.transpose(split, (0, 1, 3, 2, 4))
    return ops.reshape(ordered, (-1, rows, columns, sub_cells**2))


def _cell_means(values, stride: int, sub_cells: int, axis: int):
    """Means over the sub-cells along one axis of [batch, y, x]; past the border it mirrors."""
    width = stride // sub_cells
    margin = stride // 2
    padding = [(0, 0), (0, 0), (0, 0)]
    padding[axis] = (margin, margin)
    padded = ops.pad(values, padding, mode="reflect")
    cells = grid_size(values.shape[axis], stride) * sub_cells
    shape = list(padded.shape)
    shape[0] = -1
    shape[axis : axis + 1] = [cells, width]
    if stride % 2:
        return ops.mean(ops.reshape(padded, shape), axis=axis + 1)
    # Cell edges run through pixel centres here, so the first and last pixel count by half.
    first = padded[:, :-1] if axis == 1 else padded[:, :, :-1]
    last = padded[:, 1:] if axis == 1 else padded[:, :, 1:]
    return ops.mean(ops.reshape(0.5 * (first + last), shape), axis=axis + 1)


def _centre_weight(instance_map, stride: int, sub_cells: int):
    """1 where a sub-cell's centre lies inside the input and not on crowd, [batch, y*s, x*s]."""
    rows, rows_inside = _centre_pixels(instance_map.shape[1], stride, sub_cells)
    columns, columns_inside = _centre_pixels(instance_map.shape[2], stride, sub_cells)
    at_centres = ops.take(ops.take(instance_map, rows, axis=1), columns, axis=2)
    allowed = ops.cast(ops.bitwise_and(at_centres, CROWD) == 0, "float32")
    return allowed * (rows_inside[:, None] * columns_inside[None, :])


def _centre_pixels(side: int, stride: int, sub_cells: int):
    """Pixel under each sub-cell's centre along one axis, and 1 where the centre lies inside."""
    nodes = np.arange(grid_size(side, stride)) * stride
    centres = (nodes[:, None] + sub_cell_offsets(stride, sub_cells)).reshape(-1)
    pixels = np.clip(np.floor(centres + 0.5), 0, side - 1).astype("int32")
    return pixels, ((centres >= 0) & (centres <= side - 1)).astype("float32")
