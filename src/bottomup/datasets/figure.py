"""A made-up person: a posed body clothed in round cones, and its keypoints.

The unit is the standing height; axes as in `pose`, turned to the camera at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bottomup.datasets.pose import SIDES, Pose, draw_pose, rotation
from bottomup.datasets.render import Material
from bottomup.datasets.wardrobe import World, any_colour, cloth, hair_colour, plain, skin_colour
from bottomup.errors import InputError
from bottomup.skeleton import COCO_PERSON

KEYPOINTS = COCO_PERSON.keypoints
# Face points on the head, in head axes with the centre of the skull as origin.
FACE = {
    "nose": (0.0, 0.010, 0.066),
    **{f"{name}_eye": (side * 0.022, -0.010, 0.052) for name, side in SIDES.items()},
    **{f"{name}_ear": (side * 0.058, 0.004, -0.004) for name, side in SIDES.items()},
}
# The skull from above to the chin, in head axes: two balls, x, y, z and radius.
SKULL = ((0.0, -0.012, -0.008, 0.057), (0.0, 0.034, 0.012, 0.043))
TRUNK_CONES = ((0.0, 0.068), (0.034, 0.063), (-0.034, 0.063), (0.062, 0.049), (-0.062, 0.049))
FLESH = {"shoulder": 0.06, "elbow": 0.034, "wrist": 0.028, "hip": 0.08, "knee": 0.05, "ankle": 0.04}
FACE_FLESH, DEPTH_SLACK = 0.012, 0.035
SEEN_FACING, TURNED_FACING = 0.05, -0.25


@dataclass(frozen=True)
class Figure:
    """A clothed person turned to the camera, feet or seat lowest.

    Attributes:
        cones: x, y, z, radius of both ends of each round cone, camera axes, [cone, 8].
        material_of: Index into `materials`, [cone].
        materials: The surfaces.
        keypoints: The points of `KEYPOINTS`, camera axes, [17, 3].
        flesh: Depth below the surface at which each keypoint may lie and still be seen, [17].
        facing: How far the head's surface at a face point looks at the viewer, -1 to 1; 1 for
            points of the body, [17].
        stance: Stance of the pose.
        skull: x, y, z, radius of the two balls that the skull spans, camera axes, [2, 4].
    """

    cones: np.ndarray
    material_of: np.ndarray
    materials: list[Material]
    keypoints: np.ndarray
    flesh: np.ndarray
    facing: np.ndarray
    stance: str
    skull: np.ndarray


def keypoint_indices(names: Sequence[str]) -> list[int]:
    """Index of each named keypoint in `KEYPOINTS`.

    Raises:
        InputError: A name that the figure does not know.
    """
    for name in names:
        if name not in KEYPOINTS:
            raise InputError(
                f"made-up people have no keypoint {name!r}; use some of {', '.join(KEYPOINTS)}"
            )
    return [KEYPOINTS.index(name) for name in names]


class _Body:
    """Collects cones and their materials while a figure is dressed."""

    def __init__(self) -> None:
        self.cones: list[tuple] = []
        self.material_of: list[int] = []
        self.materials: list[Material] = []

    def material(self, material: Material) -> int:
        self.materials.append(material)
        return len(self.materials) - 1

    def add(self, material: int, start, start_radius: float, end, end_radius: float) -> None:
        self.cones.append((*start, start_radius, *end, end_radius))
        self.material_of.append(material)

    def ball(self, material: int, centre, radius: float) -> None:
        self.add(material, centre, radius, np.add(centre, (0, 1e-3, 0)), radius)


def draw_figure(rng: np.random.Generator, world: World, yaw: float, pitch: float) -> Figure:
    """A random person.

    Args:
        rng: Source of chance.
        world: Colours and patterns to dress in.
        yaw: Turn about the vertical in degrees; 0 faces the viewer, 90 looks right.
        pitch: Degrees by which the camera looks down.
    """
    child = rng.random() < 0.2
    width = float(rng.uniform(0.86, 1.22))
    head_size = float(rng.uniform(1.25, 1.5) if child else rng.uniform(1.08, 1.25))
    pose = draw_pose(rng, width, head_size)
    body = _Body()
    skin = body.material(plain(skin_colour(rng)))
    shirt = body.material(cloth(rng, world))
    _dress_trunk(body, rng, world, pose, width, shirt, skin)
    _dress_arms(body, rng, world, pose, width, shirt, skin)
    _dress_legs(body, rng, world, pose, width, shirt, skin)
    _shape_head(body, rng, world, pose, head_size, skin)
    to_camera = rotation(0, -pitch) @ rotation(2, rng.normal(0, 3)) @ rotation(1, yaw)
    ends = np.array(body.cones, float).reshape(-1, 4)
    ends[:, :3] = ends[:, :3] @ to_camera.T
    points, flesh, facing = _keypoints(pose, head_size, to_camera)
    return Figure(
        ends.reshape(-1, 8),
        np.array(body.material_of),
        body.materials,
        *(points, flesh, facing, pose.stance),
        _skull(pose, head_size, to_camera),
    )


def _skull(pose: Pose, head_size: float, to_camera: np.ndarray) -> np.ndarray:
    balls = np.array(SKULL) * head_size
    centres = pose.joints["head"] + balls[:, :3] @ pose.head.T
    return np.column_stack([centres @ to_camera.T, balls[:, 3]])


def _keypoints(pose: Pose, head_size: float, to_camera: np.ndarray) -> tuple[np.ndarray, ...]:
    points, flesh, facing = np.empty((17, 3)), np.empty(17), np.ones(17)
    for k, name in enumerate(KEYPOINTS):
        if name in FACE:
            place = np.array(FACE[name])
            points[k] = pose.joints["head"] + pose.head @ place * head_size
            flesh[k] = FACE_FLESH * head_size
            outward = place * ((1, 1, 0.35) if "ear" in name else (1, 0.5, 1))
            facing[k] = (to_camera @ pose.head @ outward)[2] / np.linalg.norm(outward)
        else:
            points[k] = pose.joints[name]
            flesh[k] = FLESH[name.split("_")[1]]
    return points @ to_camera.T, flesh + DEPTH_SLACK, facing


def _dress_trunk(body, rng, world, pose, width, shirt, skin) -> None:
    def trunk(x, y, z):
        return pose.trunk @ (x * width, y, z)

    thick = width * rng.uniform(0.94, 1.06)
    hem = rng.uniform(0.02, 0.06)
    # Spheres inside an ellipse: five cones side by side make a flat, rounded trunk.
    for x, radius in TRUNK_CONES:
        body.add(
            *(shirt, trunk(x, hem - radius, 0), radius * thick),
            *(trunk(1.06 * x, -0.235, 0.003), radius * thick),
        )
    for side in SIDES.values():
        body.add(
            *(shirt, trunk(side * 0.03, -0.28, -0.005), 0.044),
            *(trunk(side * 0.1, -0.272, 0), 0.043 * thick),
        )
    body.add(skin, trunk(0, -0.27, -0.005), 0.034, trunk(0, -0.365, 0.006), 0.031)
    _front_of_shirt(body, rng, world, trunk, thick, skin)
    if rng.random() < 0.12:
        bag = body.material(plain(any_colour(rng, world)))
        body.add(bag, trunk(0, -0.07, -0.085), 0.058, trunk(0, -0.23, -0.085), 0.052)


def _front_of_shirt(body, rng, world, trunk, thick, skin) -> None:
    """A strip, print, or neckline tells the front of a shirt from its back."""
    front = 0.066 * thick
    kind = rng.random()
    trim = body.material(plain(any_colour(rng, world)))
    if kind < 0.45:
        size = rng.uniform(0.012, 0.022)
        body.add(trim, trunk(0, -0.02, front - size + 0.012), size, trunk(0, -0.24, front), size)
    elif kind < 0.8:
        size = rng.uniform(0.03, 0.045)
        body.ball(trim, trunk(0, -rng.uniform(0.14, 0.19), front + 0.012 - size), size)
    body.add(skin, trunk(0, -0.285, 0.024), 0.026, trunk(0, -0.235, 0.052), 0.012)


def _dress_arms(body, rng, world, pose, width, shirt, skin) -> None:
    length = rng.choice([0.0, 0.62, 1.0, 1.9], p=[0.1, 0.35, 0.1, 0.45])
    sleeve = shirt if rng.random() < 0.65 else body.material(cloth(rng, world))
    loose = rng.uniform(1.1, 1.35)
    for name in SIDES:
        shoulder, elbow = pose.joints[f"{name}_shoulder"], pose.joints[f"{name}_elbow"]
        wrist, hand = pose.joints[f"{name}_wrist"], pose.joints[f"{name}_hand"]
        body.add(skin, shoulder, 0.038 * width, elbow, 0.027 * width)
        body.add(skin, elbow, 0.027 * width, wrist, 0.020 * width)
        body.add(skin, wrist, 0.021, hand, 0.024)
        upper, lower = min(length, 1.0), max(length - 1.0, 0.0)
        if upper > 0:
            end = shoulder + upper * (elbow - shoulder)
            radius = (0.036 - 0.009 * upper) * width * loose
            body.add(sleeve, shoulder, 0.041 * width * (0.6 + 0.4 * loose), end, radius)
        if lower > 0:
            end = elbow + lower * (wrist - elbow)
            body.add(sleeve, elbow, 0.027 * width * loose, end, 0.022 * width * loose)


def _dress_legs(body, rng, world, pose, width, shirt, skin) -> None:
    lower = body.material(cloth(rng, world))
    shoe = body.material(plain(any_colour(rng, world)))
    skirt = rng.random() < 0.18
    length = rng.choice([0.6, 0.95, 1.95], p=[0.22, 0.12, 0.66])
    if skirt:
        length = rng.uniform(0.55, 1.05)
        lower = shirt if rng.random() < 0.4 else lower
    loose = rng.uniform(1.05, 1.25)
    hips = [pose.joints[f"{name}_hip"] for name in SIDES]
    body.add(lower, hips[0] * 0.8, 0.062 * width, hips[1] * 0.8, 0.062 * width)
    hems = []
    for name in SIDES:
        hip, knee = pose.joints[f"{name}_hip"], pose.joints[f"{name}_knee"]
        ankle, toe = pose.joints[f"{name}_ankle"], pose.joints[f"{name}_toe"]
        body.add(skin, hip, 0.055 * width, knee, 0.039 * width)
        body.add(skin, knee, 0.039 * width, ankle, 0.025 * width)
        body.add(shoe, ankle + 0.2 * (toe - ankle), 0.03, toe, 0.022)
        hems.append(hip + min(length, 1.0) * (knee - hip))
        tip = 0.062 * width if skirt else (0.06 - 0.02 * min(length, 1.0)) * width * loose
        body.add(lower, hip * 0.95, 0.06 * width, hems[-1], tip)
        if length > 1:
            end = knee + (length - 1) * (ankle - knee)
            body.add(lower, knee, 0.04 * width * loose, end, 0.03 * width * loose)
    if skirt:
        body.add(lower, (0, 0.01, 0), 0.07 * width, (hems[0] + hems[1]) / 2, 0.07 * width)


def _shape_head(body, rng, world, pose, size, skin) -> None:
    def head(x, y, z):
        return pose.joints["head"] + pose.head @ (x * size, y * size, z * size)

    tone = body.materials[skin].colour
    hair = body.material(plain(hair_colour(rng, world)))
    white = body.material(plain(np.array([0.93, 0.92, 0.9])))
    dark = body.material(plain(np.array([0.12, 0.09, 0.08])))
    lips = body.material(plain(tone * (0.75, 0.5, 0.5)))
    (*top, top_radius), (*chin, chin_radius) = SKULL
    body.add(skin, head(*top), top_radius * size, head(*chin), chin_radius * size)
    body.add(skin, head(0, -0.008, 0.052), 0.008 * size, head(0, 0.012, 0.06), 0.012 * size)
    body.add(
        lips, head(-0.016, 0.036, 0.047), 0.0065 * size, head(0.016, 0.036, 0.047), 0.0065 * size
    )
    for side in SIDES.values():
        body.ball(skin, head(side * 0.057, 0.004, -0.004), 0.014 * size)
        body.ball(white, head(side * 0.022, -0.010, 0.042), 0.0115 * size)
        body.ball(dark, head(side * 0.022, -0.010, 0.0495), 0.0065 * size)
        body.add(
            *(hair, head(side * 0.012, -0.027, 0.048), 0.004 * size),
            *(head(side * 0.032, -0.026, 0.042), 0.004 * size),
        )
    _cut_hair(body, rng, world, head, size, hair)


def _cut_hair(body, rng, world, head, size, hair) -> None:
    style = rng.choice(["short", "long", "bun", "hat", "bald"], p=[0.42, 0.28, 0.1, 0.14, 0.06])
    if style == "bald":
        return
    if style == "hat":
        hat = body.material(plain(any_colour(rng, world)))
        body.add(hat, head(0, -0.03, -0.01), 0.06 * size, head(0, -0.05, -0.012), 0.055 * size)
        body.add(
            hat, head(-0.02, -0.036, 0.055), 0.014 * size, head(0.02, -0.036, 0.055), 0.014 * size
        )
    else:
        body.add(hair, head(0, -0.024, -0.014), 0.06 * size, head(0, 0.0, -0.024), 0.056 * size)
    body.add(hair, head(0, 0.0, -0.022), 0.052 * size, head(0, 0.036, -0.022), 0.036 * size)
    if style == "bun":
        body.ball(hair, head(0, -0.07, -0.05), 0.03 * size)
    if style == "long":
        low = rng.uniform(0.06, 0.13)
        for side in (-1.0, 0.0, 1.0):
            body.add(
                *(hair, head(side * 0.036, -0.01, -0.028), 0.034 * size),
                *(head(side * 0.036, low, -0.03 - 0.012 / size), 0.024 * size),
            )
