"""Augmentation: one random similarity transform for image, keypoints and instance map.

It runs on the accelerator, inside the compiled training step. The random numbers are drawn on the
host from (seed, step) and travel with the batch, so a resumed run draws what it would have drawn.
"""

from dataclasses import dataclass

import numpy as np
from keras import ops

from bottomup.skeleton import Skeleton

DRAWS = 5
FILL_GREY = 127.0


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random similarity transform.

    Attributes:
        scale: Smallest and largest factor on top of fitting the longer image side to the crop.
        translation: Largest shift of the image centre along each axis, as a share of the crop.
        rotation_degrees: Largest rotation either way.
        flip: Whether half of the images are mirrored.
    """

    scale: tuple[float, float] = (1.0, 1.0)
    translation: float = 0.0
    rotation_degrees: float = 0.0
    flip: bool = False


def draw(seed: int, step: int, batch: int) -> np.ndarray:
    """The random numbers of one step: float32 [batch, DRAWS] in [0, 1)."""
    return np.random.default_rng([seed, step]).random((batch, DRAWS), np.float32)


def middle(batch: int) -> np.ndarray:
    """Draws that stand for no augmentation: every range at its middle, no flip."""
    return np.full((batch, DRAWS), 0.5, np.float32)


@dataclass(frozen=True)
class Transforms:
    """Image pixels -> crop pixels, one a batch item: `crop = turn @ (image - centre) + target`.

    Attributes:
        turn: [batch, 2, 2] rotation, mirroring and scale.
        centre: [batch, 2] fixed point in the image, px.
        target: [batch, 2] where it lands in the crop, px.
        flipped: [batch] 1 where the image is mirrored.
    """

    turn: object
    centre: object
    target: object
    flipped: object


def transforms(draws, sizes, crop_px: int, augmentation: Augmentation) -> Transforms:
    """The transforms that a batch's draws stand for.

    Args:
        draws: [batch, DRAWS] in [0, 1).
        sizes: int [batch, 2] height and width of each image.
        crop_px: Side of the square network input.
        augmentation: The ranges.
    """
    draws = ops.convert_to_tensor(draws)
    sizes = ops.cast(sizes, "float32")
    fit = (crop_px - 1) / ops.maximum(ops.max(sizes, axis=1) - 1, 1)
    scale = fit * scale_factors(draws, augmentation)
    angle = np.deg2rad(augmentation.rotation_degrees) * (2 * draws[:, 1] - 1)
    # 0.5 itself means no flip, so that `middle` leaves the image as it is.
    flipped = ops.cast(draws[:, 2] > 0.5, "float32") * float(augmentation.flip)
    mirror = 1 - 2 * flipped
    cosine, sine = scale * ops.cos(angle), scale * ops.sin(angle)
    turn = ops.stack(
        [ops.stack([cosine * mirror, -sine], -1), ops.stack([sine * mirror, cosine], -1)], 1
    )
    centre = (sizes[:, ::-1] - 1) / 2
    shift = augmentation.translation * crop_px * (2 * draws[:, 3:5] - 1)
    return Transforms(turn, centre, (crop_px - 1) / 2 + shift, flipped)


def scale_factors(draws, augmentation: Augmentation):
    """The factor on top of fitting the image into the crop, [batch]."""
    low, high = augmentation.scale
    return low + (high - low) * ops.convert_to_tensor(draws)[:, 0]


def warp(
    images, moves: Transforms, crop_px: int, interpolation: str, fill: float, fused: bool = False
):
    """Resamples images [batch, y, x, channel] into crops [batch, crop, crop, channel], float32.

    Args:
        images: Any number format.
        moves: One transform an image.
        crop_px: Side of the crop.
        interpolation: `bilinear` or `nearest`.
        fill: The value of all that lies outside the image.
        fused: Whether XLA compiles this. Keras' transform is a kernel of its own on TensorFlow,
            the fastest on a CPU; XLA has no such kernel, and JAX's interpolates between channels.
    """
    inverse = _inverse(moves.turn)
    offset = moves.centre - ops.einsum("bij,bj->bi", inverse, moves.target)
    if fused:
        return _gathered(images, inverse, offset, crop_px, interpolation, fill)
    images = ops.cast(images, "float32")
    growth = [max(crop_px - side, 0) for side in images.shape[1:3]]
    if any(growth):
        images = ops.pad(
            images, [[0, 0], [0, growth[0]], [0, growth[1]], [0, 0]], constant_values=fill
        )
    rows = ops.concatenate([inverse, offset[:, :, None]], axis=2)
    flat = ops.concatenate([ops.reshape(rows, [-1, 6]), ops.zeros_like(offset)], axis=1)
    warped = ops.image.affine_transform(
        images,
        flat,
        interpolation=interpolation,
        fill_mode="constant",
        fill_value=fill,
        data_format="channels_last",
    )
    return warped[:, :crop_px, :crop_px]


def _gathered(images, inverse, offset, crop_px: int, interpolation: str, fill: float):
    """What `warp` does, as gathers at the crop's pixels, which XLA fuses into one loop.

    Args:
        images: [batch, y, x, channel].
        inverse: [batch, 2, 2], crop px to image px.
        offset: [batch, 2], the image px under the crop's first pixel.
        crop_px: Side of the crop.
        interpolation: `bilinear` or `nearest`.
        fill: The value outside the image.
    """
    line = ops.arange(crop_px, dtype="float32")
    across, down = line[None, None, :], line[None, :, None]
    x, y = (
        inverse[:, axis, 0, None, None] * across
        + inverse[:, axis, 1, None, None] * down
        + offset[:, axis, None, None]
        for axis in (0, 1)
    )
    if interpolation == "nearest":
        return _pixels(images, ops.floor(x + 0.5), ops.floor(y + 0.5), fill)
    left, top = ops.floor(x), ops.floor(y)
    right_share, lower_share = (x - left)[..., None], (y - top)[..., None]
    upper, lower = (
        (1 - right_share) * _pixels(images, left, row, fill)
        + right_share * _pixels(images, left + 1, row, fill)
        for row in (top, top + 1)
    )
    return (1 - lower_share) * upper + lower_share * lower


def _pixels(images, x, y, fill: float):
    """Values [batch, crop, crop, channel] at whole x and y [batch, crop, crop]; `fill` outside."""
    height, width, channels = images.shape[1:]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    column = ops.cast(ops.clip(x, 0, width - 1), "int32")
    row = ops.cast(ops.clip(y, 0, height - 1), "int32")
    first = ops.arange(ops.shape(images)[0], dtype="int32")[:, None, None] * height
    values = ops.take(ops.reshape(images, (-1, channels)), (first + row) * width + column, axis=0)
    return ops.where(inside[..., None], ops.cast(values, "float32"), fill)


def _inverse(turn):
    determinant = turn[:, 0, 0] * turn[:, 1, 1] - turn[:, 0, 1] * turn[:, 1, 0]
    adjugate = ops.stack(
        [
            ops.stack([turn[:, 1, 1], -turn[:, 0, 1]], -1),
            ops.stack([-turn[:, 1, 0], turn[:, 0, 0]], -1),
        ],
        1,
    )
    return adjugate / determinant[:, None, None]


def move_keypoints(keypoints, moves: Transforms, crop_px: int, skeleton: Skeleton):
    """Keypoints [batch, person, keypoint, 3] in crop px; those outside become unlabelled zeros."""
    xy = keypoints[..., :2] - moves.centre[:, None, None]
    xy = ops.einsum("bij,bpkj->bpki", moves.turn, xy) + moves.target[:, None, None]
    visibility = keypoints[..., 2]
    inside = ops.all((xy >= 0) & (xy <= crop_px - 1), axis=-1) & (visibility > 0)
    moved = ops.concatenate([xy, visibility[..., None]], axis=-1)
    moved = ops.where(inside[..., None], moved, 0.0)
    mirrored = ops.take(moved, skeleton.flip_keypoints, axis=2)
    return ops.where(moves.flipped[:, None, None, None] > 0, mirrored, moved)


def augment(
    batch: dict,
    augmentation: Augmentation,
    crop_px: int,
    skeleton: Skeleton,
    fused: bool = False,
):
    """Applies one transform an image to all that a batch holds.

    Args:
        batch: image uint8 [batch, y, x, 3]; size [batch, 2]; instance_map [batch, y, x];
            keypoints [batch, person, keypoint, 3]; draws [batch, DRAWS].
        augmentation: The ranges.
        crop_px: Side of the square network input.
        skeleton: Whose keypoints these are.
        fused: See `warp`.

    Returns:
        image float32 [batch, crop, crop, 3] in 0..255; instance_map int32 [batch, crop, crop];
        keypoints [batch, person, keypoint, 3] in crop px.
    """
    moves = transforms(batch["draws"], batch["size"], crop_px, augmentation)
    image = warp(batch["image"], moves, crop_px, "bilinear", FILL_GREY, fused)
    pixels = warp(batch["instance_map"][..., None], moves, crop_px, "nearest", 0.0, fused)
    keypoints = move_keypoints(batch["keypoints"], moves, crop_px, skeleton)
    return image, ops.cast(pixels[..., 0], "int32"), keypoints
