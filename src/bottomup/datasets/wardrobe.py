"""Colours and patterns of clothing, skin, hair and scenery, apart for `seen` and `unseen` worlds.

Training draws from the seen world, every other split from the unseen one. Colour space is cut
into cells of hue, saturation and value; a third of the cells, spread evenly, is unseen. Nothing
on a person has a colour of its own: shoes, hats, bags and shapes in the background are drawn from
the colours of clothing, and background shapes from those of skin and hair, too.
"""

import colorsys
from dataclasses import dataclass

import numpy as np

from bottomup.datasets.render import Material

HUES, SATURATIONS, VALUES = 18, 3, 3
SATURATION_RANGE, VALUE_RANGE = (0.05, 0.95), (0.22, 0.97)
SKIN = np.array([[0.97, 0.82, 0.71], [0.87, 0.65, 0.50], [0.62, 0.42, 0.29], [0.33, 0.21, 0.15]])
HAIR = np.array(
    [
        *([0.07, 0.06, 0.06], [0.20, 0.12, 0.07], [0.38, 0.23, 0.11]),
        *([0.80, 0.62, 0.32], [0.62, 0.60, 0.58], [0.52, 0.20, 0.08]),
    ]
)


@dataclass(frozen=True)
class World:
    """What one group of splits may use.

    Attributes:
        cells: Colour cells (hue, saturation, value).
        patterns: Clothing patterns besides plain.
        backgrounds: Names of background painters in `scenery`.
    """

    cells: tuple[tuple[int, int, int], ...]
    patterns: tuple[str, ...]
    backgrounds: tuple[str, ...]


def _cells(unseen: bool) -> tuple[tuple[int, int, int], ...]:
    return tuple(
        (h, s, v)
        for h in range(HUES)
        for s in range(SATURATIONS)
        for v in range(VALUES)
        if ((h + s + v) % 3 == 0) == unseen
    )


WORLDS = {
    "seen": World(
        _cells(False), ("rings", "pinstripes", "checks", "plaid"), ("clouds", "horizon", "room")
    ),
    "unseen": World(_cells(True), ("dots", "diagonals", "zigzag"), ("ridges", "hills", "bricks")),
}


def world_of(split: str) -> World:
    """The seen world for `train`, the unseen one for every other split."""
    return WORLDS["seen" if split == "train" else "unseen"]


def colour_cell(rgb: np.ndarray) -> tuple[int, int, int]:
    """The cell (hue, saturation, value) in which a colour lies."""
    hue, saturation, value = colorsys.rgb_to_hsv(*map(float, rgb))
    s = (saturation - SATURATION_RANGE[0]) / np.ptp(SATURATION_RANGE) * SATURATIONS
    v = (value - VALUE_RANGE[0]) / np.ptp(VALUE_RANGE) * VALUES
    return int(hue * HUES) % HUES, int(s), int(v)


def clothing_colour(rng: np.random.Generator, world: World) -> np.ndarray:
    """A colour inside one of the world's cells, away from the cell's walls."""
    cell = world.cells[rng.integers(len(world.cells))]
    h, s, v = (c + place for c, place in zip(cell, rng.uniform(0.1, 0.9, 3).tolist(), strict=True))
    low_s, high_s = SATURATION_RANGE
    low_v, high_v = VALUE_RANGE
    saturation = low_s + s / SATURATIONS * (high_s - low_s)
    value = low_v + v / VALUES * (high_v - low_v)
    return np.array(colorsys.hsv_to_rgb(h / HUES, saturation, value))


def skin_colour(rng: np.random.Generator) -> np.ndarray:
    """A skin tone from light to dark."""
    place = rng.uniform(0, len(SKIN) - 1)
    low = min(int(place), len(SKIN) - 2)
    tone = SKIN[low] + (place - low) * (SKIN[low + 1] - SKIN[low])
    return np.clip(tone * rng.uniform(0.94, 1.06, 3), 0, 1)


def hair_colour(rng: np.random.Generator, world: World) -> np.ndarray:
    """A natural hair colour, now and then a dyed one."""
    if rng.random() < 0.06:
        return clothing_colour(rng, world)
    return np.clip(HAIR[rng.integers(len(HAIR))] * rng.uniform(0.8, 1.25, 3), 0, 1)


def any_colour(rng: np.random.Generator, world: World) -> np.ndarray:
    """A colour for a thing: of clothing mostly, of skin or hair as often as people show them."""
    kind = rng.random()
    if kind < 0.2:
        return skin_colour(rng)
    return hair_colour(rng, world) if kind < 0.3 else clothing_colour(rng, world)


def cloth(rng: np.random.Generator, world: World, patterned: float = 0.2) -> Material:
    """A fabric: plain, or with one of the world's patterns in two colours."""
    colour = clothing_colour(rng, world)
    if rng.random() > patterned:
        return plain(colour)
    second = clothing_colour(rng, world)
    pattern = world.patterns[rng.integers(len(world.patterns))]
    return Material(colour, second, pattern, float(rng.uniform(0.035, 0.09)))


def plain(colour: np.ndarray) -> Material:
    """A surface of one colour."""
    return Material(colour, colour)
