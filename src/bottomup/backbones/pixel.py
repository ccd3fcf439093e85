"""A trunk that sees one pixel: the colour baseline.

Whatever a network with this trunk scores is what the colours of a dataset give away, so a
made-up dataset is worth training on only if this stays near zero.
"""

import keras
from keras import layers

from bottomup.errors import InputError


def input_stride(output_stride: int) -> int:
    """Any output stride, any input of n stride + 1."""
    return output_stride


def build(output_stride: int, weights: str | None = None, features: int = 64) -> keras.Model:
    """Builds the trunk: three dense layers on the colour of each node's pixel.

    Args:
        output_stride: Any.
        weights: Must be None: there are none published.
        features: Channels of the hidden layers and of the output.

    Returns:
        A model from [batch, y, x, 3] in 0..255 to [batch, y, x, features] at the output stride.
    """
    if weights:
        raise InputError("pixel has no published weights; set initial_weights to random")
    image = keras.Input([None, None, 3], name="image")
    x = layers.Rescaling(1 / 64, offset=-2.0)(image)
    for number, strides in enumerate((output_stride, 1, 1), 1):
        x = layers.Conv2D(features, 1, strides, activation="relu", name=f"dense_{number}")(x)
    return keras.Model(image, x, name="pixel")
