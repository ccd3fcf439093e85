"""One made-up image: background, people and things, and what an annotator would write down."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_closing

from bottomup.datasets.figure import (
    FACE,
    KEYPOINTS,
    SEEN_FACING,
    TURNED_FACING,
)
from bottomup.datasets.layout import Actor, Setting, place_actors
from bottomup.datasets.pixels import expose, lay_over
from bottomup.datasets.scenery import draw_thing, paint_background
from bottomup.datasets.wardrobe import World
from bottomup.errors import InputError
from bottomup.skeleton import mirrored

ATTEMPTS, CAREFUL_FROM = 24, 6
FEWEST_SEEN, SMALLEST_SHARE = 4, 40 / 257**2
NOBODY = -1
UNSEEN, HIDDEN, SEEN = 0, 1, 2


def _hangs_on(name: str) -> int:
    """Index of the keypoint nearer to the trunk; for a shoulder or hip the opposite one."""
    if name in FACE:
        return KEYPOINTS.index("nose" if name != "nose" else "left_eye")
    above = {"elbow": "shoulder", "wrist": "elbow", "knee": "hip", "ankle": "knee"}
    side, part = name.split("_")
    if part in above:
        return KEYPOINTS.index(f"{side}_{above[part]}")
    return KEYPOINTS.index(mirrored(name))


HANGS_ON = np.array([_hangs_on(name) for name in KEYPOINTS])


@dataclass(frozen=True)
class ScenePerson:
    """A person as annotated.

    Attributes:
        mask: Visible pixels, bool [side, side].
        keypoints: x, y, visibility of the points of `figure.KEYPOINTS`, [17, 3].
        crowd: A group rather than a person.
        head_box: x, y, width, height of the skull in px, seen or not; None for a group.
    """

    mask: np.ndarray
    keypoints: np.ndarray
    crowd: bool = False
    head_box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Scene:
    """A made-up image, uint8 RGB [side, side, 3], and its persons from far to near."""

    image: np.ndarray
    persons: tuple[ScenePerson, ...]


def draw_scene(
    rng: np.random.Generator, world: World, side: int, people: int, extras: Mapping[str, int]
) -> Scene:
    """Draws a scene in which every one of `people` can be annotated with keypoints.

    Args:
        rng: Source of chance.
        world: Colours, patterns and backgrounds.
        side: Side of the square image in px.
        people: Number of people with keypoints.
        extras: How many `strangers`, `crowds` and `things` to add (see `layout.place_actors`).
    """
    light = np.array([rng.uniform(-0.6, 0.6), rng.uniform(-0.8, -0.2), 0.7])
    light /= np.linalg.norm(light)
    pitch = float(rng.normal(6, 6))
    for attempt in range(ATTEMPTS):
        careful = attempt >= CAREFUL_FROM
        setting = Setting(world, side, light, pitch, careful)
        actors = place_actors(rng, setting, people, {} if careful else extras)
        owner = owner_map(actors, side)
        persons = _persons(actors, owner)
        if _annotated(persons) == people:
            break
    else:
        raise InputError(
            f"generator.image_side: {people} people find no place in an image of {side} px; "
            "draw larger images"
        )
    return Scene(_paint(rng, world, side, actors), persons)


def _annotated(persons: tuple[ScenePerson, ...]) -> int:
    return sum(not person.crowd and bool(person.keypoints[:, 2].any()) for person in persons)


def owner_map(actors: list[Actor], side: int) -> np.ndarray:
    """Index of the nearest actor that covers most of each pixel, else -1; int16 [side, side]."""
    owner = np.full((side, side), NOBODY, np.int16)
    for index, actor in enumerate(actors):
        owner[actor.drawing.window][actor.drawing.paint[..., 3] >= 0.5] = index
    return owner


def _persons(actors: list[Actor], owner: np.ndarray) -> tuple[ScenePerson, ...]:
    persons = []
    crowd = np.isin(owner, [i for i, actor in enumerate(actors) if actor.kind == "crowd"])
    if crowd.any():
        closed = binary_closing(np.pad(crowd, 4), np.ones((5, 5)))[4:-4, 4:-4]
        persons.append(ScenePerson(closed & (crowd | (owner == NOBODY)), np.zeros((17, 3)), True))
    for index, actor in enumerate(actors):
        mask = owner == index
        if actor.kind not in ("person", "stranger") or mask.sum() < 12:
            continue
        keypoints = np.zeros((17, 3))
        if actor.kind == "person" and mask.mean() >= SMALLEST_SHARE:
            keypoints = label_keypoints(actor, index, owner)
        if np.sum(keypoints[:, 2] == SEEN) < FEWEST_SEEN:
            keypoints = np.zeros((17, 3))
        persons.append(ScenePerson(mask, keypoints, head_box=head_box(actor)))
    return tuple(persons)


def head_box(actor: Actor) -> tuple[float, float, float, float]:
    """The box round a figure's skull, x, y, width, height in px."""
    balls = actor.figure.skull * actor.height_px
    low = (balls[:, :2] - balls[:, 3:]).min(axis=0) + actor.xy
    high = (balls[:, :2] + balls[:, 3:]).max(axis=0) + actor.xy
    return (*low.tolist(), *(high - low).tolist())


