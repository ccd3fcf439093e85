"""Draw solids made of round cones: hidden surfaces, light, clothing patterns, smooth edges.

A round cone is the hull of two spheres. Rays run parallel to z, so the nearest surface of a cone
under a pixel has a closed form: the largest height of the spheres along the axis.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

PATTERNS = (
    *("plain", "rings", "pinstripes", "checks", "dots"),
    *("diagonals", "plaid", "zigzag"),
)
NOTHING = np.float32(-1e9)


@dataclass(frozen=True)
class Material:
    """Colour and pattern of a surface.

    Attributes:
        colour: RGB in 0..1, [3].
        second: RGB of the pattern's other colour, [3].
        pattern: One of `PATTERNS`.
        period: Repeat of the pattern in the solid's own units.
    """

    colour: np.ndarray
    second: np.ndarray
    pattern: str = "plain"
    period: float = 0.05


@dataclass(frozen=True)
class Drawing:
    """A drawn solid, cut to its part inside the image.

    Attributes:
        left: Image column of the first column of `paint`.
        top: Image row of the first row of `paint`.
        paint: RGB times coverage, then coverage, float32 [height, width, 4].
        depth: Height of the nearest surface in pixels at `supersample` points per pixel and axis,
            float32 [height * supersample, width * supersample]; very low where there is nothing.
        supersample: Points per pixel and axis.
    """

    left: int
    top: int
    paint: np.ndarray
    depth: np.ndarray
    supersample: int

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the image that the drawing covers."""
        height, width = self.paint.shape[:2]
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def depth_at(self, xy: np.ndarray) -> np.ndarray:
        """Height of the surface under image points [point, 2], in pixels; very low where none."""
        fine = (xy - (self.left, self.top) + 0.5) * self.supersample - 0.5
        columns, rows = np.floor(fine + 0.5).astype(int).T
        last_row, last_column = np.subtract(self.depth.shape, 1)
        outside = (rows < 0) | (rows > last_row) | (columns < 0) | (columns > last_column)
        heights = self.depth[rows.clip(0, last_row), columns.clip(0, last_column)]
        return np.where(outside, NOTHING, heights)


def draw_solid(
    cones: np.ndarray,
    material_of: np.ndarray,
    materials: list[Material],
    light: np.ndarray,
    side: int,
    unit_px: float,
    supersample: int = 2,
) -> Drawing | None:
    """Draws round cones given in image pixels.

    Args:
        cones: x, y, z, radius of both ends, in pixels, z towards the viewer, [cone, 8].
        material_of: Index of each cone's material, [cone].
        materials: The surfaces.
        light: Direction to the light, unit length, [3].
        side: Side of the square image.
        unit_px: Pixels of one unit of the solid (for pattern periods and soft shadows).
        supersample: Points per pixel and axis.

    Returns:
        The drawing, or None when no part lies inside the image.
    """
    ends = cones.reshape(-1, 4)
    low = np.floor((ends[:, :2] - ends[:, 3:]).min(axis=0)).astype(int) - 1
    high = np.ceil((ends[:, :2] + ends[:, 3:]).max(axis=0)).astype(int) + 2
    left, top = np.clip(low, 0, side)
    right, bottom = np.clip(high, 0, side)
    if right <= left or bottom <= top:
        return None
    fine = cones.reshape(-1, 2, 4) * supersample
    fine[..., :2] += (0.5 - np.array([left, top])) * supersample - 0.5
    fine = fine.reshape(-1, 8)
    shape = ((bottom - top) * supersample, (right - left) * supersample)
    depth = np.full(shape, NOTHING, np.float32)
    owner = np.full(shape, -1, np.int16)
    surface = np.empty((*shape, 4), np.float32)
    _cast(fine, depth, owner, surface)
    paint = np.zeros((bottom - top, right - left, 4), np.float32)
    _shade(
        *(depth, owner, surface, fine, material_of.astype(np.int64)),
        *_material_arrays(materials, unit_px * supersample),
        *(light.astype(np.float64), unit_px * supersample, supersample, paint),
    )
    return Drawing(int(left), int(top), paint, depth / supersample, supersample)


def _material_arrays(materials: list[Material], unit: float) -> tuple[np.ndarray, ...]:
    colours = np.array([[m.colour, m.second] for m in materials], np.float64)
    kinds = np.array([PATTERNS.index(m.pattern) for m in materials], np.int64)
    periods = np.array([max(m.period * unit, 1e-3) for m in materials], np.float64)
    return colours, kinds, periods


