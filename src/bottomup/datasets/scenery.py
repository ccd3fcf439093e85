"""Backgrounds and things for made-up scenes: noise, rooms, hills, boxes, poles, bushes."""

from collections.abc import Callable

import numpy as np
from skimage.draw import polygon2mask

from bottomup.datasets.pixels import blend, stretch
from bottomup.datasets.render import Drawing, Material, draw_solid
from bottomup.datasets.wardrobe import World, any_colour, cloth, clothing_colour, plain

Painter = Callable[[np.random.Generator, World, int], np.ndarray]


def noise(rng: np.random.Generator, side: int, cells: int) -> np.ndarray:
    """Smooth noise of about unit spread, `cells` bumps a side, [side, side]."""
    return stretch(rng.standard_normal((cells + 1, cells + 1), np.float32), side)


def cloud(rng: np.random.Generator, side: int, persistence: float = 0.6) -> np.ndarray:
    """Noise on four scales, about 0 to 1, [side, side]."""
    total = np.zeros((side, side), np.float32)
    weight = 1.0
    for cells in (3, 8, 21, 55):
        total += weight * noise(rng, side, cells)
        weight *= persistence
    return np.clip(0.5 + 0.3 * total, 0, 1)


def _blend(low: np.ndarray, high: np.ndarray, share: np.ndarray) -> np.ndarray:
    ends = (np.ascontiguousarray(end, np.float32).reshape(1, 1, 3) for end in (low, high))
    return blend(*ends, np.ascontiguousarray(share, np.float32))


def _tone(rng: np.random.Generator, world: World) -> np.ndarray:
    """A colour for a large surface: paler than clothing."""
    colour = clothing_colour(rng, world)
    return colour + rng.uniform(0.2, 0.75) * (colour.mean() - colour)


def _near(rng: np.random.Generator, colour: np.ndarray, spread: float = 0.13) -> np.ndarray:
    return np.clip(colour * (1 + rng.normal(0, spread)) + rng.normal(0, spread / 3, 3), 0, 1)


def _surface(rng: np.random.Generator, colour: np.ndarray, side: int) -> np.ndarray:
    """A mottled surface of one colour."""
    share = cloud(rng, side, rng.uniform(0.4, 0.9))
    return _blend(_near(rng, colour), _near(rng, colour), share)


def _clouds(rng: np.random.Generator, world: World, side: int) -> np.ndarray:
    first = _blend(_tone(rng, world), _tone(rng, world), cloud(rng, side))
    share = cloud(rng, side)[..., None]
    return first + share * share * (_tone(rng, world).astype(np.float32) - first)


def _horizon(rng: np.random.Generator, world: World, side: int) -> np.ndarray:
    height = rng.uniform(0.25, 0.6)
    rows = np.linspace(0, 1, side, dtype=np.float32)[:, None]
    edge = height + 0.03 * rng.random() * noise(rng, side, 5)[:1]
    sky = _blend(_tone(rng, world), _tone(rng, world), np.broadcast_to(rows, (side, side)))
    ground = _surface(rng, _tone(rng, world), side) * (0.75 + 0.35 * rows[..., None])
    share = np.clip((rows - edge) * side / 2 + 0.5, 0, 1)[..., None]
    return sky + share * (ground - sky)


def _room(rng: np.random.Generator, world: World, side: int) -> np.ndarray:
    picture = _surface(rng, _tone(rng, world), side)
    first = int(rng.uniform(0.5, 0.8) * side)
    floor = _surface(rng, _tone(rng, world), side)[first:]
    away = np.linspace(0, 1, side, dtype=np.float32)[: side - first, None] + 0.25
    across = np.linspace(0, 1, side, dtype=np.float32) - rng.uniform(0.3, 0.7)
    tiles = np.floor(across / away * rng.uniform(2, 5)) + np.floor(3.6 / away)
    picture[first:] = floor * (1 - rng.uniform(0, 0.25) * (tiles % 2))[..., None]
    return picture


def _ridges(rng: np.random.Generator, world: World, side: int) -> np.ndarray:
    ridge = 0.5 * np.abs(noise(rng, side, 5)) + 0.3 * np.abs(noise(rng, side, 13))
    first = _blend(_tone(rng, world), _tone(rng, world), np.clip(ridge, 0, 1))
    share = np.clip(np.abs(noise(rng, side, 8)), 0, 1)[..., None]
    return first + 0.4 * share * (_tone(rng, world).astype(np.float32) - first)


def _hills(rng: np.random.Generator, world: World, side: int) -> np.ndarray:
    rows = np.linspace(0, 1, side, dtype=np.float32)[:, None]
    picture = _surface(rng, _tone(rng, world), side)
    for height in np.sort(rng.uniform(0.2, 0.85, rng.integers(2, 5))):
        edge = height + rng.uniform(0.02, 0.08) * noise(rng, side, int(rng.integers(2, 7)))[:1]
        share = np.clip((rows - edge) * side / 2 + 0.5, 0, 1)[..., None]
        picture += share * (_surface(rng, _tone(rng, world), side) - picture)
    return picture


