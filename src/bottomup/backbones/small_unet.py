"""A small U-shaped trunk for training from scratch, on a CPU, in minutes.

Strided 3x3 convolutions go down to stride 32; the way up returns to the output stride, adding the
map of the same stride at each step. Sides of n 32 + 1 px keep every level on one grid of nodes: a
strided convolution looks symmetrically around its node, and so does `aligned_upsampling`.
"""

import keras
from keras import layers

from bottomup.errors import InputError

STRIDES = (4, 8, 16, 32)


def input_stride(output_stride: int) -> int:
    """Input sides must be n 32 + 1, whatever the output stride."""
    return STRIDES[-1]


def build(
    output_stride: int,
    weights: str | None = None,
    channels: tuple[int, ...] = (32, 64, 96, 128),
    blocks: tuple[int, ...] = (1, 1, 1, 2),
    features: int = 128,
) -> keras.Model:
    """Builds the trunk.

    Args:
        output_stride: 4, 8 or 16.
        weights: Must be None: there are none published.
        channels: Channels at strides 4, 8, 16 and 32; at stride 2, half of the first.
        blocks: Residual blocks at those strides.
        features: Channels of the output.

    Returns:
        A model from [batch, y, x, 3] in 0..255 to [batch, y, x, features] at the output stride.

    Raises:
        InputError: Another output stride, or published weights are given.
    """
    if weights:
        raise InputError("small_unet has no published weights; set initial_weights to random")
    if output_stride not in STRIDES[:3]:
        raise InputError(
            f"small_unet has nodes every 4, 8 or 16 px, not {output_stride}; choose another "
            "output_stride (a system that doubles the grid asks for twice its own)"
        )
    image = keras.Input([None, None, 3], name="image")
    x = layers.Rescaling(1 / 64, offset=-2.0)(image)
    levels = []
    for stride, width, count in zip(STRIDES, channels, blocks, strict=True):
        if stride == STRIDES[0]:
            x = _convolution(x, width // 2, 2)
        x = _convolution(x, width, 2)
        for _ in range(count):
            x = _residual_block(x, width)
        levels.append(x)
    x = levels.pop()
    for stride, level in zip(STRIDES[-2::-1], levels[::-1], strict=True):
        if stride < output_stride:
            break
        x = aligned_upsampling(layers.Conv2D(level.shape[-1], 1)(x))
        x = _residual_block(layers.Add()([x, level]), level.shape[-1])
    return keras.Model(image, _convolution(x, features), name="small_unet")


def aligned_upsampling(x):
    """Bilinear upsampling from n + 1 to 2n + 1 nodes, with every second node unchanged."""
    x = layers.UpSampling2D(2, interpolation="nearest")(x)
    return layers.AveragePooling2D(2, strides=1, padding="valid")(x)


def _convolution(x, width: int, strides: int = 1):
    return layers.ReLU()(_normalised_convolution(x, width, strides))


def _residual_block(x, width: int):
    y = _normalised_convolution(_convolution(x, width), width)
    return layers.ReLU()(layers.Add()([x, y]))


def _normalised_convolution(x, width: int, strides: int = 1):
    x = layers.Conv2D(
        width, 3, strides, padding="same", use_bias=False, kernel_initializer="he_normal"
    )(x)
    return layers.BatchNormalization(momentum=0.97)(x)
