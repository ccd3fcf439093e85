"""How a made-up person stands, walks, sits or waves: angles, and the joints they give.

Body axes: x to the person's left, y down, z forward; the unit is the standing height. At yaw 0
the person faces the viewer, so body axes and camera axes (x right, y down, z towards the viewer)
are the same.
"""

from dataclasses import dataclass

import numpy as np

SIDES = {"left": 1.0, "right": -1.0}
STANCES = {"stand": 0.46, "walk": 0.3, "run": 0.05, "sit": 0.12, "squat": 0.03, "kick": 0.04}
ARMS = {
    **{"hang": 0.38, "swing": 0.26, "raise": 0.09, "spread": 0.08},
    **{"akimbo": 0.08, "hold": 0.08, "free": 0.03},
}
TRUNK, NECK = 0.315, 0.045


@dataclass(frozen=True)
class Pose:
    """Joints of a body in its own axes, before it is turned to the camera.

    Attributes:
        joints: Joint name to point [3]; shoulders, elbows, wrists, hips, knees, ankles by side,
            hands and toes by side, neck, head (centre of the skull).
        trunk: Rotation of trunk axes to body axes, [3, 3].
        head: Rotation of head axes to body axes, [3, 3].
        stance: One of `STANCES`.
    """

    joints: dict[str, np.ndarray]
    trunk: np.ndarray
    head: np.ndarray
    stance: str


def rotation(axis: int, degrees: float) -> np.ndarray:
    """Rotation about a coordinate axis, [3, 3]."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(3)
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix[a, a] = matrix[b, b] = cosine
    matrix[a, b], matrix[b, a] = -sine, sine
    return matrix


def choose(rng: np.random.Generator, shares: dict[str, float]) -> str:
    """A key, drawn by its share."""
    weights = np.array(list(shares.values()))
    return list(shares)[rng.choice(len(weights), p=weights / weights.sum())]


def draw_pose(rng: np.random.Generator, width: float, head_size: float) -> Pose:
    """A random pose.

    Args:
        rng: Source of chance.
        width: Breadth of the body, 1 is average.
        head_size: Size of the head, 1 is an adult's.
    """
    stance = choose(rng, STANCES)
    lean = rng.normal(6, 5) + {"run": 10, "squat": 22, "sit": 2}.get(stance, 0)
    trunk = rotation(2, rng.normal(0, 4)) @ rotation(0, -lean)
    turn = np.clip(rng.normal(0, 22), -60, 60)
    head = trunk @ rotation(1, turn) @ rotation(0, lean + rng.normal(-4, 9))
    head = head @ rotation(2, rng.normal(0, 6))
    joints = {"neck": trunk @ (0, -TRUNK, 0)}
    joints["head"] = joints["neck"] + head @ (0, -NECK - 0.055 * head_size, 0.006)
    arms = _arm_kinds(rng)
    leading = rng.choice([-1.0, 1.0])
    for name, side in SIDES.items():
        joints[f"{name}_hip"] = np.array([side * 0.054 * width, 0.0, 0.0])
        joints[f"{name}_shoulder"] = trunk @ (side * 0.106 * width, -TRUNK + 0.035, 0.0)
        _place_leg(joints, name, side, _leg_angles(rng, stance, side * leading))
        angles = _arm_angles(rng, arms[name], side * leading)
        _place_arm(joints, name, side, trunk, angles)
    return Pose(joints, trunk, head, stance)


def _arm_kinds(rng: np.random.Generator) -> dict[str, str]:
    first = choose(rng, ARMS)
    second = first if rng.random() < 0.5 else choose(rng, ARMS)
    return {"left": first, "right": second}


def _leg_angles(rng: np.random.Generator, stance: str, leading: float) -> tuple[float, ...]:
    """Degrees: thigh forward, thigh outward, knee bend."""
    spread = abs(rng.normal(4, 4))
    if stance == "sit":
        return rng.uniform(68, 95), spread + rng.uniform(0, 10), rng.uniform(65, 100)
    if stance == "squat":
        return rng.uniform(85, 115), spread + rng.uniform(5, 20), rng.uniform(105, 135)
    if stance == "walk":
        stride = rng.uniform(14, 32)
        return leading * stride, spread / 2, rng.uniform(2, 14) + (leading < 0) * stride
    if stance == "run":
        stride = rng.uniform(30, 55)
        return leading * stride + 10, spread / 2, rng.uniform(15, 45) + (leading < 0) * 45
    if stance == "kick" and leading > 0:
        return rng.uniform(20, 80), spread + rng.uniform(0, 20), rng.uniform(0, 70)
    return rng.normal(2, 5), spread + rng.uniform(0, 5), abs(rng.normal(0, 7))


def _arm_angles(rng: np.random.Generator, kind: str, leading: float) -> tuple[float, ...]:
    """Degrees: upper arm forward, upper arm outward, elbow bend, twist of the elbow's plane."""
    if kind == "swing":
        return -leading * rng.uniform(10, 45), rng.uniform(4, 14), rng.uniform(10, 75), 0.0
    if kind == "raise":
        return rng.normal(0, 12), rng.uniform(110, 168), rng.uniform(0, 60), rng.normal(-60, 40)
    if kind == "spread":
        return rng.normal(0, 15), rng.uniform(55, 105), rng.uniform(0, 60), rng.normal(0, 70)
    if kind == "akimbo":
        return rng.uniform(-18, 0), rng.uniform(36, 52), rng.uniform(80, 105), 80.0
    if kind == "hold":
        return rng.uniform(15, 75), rng.uniform(5, 25), rng.uniform(35, 110), rng.normal(20, 20)
    if kind == "free":
        angles = rng.uniform((-40, 5, 0, -90), (120, 100, 130, 90))
        return tuple(float(angle) for angle in angles)
    return rng.normal(2, 8), rng.uniform(5, 18), abs(rng.normal(10, 10)), 0.0


def _place_leg(joints: dict, name: str, side: float, angles: tuple[float, ...]) -> None:
    forward, outward, bend = np.radians(angles)
    turn = rotation(2, -side * float(np.degrees(outward)))
    thigh = turn @ (0, np.cos(forward), np.sin(forward))
    back = turn @ (0, np.sin(forward), -np.cos(forward))
    shin = np.cos(bend) * thigh + np.sin(bend) * back
    toe = np.sin(0.2 + bend) * thigh - np.cos(0.2 + bend) * back
    joints[f"{name}_knee"] = joints[f"{name}_hip"] + 0.238 * thigh
    joints[f"{name}_ankle"] = joints[f"{name}_knee"] + 0.228 * shin
    joints[f"{name}_toe"] = joints[f"{name}_ankle"] + 0.015 * shin + 0.08 * toe


def _place_arm(joints: dict, name: str, side: float, trunk: np.ndarray, angles: tuple) -> None:
    forward, outward, bend, twist = np.radians(angles)
    turn = trunk @ rotation(2, -side * float(np.degrees(outward)))
    upper = turn @ (0, np.cos(forward), np.sin(forward))
    front = turn @ (0, -np.sin(forward), np.cos(forward))
    across = np.cross(upper, front) * -side
    plane = np.cos(twist) * front + np.sin(twist) * across
    lower = np.cos(bend) * upper + np.sin(bend) * plane
    joints[f"{name}_elbow"] = joints[f"{name}_shoulder"] + 0.168 * upper
    joints[f"{name}_wrist"] = joints[f"{name}_elbow"] + 0.142 * lower
    joints[f"{name}_hand"] = joints[f"{name}_wrist"] + 0.042 * lower
