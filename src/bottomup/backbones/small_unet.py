"""A small U-shaped trunk for training from scratch, on a CPU, in minutes.

Strided 3x3 convolutions go down to stride 32; the way up returns to the output stride, adding the
map of the same stride at each step. Sides of n 32 + 1 px keep every level on one grid of nodes:
a strided convolution looks symmetrically around its node, and so does `aligned_upsampling`.
"""

import keras
from keras import layers

STRIDES = (2, 4, 8, 16, 32)


def input_stride(output_stride: int) -> int:
    """Input sides must be n 32 + 1, whatever the output stride."""
    return STRIDES[-1]


def build(
    output_stride: int,
    pretrained: bool = False,
    channels: tuple[int, ...] = (16, 32, 64, 128, 192),
    blocks: tuple[int, ...] = (0, 1, 1, 1, 2),
    features: int = 128,
) -> keras.Model:
    """Builds the trunk.

    Args:
        output_stride: 4, 8 or 16.
        pretrained: Must be false: there are no weights to load.
        channels: Channels at strides 2, 4, 8, 16 and 32.
        blocks: Residual blocks at those strides.
        features: Channels of the output.

    Returns:
        A model from [batch, y, x, 3] in 0..255 to [batch, y, x, features] at the output stride.
    """
    if pretrained:
        raise ValueError("small_unet has no pretrained weights; set initial_weights to random")
    if output_stride not in STRIDES[1:4]:
        raise ValueError(f"small_unet gives output stride 4, 8 or 16, not {output_stride}")
    image = keras.Input([None, None, 3], name="image")
    x = layers.Rescaling(1 / 64, offset=-2.0)(image)
    levels = []
    for width, count in zip(channels, blocks, strict=True):
        x = _convolution(x, width, strides=2)
        for _ in range(count):
            x = _residual_block(x, width)
        levels.append(x)
    x = levels.pop()
    for stride, level in zip(STRIDES[-2::-1], levels[::-1], strict=True):
        if stride < output_stride:
            break
        x = aligned_upsampling(layers.Conv2D(level.shape[-1], 1, use_bias=False)(x))
        x = _residual_block(layers.Add()([x, level]), level.shape[-1])
    return keras.Model(image, _convolution(x, features), name="small_unet")


def aligned_upsampling(x):
    """Bilinear upsampling from n + 1 to 2n + 1 nodes, with every second node unchanged."""
    x = layers.UpSampling2D(2, interpolation="nearest")(x)
    return layers.AveragePooling2D(2, strides=1, padding="valid")(x)


def _convolution(x, width: int, strides: int = 1):
    x = layers.Conv2D(
        width, 3, strides, padding="same", use_bias=False, kernel_initializer="he_normal"
    )(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.97, epsilon=1e-3)(x))


def _residual_block(x, width: int):
    y = _convolution(x, width)
    y = layers.Conv2D(width, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(y)
    y = layers.BatchNormalization(momentum=0.97, epsilon=1e-3)(y)
    return layers.ReLU()(layers.Add()([x, y]))