def _bricks(rng: np.random.Generator, world: World, side: int) -> np.ndarray:
    wide, high = rng.uniform(14, 60), rng.uniform(8, 30)
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    course = np.floor(rows / high).astype(int)
    shifted = columns / wide + 0.5 * (course % 2)
    brick = np.floor(shifted).astype(int)
    tints = rng.random((course.max() + 1, brick.max() + 1)).astype(np.float32)
    wall = _blend(_tone(rng, world), _tone(rng, world), 0.5 * tints[course, brick])
    joint = (rows % high < 1.5) | ((shifted % 1) * wide < 1.5)
    wall[joint] = _tone(rng, world)
    return wall * (0.8 + 0.3 * cloud(rng, side))[..., None]


BACKGROUNDS: dict[str, Painter] = {
    "clouds": _clouds,
    "horizon": _horizon,
    "room": _room,
    "ridges": _ridges,
    "hills": _hills,
    "bricks": _bricks,
}


def paint_background(rng: np.random.Generator, world: World, side: int) -> np.ndarray:
    """One of the world's backgrounds, RGB about 0..1, float32 [side, side, 3]."""
    name = world.backgrounds[rng.integers(len(world.backgrounds))]
    return np.clip(BACKGROUNDS[name](rng, world, side), 0.02, 1).astype(np.float32)


def draw_thing(
    rng: np.random.Generator,
    world: World,
    centre: np.ndarray,
    size: np.ndarray,
    side: int,
    shape: str | None = None,
) -> Drawing | None:
    """A thing of about the given size (x, y in px): a flat shape or a solid of a few cones.

    `shape` asks for a flat shape of that kind: box, disc, polygon or blob.
    """
    if shape is not None or rng.random() < 0.4:
        return _draw_flat(rng, world, centre, size, side, shape)
    return _draw_cones(rng, world, centre, size, side)


def _outline(rng: np.random.Generator, shape: str | None) -> np.ndarray:
    """Corners of a shape within the unit square around 0, [corner, 2]."""
    kind = shape or rng.choice(["box", "disc", "polygon", "blob"], p=[0.45, 0.15, 0.2, 0.2])
    if kind == "box":
        return np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    count = {"disc": 18, "polygon": int(rng.integers(3, 7)), "blob": 20}[kind]
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.uniform(0, 6)
    radius = np.full(count, 0.5)
    if kind == "blob":
        for wave in (3, 5, 9):
            radius -= 0.05 * (1 + np.sin(wave * angles + rng.uniform(0, 6)))
    return radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _draw_flat(rng, world, centre, size, side, shape, points: int = 2) -> Drawing | None:
    angle = rng.normal(0, 0.1) if shape or rng.random() < 0.7 else rng.uniform(0, 3)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = _outline(rng, shape) * size @ turn + centre
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, side)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 2, 0, side)
    width, height = high - low
    if width <= 0 or height <= 0:
        return None
    fine = (corners - low + 0.5) * points - 0.5
    mask = polygon2mask((height * points, width * points), fine[:, ::-1])
    cover = mask.reshape(height, points, width, points).mean(axis=(1, 3), dtype=np.float32)
    fabric = cloth(rng, world)
    first, second = any_colour(rng, world), fabric.second
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    shade = 1 - rng.uniform(0, 0.35) * rows / height - rng.uniform(0, 0.25) * columns / width
    paint = np.empty((height, width, 4), np.float32)
    stripe = np.zeros_like(shade)
    if fabric.pattern != "plain":
        stripe = ((rows * rng.integers(0, 2) + columns) % rng.uniform(5, 16) < 3).astype(float)
    paint[..., :3] = _blend(first, second, stripe) * (shade * cover)[..., None]
    paint[..., 3] = cover
    depth = np.where(mask, 0, -1e9).astype(np.float32)
    return Drawing(int(low[0]), int(low[1]), paint, depth, points)


def _draw_cones(rng, world, centre, size, side) -> Drawing | None:
    count = int(rng.integers(1, 4))
    across, along = size / 2
    cones = np.zeros((count, 2, 4))
    thick = min(across, along) * rng.uniform(0.3, 0.7, (count, 1))
    cones[..., 0] = centre[0] + rng.uniform(-1, 1, (count, 2)) * (across - thick)
    cones[..., 1] = centre[1] + rng.uniform(-1, 1, (count, 2)) * (along - thick)
    cones[..., 3] = thick * rng.uniform(0.6, 1.1, (count, 2))
    materials: list[Material] = [cloth(rng, world), plain(any_colour(rng, world))]
    light = np.array([rng.uniform(-0.5, 0.5), -0.5, 0.7])
    kinds = rng.integers(0, 2, count)
    unit = float(max(size))
    return draw_solid(cones.reshape(-1, 8), kinds, materials, light, side, unit)