def label_keypoints(actor: Actor, index: int, owner: np.ndarray) -> np.ndarray:
    """x, y, visibility of a figure's keypoints, [17, 3]; all zero where there is no label.

    A keypoint has no label outside the image, on the far side of the head, or when somebody or
    something else hides both it and the keypoint that it hangs on. It is hidden (1) behind another
    person, a thing or the person's own body, and where the head has just turned it away.
    """
    figure, side = actor.figure, len(owner)
    xy = figure.keypoints[:, :2] * actor.height_px + actor.xy
    columns, rows = np.floor(xy + 0.5).astype(int).T
    inside = (rows >= 0) & (rows < side) & (columns >= 0) & (columns < side)
    nearest = owner[rows.clip(0, side - 1), columns.clip(0, side - 1)]
    covered = inside & (nearest != index) & (nearest != NOBODY)
    above = actor.drawing.depth_at(xy) - figure.keypoints[:, 2] * actor.height_px
    within = above > figure.flesh * actor.height_px
    hidden = covered | within | (figure.facing < SEEN_FACING)
    known = inside & (figure.facing >= TURNED_FACING) & ~(covered & covered[HANGS_ON])
    visibility = np.where(known, np.where(hidden, HIDDEN, SEEN), UNSEEN)
    return np.column_stack([np.where(known[:, None], xy, 0), visibility])


def _paint(rng: np.random.Generator, world: World, side: int, actors: list[Actor]) -> np.ndarray:
    canvas = paint_background(rng, world, side)
    for _ in range(int(rng.integers(2, 8))):
        size = np.exp(rng.uniform(np.log(10), np.log(66), 2)) * side / 257
        thing = draw_thing(rng, world, rng.uniform(0, side, 2), size, side)
        if thing is not None:
            _blend(canvas, thing)
    for actor in actors:
        if actor.figure is not None:
            _cast_shadow(canvas, actor)
        _blend(canvas, actor.drawing)
    return _develop(rng, canvas)


def _blend(canvas: np.ndarray, drawing) -> None:
    lay_over(canvas, drawing.paint, drawing.top, drawing.left)


def _cast_shadow(canvas: np.ndarray, actor: Actor) -> None:
    """A soft dark patch on the ground under a person."""
    side = len(canvas)
    radius = np.array([0.2, 0.05]) * actor.height_px
    centre = np.array([actor.xy[0], actor.ground - 0.02 * actor.height_px])
    left, top = np.clip(np.floor(centre - 2 * radius).astype(int), 0, side)
    right, bottom = np.clip(np.ceil(centre + 2 * radius).astype(int), 0, side)
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32)
    away = ((columns - centre[0]) / radius[0]) ** 2 + ((rows - centre[1]) / radius[1]) ** 2
    canvas[top:bottom, left:right] *= (1 - 0.5 * np.exp(-1.5 * away))[..., None]


def _develop(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    """Exposure, a little blur and grain, as a camera adds them; uint8."""
    grain = rng.random(canvas.shape[:2], np.float32) - np.float32(0.5)
    grain *= rng.uniform(0.02, 0.05)
    blur, gain, lift = rng.uniform((0.0, 0.85, -0.03), (0.1, 1.1, 0.05))
    return expose(canvas, grain, blur, gain, lift)
