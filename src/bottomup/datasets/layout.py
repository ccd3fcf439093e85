"""Where made-up people stand in an image, how large they are, and who hides whom."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bottomup.datasets.figure import Figure, draw_figure
from bottomup.datasets.render import Drawing, draw_solid
from bottomup.datasets.scenery import draw_thing
from bottomup.datasets.wardrobe import World

CANDIDATES = 24
# Standing height in px of a side of 257, by the largest number of people it applies to.
HEIGHTS = {1: (100, 200), 2: (100, 190), 4: (96, 180), 8: (92, 145), 99: (82, 112)}
STRANGER_HEIGHTS, CROWD_HEIGHTS = (17, 30), (22, 36)


@dataclass(frozen=True)
class Actor:
    """Something drawn into a scene, from far to near.

    Attributes:
        kind: person, stranger (too small to have keypoints), crowd (one of a distant group) or
            thing.
        drawing: Its picture.
        figure: The person, None for a thing.
        xy: Image place of the figure's origin, [2].
        height_px: Pixels of the figure's unit, its standing height.
        ground: Image row on which it stands; the nearer, the lower.
    """

    kind: str
    drawing: Drawing
    figure: Figure | None
    xy: np.ndarray
    height_px: float
    ground: float


@dataclass(frozen=True)
class Setting:
    """What all actors of a scene share.

    Attributes:
        world: Colours and patterns.
        side: Side of the image in px.
        light: Direction to the light, [3].
        pitch: Degrees by which the camera looks down.
        careful: Keep people apart and inside the image.
    """

    world: World
    side: int
    light: np.ndarray
    pitch: float
    careful: bool


def place_actors(
    rng: np.random.Generator, setting: Setting, people: int, extras: Mapping[str, int]
) -> list[Actor]:
    """Actors of one scene, from far to near.

    Args:
        rng: Source of chance.
        setting: What the actors share.
        people: Number of people meant to be annotated.
        extras: How many `strangers`, `crowds` and `things` (in front of someone) to add.
    """
    boxes: list[np.ndarray] = []
    placed: list[Actor | None] = []
    for _ in range(people):
        placed += _place_person(rng, setting, people, boxes)
    targets = [actor for actor in placed if actor and actor.figure]
    for _ in range(extras.get("strangers", 0)):
        placed.append(_place_stranger(rng, setting, boxes))
    for _ in range(extras.get("things", 0) if targets else 0):
        placed.append(_place_in_front(rng, setting, targets))
    actors = [actor for actor in placed if actor]
    actors.sort(key=lambda actor: actor.ground)
    crowds = [_place_crowd(rng, setting) for _ in range(extras.get("crowds", 0))]
    return [member for crowd in crowds for member in crowd] + actors


def _extent(figure: Figure) -> np.ndarray:
    """Left, top, right, bottom of a figure in its own unit."""
    ends = figure.cones.reshape(-1, 4)
    low = (ends[:, :2] - ends[:, 3:]).min(axis=0)
    return np.concatenate([low, (ends[:, :2] + ends[:, 3:]).max(axis=0)])


def _yaw(rng: np.random.Generator) -> float:
    return float(rng.normal(0, 25) if rng.random() < 0.6 else rng.uniform(-180, 180))


def _height(rng: np.random.Generator, setting: Setting, people: int) -> float:
    low, high = next(span for most, span in HEIGHTS.items() if people <= most)
    if setting.careful:
        high = low + 0.3 * (high - low)
    return float(np.exp(rng.uniform(np.log(low), np.log(high)))) * setting.side / 257


def _overlap(box: np.ndarray, others: list[np.ndarray]) -> float:
    """Largest share that box and another box hide of the smaller of the two."""
    if not others:
        return 0.0
    all_boxes = np.array([box, *others])
    sides = np.minimum(box[2:], all_boxes[:, 2:]) - np.maximum(box[:2], all_boxes[:, :2])
    shared = np.maximum(sides[1:, 0], 0) * np.maximum(sides[1:, 1], 0)
    sizes = (all_boxes[:, 2] - all_boxes[:, 0]) * (all_boxes[:, 3] - all_boxes[:, 1])
    return float((shared / np.minimum(sizes[1:], sizes[0])).max())


def _find_place(
    rng: np.random.Generator, setting: Setting, extent_px: np.ndarray, boxes: list[np.ndarray]
) -> np.ndarray:
    """A place for a figure: little overlap mostly, some on purpose; a few leave the image."""
    size = extent_px[2:] - extent_px[:2]
    limit = 0.4 if rng.random() < 0.3 else 0.06
    margin = np.full(4, 2.0)
    if not setting.careful and rng.random() < 0.12:
        margin[rng.choice([0, 2, 3], p=[0.3, 0.3, 0.4])] = -0.4 * min(size)
    best, least = None, np.inf
    for _ in range(CANDIDATES):
        room = np.maximum(setting.side - 1 - margin[:2] - margin[2:] - size, 0)
        share = rng.random(2)
        share[1] = np.clip(rng.normal(0.35 + 0.4 * size[1] / setting.side, 0.25), 0, 1)
        corner = margin[:2] + share * room
        box = np.concatenate([corner, corner + size])
        overlap = _overlap(box, boxes)
        if overlap < least:
            best, least = box, overlap
        if overlap <= (0.0 if setting.careful else limit):
            break
    boxes.append(best)
    return best[:2] - extent_px[:2]


def place_figure(
    setting: Setting, kind: str, figure: Figure, xy: np.ndarray, height_px: float
) -> Actor | None:
    """Draws a figure with its origin at `xy`; None when no part of it is inside the image."""
    cones = figure.cones.reshape(-1, 2, 4) * height_px
    ground = float((cones[..., 1] + cones[..., 3]).max()) + xy[1]
    cones[..., :2] += xy
    drawing = draw_solid(
        *(cones.reshape(-1, 8), figure.material_of, figure.materials, setting.light),
        *(setting.side, height_px, 3 if height_px < 50 else 2),
    )
    return drawing and Actor(kind, drawing, figure, xy, height_px, ground)


def _place_person(
    rng: np.random.Generator, setting: Setting, people: int, boxes: list[np.ndarray]
) -> list[Actor | None]:
    figure = draw_figure(rng, setting.world, _yaw(rng), setting.pitch)
    height = _height(rng, setting, people)
    xy = _find_place(rng, setting, _extent(figure) * height, boxes)
    actor = place_figure(setting, "person", figure, xy, height)
    seat = _seat(rng, setting, actor) if actor and figure.stance == "sit" else None
    return [seat, actor]


def _seat(rng: np.random.Generator, setting: Setting, sitter: Actor) -> Actor | None:
    """Something to sit on, just behind the sitter."""
    top = sitter.xy[1] + 0.05 * sitter.height_px
    size = np.array([rng.uniform(0.24, 0.4) * sitter.height_px, max(sitter.ground - top, 3)])
    centre = np.array([sitter.xy[0], top + size[1] / 2])
    drawing = draw_thing(rng, setting.world, centre, size, setting.side, "box")
    ground = sitter.ground - 1e-3
    return drawing and Actor("thing", drawing, None, centre, float(size[1]), ground)


def _place_stranger(
    rng: np.random.Generator, setting: Setting, boxes: list[np.ndarray]
) -> Actor | None:
    figure = draw_figure(rng, setting.world, _yaw(rng), setting.pitch)
    height = rng.uniform(*STRANGER_HEIGHTS) * setting.side / 257
    xy = _find_place(rng, setting, _extent(figure) * height, boxes)
    return place_figure(setting, "stranger", figure, xy, height)


def _place_crowd(rng: np.random.Generator, setting: Setting) -> list[Actor]:
    """A distant group, side by side, behind everybody else."""
    scale = setting.side / 257
    centre = rng.uniform((0.15, 0.2), (0.85, 0.5)) * setting.side
    members: list[Actor | None] = []
    count = int(rng.integers(7, 16))
    for place in np.linspace(-0.5, 0.5, count):
        figure = draw_figure(rng, setting.world, _yaw(rng), setting.pitch)
        height = rng.uniform(*CROWD_HEIGHTS) * scale
        xy = centre + np.array([place * count * 9, rng.normal(0, 4)]) * scale
        members.append(place_figure(setting, "crowd", figure, xy, height))
    return sorted(filter(None, members), key=lambda member: member.ground)


def _place_in_front(
    rng: np.random.Generator, setting: Setting, targets: list[Actor]
) -> Actor | None:
    """A thing that hides a part of somebody, mostly from below or from a side."""
    target = targets[rng.integers(len(targets))]
    low, high = np.split(_extent(target.figure) * target.height_px, 2)
    shift = np.array([rng.choice([-0.45, 0.0, 0.45]), rng.uniform(0.1, 0.55)])
    centre = target.xy + (low + high) / 2 + shift * (high - low)
    size = rng.uniform(0.2, 0.55, 2) * (high - low)[1]
    drawing = draw_thing(rng, setting.world, centre, size, setting.side)
    ground = target.ground + 1e-3
    return drawing and Actor("thing", drawing, None, centre, float(size[1]), ground)
