"""Whole-image loops of the made-up scenes, compiled: noise, blending, the camera's flaws.

Plain loops, because matrix products would start threads that fight over few cores.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def stretch(knots: np.ndarray, side: int) -> np.ndarray:
    """Smooth interpolation of knots [n, n], n > 1, to an image, float32 [side, side]."""
    cells = knots.shape[0] - 1
    low = np.empty(side, np.int64)
    share = np.empty(side, np.float32)
    for p in range(side):
        place = p * cells / (side - 1)
        low[p] = min(int(place), cells - 1)
        t = place - low[p]
        share[p] = t * t * (3 - 2 * t)
    out = np.empty((side, side), np.float32)
    line = np.empty(cells + 1, np.float32)
    for row in range(side):
        for c in range(cells + 1):
            above = knots[low[row], c]
            line[c] = above + share[row] * (knots[low[row] + 1, c] - above)
        for column in range(side):
            left = line[low[column]]
            out[row, column] = left + share[column] * (line[low[column] + 1] - left)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def blend(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Two pictures (or colours, as [1, 1, 3]) mixed by a share of the second, [y, x, 3]."""
    rows, columns = share.shape
    out = np.empty((rows, columns, 3), np.float32)
    for row in range(rows):
        for column in range(columns):
            a = first[min(row, first.shape[0] - 1), min(column, first.shape[1] - 1)]
            b = second[min(row, second.shape[0] - 1), min(column, second.shape[1] - 1)]
            s = share[row, column]
            for channel in range(3):
                out[row, column, channel] = a[channel] + s * (b[channel] - a[channel])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def lay_over(canvas: np.ndarray, paint: np.ndarray, top: int, left: int) -> None:
    """Lays paint (RGB times coverage, coverage) on a canvas, in place."""
    for row in range(paint.shape[0]):
        for column in range(paint.shape[1]):
            cover = paint[row, column, 3]
            if cover > 0:
                for channel in range(3):
                    below = canvas[top + row, left + column, channel]
                    canvas[top + row, left + column, channel] = (
                        below * (1 - cover) + paint[row, column, channel]
                    )


@njit(cache=True, nogil=True, error_model="numpy")
def expose(
    canvas: np.ndarray, grain: np.ndarray, blur: float, gain: float, lift: float
) -> np.ndarray:
    """Blurs by (blur, 1 - 2 blur, blur) along both axes, adds gain, lift and grain; uint8."""
    rows, columns = grain.shape
    count = 3 * columns
    # Flat rows of float32 without a branch inside: the compiler makes vector code of them.
    flat = canvas.reshape(rows, count)
    out = np.empty((rows, count), np.uint8)
    line = np.empty(count + 6, np.float32)
    noise = np.empty(count, np.float32)
    side, middle = np.float32(255 * gain * blur), np.float32(255 * gain * (1 - 2 * blur))
    share, rest, base = np.float32(blur), np.float32(1 - 2 * blur), np.float32(255 * lift + 0.5)
    for row in range(rows):
        here, above, below = flat[row], flat[max(row - 1, 0)], flat[min(row + 1, rows - 1)]
        for k in range(count):
            line[k + 3] = rest * here[k] + share * (above[k] + below[k])
        line[:3], line[count + 3 :] = line[3:6], line[count : count + 3]
        for column in range(columns):
            noise[3 * column : 3 * column + 3] = np.float32(255) * grain[row, column] + base
        for k in range(count):
            value = middle * line[k + 3] + side * (line[k] + line[k + 6]) + noise[k]
            out[row, k] = np.uint8(min(max(value, np.float32(0)), np.float32(255)))
    return out.reshape(rows, columns, 3)


@njit(cache=True, nogil=True, error_model="numpy")
def simplify(corners: np.ndarray, tolerance: float) -> np.ndarray:
    """Which corners of an open line to keep so that none is further than `tolerance` off.

    Douglas and Peucker's algorithm; bool [corner].
    """
    keep = np.zeros(len(corners), np.bool_)
    keep[0] = keep[-1] = True
    todo = [(0, len(corners) - 1)]
    while todo:
        first, last = todo.pop()
        ax, ay = corners[first]
        dx, dy = corners[last, 0] - ax, corners[last, 1] - ay
        length = np.hypot(dx, dy)
        worst, furthest = tolerance, -1
        for k in range(first + 1, last):
            x, y = corners[k, 0] - ax, corners[k, 1] - ay
            away = abs(x * dy - y * dx) / length if length > 0 else np.hypot(x, y)
            if away > worst:
                worst, furthest = away, k
        if furthest >= 0:
            keep[furthest] = True
            todo.append((first, furthest))
            todo.append((furthest, last))
    return keep