@njit(cache=True, nogil=True, error_model="numpy")
def _along_axis(x, y, dx, dy, dz, ra, dr):
    """Where on the axis (0 to 1) the sphere with the nearest surface sits, for one ray."""
    alpha = dr * dr - dx * dx - dy * dy
    beta = ra * dr + x * dx + y * dy
    if alpha > -1e-6:
        return _along_steep_axis(alpha, beta, ra * ra - x * x - y * y, dz)
    best = ra * ra - x * x - y * y - beta * beta / alpha
    if best < 0:
        return -1.0
    k = -alpha
    t = beta / k + dz * np.sqrt(best / (k * (k + dz * dz)))
    return min(max(t, 0.0), 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _along_steep_axis(alpha, beta, gamma, dz):
    """The same where one end hides the other's outline: an end, or the one place between."""
    between = -1.0
    if alpha > 1e-6 and dz * dz > alpha:
        lowest = gamma - beta * beta / alpha
        if lowest < 0:
            away = np.sqrt(lowest / (alpha * (alpha - dz * dz)))
            between = -beta / alpha - dz * away
    found, height = -1.0, -np.inf
    for t in (0.0, 1.0, between):
        left_over = (alpha * t + 2 * beta) * t + gamma
        if 0 <= t <= 1 and left_over >= 0 and t * dz + np.sqrt(left_over) > height:
            found, height = t, t * dz + np.sqrt(left_over)
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _cast(cones, depth, owner, surface):
    """Fills depth, cone index and (place on the axis, normal) of the nearest surface."""
    rows, columns = depth.shape
    for c in range(cones.shape[0]):
        ax, ay, az, ra = cones[c, 0], cones[c, 1], cones[c, 2], cones[c, 3]
        dx, dy, dz = cones[c, 4] - ax, cones[c, 5] - ay, cones[c, 6] - az
        dr = cones[c, 7] - ra
        first_row = max(0, int(np.floor(min(ay - ra, ay + dy - ra - dr))))
        last_row = min(rows - 1, int(np.ceil(max(ay + ra, ay + dy + ra + dr))))
        first = max(0, int(np.floor(min(ax - ra, ax + dx - ra - dr))))
        last = min(columns - 1, int(np.ceil(max(ax + ra, ax + dx + ra + dr))))
        for row in range(first_row, last_row + 1):
            for column in range(first, last + 1):
                t = _along_axis(column - ax, row - ay, dx, dy, dz, ra, dr)
                if t < 0:
                    continue
                radius = ra + t * dr
                x, y = column - ax - t * dx, row - ay - t * dy
                left_over = radius * radius - x * x - y * y
                if left_over < 0:
                    continue
                height = np.sqrt(left_over)
                z = az + t * dz + height
                if z > depth[row, column]:
                    depth[row, column] = z
                    owner[row, column] = c
                    surface[row, column, 0] = t
                    surface[row, column, 1] = x / radius
                    surface[row, column, 2] = y / radius
                    surface[row, column, 3] = height / radius


@njit(cache=True, nogil=True, error_model="numpy")
def _pattern(kind, a, b):
    """Share of the second colour at pattern coordinates (along, around)."""
    fa, fb = a - np.floor(a), b - np.floor(b)
    if kind == 1:
        return 1.0 if fa < 0.45 else 0.0
    if kind == 2:
        return 1.0 if fb < 0.3 else 0.0
    if kind == 3:
        return 1.0 if (fa < 0.5) != (fb < 0.5) else 0.0
    if kind == 4:
        return 1.0 if (fa - 0.5) ** 2 + (fb - 0.5) ** 2 < 0.09 else 0.0
    if kind == 5:
        return 1.0 if (a + b) - np.floor(a + b) < 0.45 else 0.0
    if kind == 6:
        return (0.5 if fa < 0.35 else 0.0) + (0.5 if fb < 0.35 else 0.0)
    if kind == 7:
        shifted = a + abs(fb - 0.5)
        return 1.0 if shifted - np.floor(shifted) < 0.45 else 0.0
    return 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _cloth_place(cone, surface):
    """Distance along the axis and around it of a point on a cone's surface."""
    dx, dy, dz = cone[4] - cone[0], cone[5] - cone[1], cone[6] - cone[2]
    flat = np.sqrt(dx * dx + dy * dy) + 1e-6
    turned = (surface[2] * dx - surface[1] * dy) / flat
    radius = cone[3] + surface[0] * (cone[7] - cone[3])
    along = surface[0] * np.sqrt(dx * dx + dy * dy + dz * dz)
    return along, radius * np.arcsin(min(max(turned, -1.0), 1.0))


@njit(cache=True, nogil=True, error_model="numpy")
def _crease(depth, row, column, reach, threshold):
    """How many of four neighbours stand clearly in front of this point, 0 to 1."""
    rows, columns = depth.shape
    here = depth[row, column] + threshold
    in_front = 0
    if row >= reach and depth[row - reach, column] > here:
        in_front += 1
    if row + reach < rows and depth[row + reach, column] > here:
        in_front += 1
    if column >= reach and depth[row, column - reach] > here:
        in_front += 1
    if column + reach < columns and depth[row, column + reach] > here:
        in_front += 1
    return in_front / 4.0


@njit(cache=True, nogil=True, error_model="numpy")
def _shade(
    depth, owner, surface, cones, material_of, colours, kinds, periods, light, unit, points, paint
):
    """Lights the surface, paints patterns, darkens creases, averages the points of a pixel."""
    reach = max(1, int(0.014 * unit + 0.5))
    share = 1.0 / (points * points)
    for row in range(depth.shape[0]):
        for column in range(depth.shape[1]):
            c = owner[row, column]
            if c < 0:
                continue
            m = material_of[c]
            nx, ny, nz = surface[row, column, 1], surface[row, column, 2], surface[row, column, 3]
            mix = 0.0
            if kinds[m] != 0:
                along, around = _cloth_place(cones[c], surface[row, column])
                mix = _pattern(kinds[m], along / periods[m], around / periods[m])
            lit = nx * light[0] + ny * light[1] + nz * light[2]
            tone = 0.62 + 0.45 * lit
            tone *= 1.0 - 0.6 * _crease(depth, row, column, reach, 0.03 * unit)
            tone = min(max(tone, 0.2), 1.1) * share
            out = paint[row // points, column // points]
            for channel in range(3):
                base, other = colours[m, 0, channel], colours[m, 1, channel]
                out[channel] += tone * (base + mix * (other - base))
            out[3] += share
