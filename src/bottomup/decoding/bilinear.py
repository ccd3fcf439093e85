"""Values of a field between its nodes, clamped to the grid."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def corners(column, row, rows, columns):
    """The four nodes around a place in nodes: i, j, the next ones, and how far it is past i, j."""
    column = min(max(column, np.float32(0)), np.float32(columns - 1))
    row = min(max(row, np.float32(0)), np.float32(rows - 1))
    j, i = min(int(column), max(columns - 2, 0)), min(int(row), max(rows - 2, 0))
    below, right = min(i + 1, rows - 1), min(j + 1, columns - 1)
    return i, j, below, right, row - i, column - j


@njit(cache=True, nogil=True)
def bilinear(field, channel, column, row):
    """A field [channel, y, x] at a place in nodes."""
    i, j, below, right, down, across = corners(column, row, field.shape[1], field.shape[2])
    upper = field[channel, i, j] * (1 - across) + field[channel, i, right] * across
    lower = field[channel, below, j] * (1 - across) + field[channel, below, right] * across
    return upper * (1 - down) + lower * down


@njit(cache=True, nogil=True)
def bilinear_offset(field, channel, x, y, stride):
    """The offset of a field [channel, y, x, 2] at an input pixel."""
    i, j, below, right, down, across = corners(
        x / stride, y / stride, field.shape[1], field.shape[2]
    )
    found_x, found_y = np.float32(0), np.float32(0)
    for ii, jj, share in (
        (i, j, (1 - across) * (1 - down)),
        (i, right, across * (1 - down)),
        (below, j, (1 - across) * down),
        (below, right, across * down),
    ):
        found_x += share * field[channel, ii, jj, 0]
        found_y += share * field[channel, ii, jj, 1]
    return found_x, found_y
