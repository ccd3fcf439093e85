"""MobileNetV2 (Sandler et al. 2018) of `keras.applications`, made atrous."""

import keras

from bottomup.backbones._published import build_trunk, tf_input


def input_stride(output_stride: int) -> int:
    """Input sides must be n output_stride + 1."""
    return output_stride


def build(output_stride: int, weights: str | None = None, alpha: float = 1.0) -> keras.Model:
    """Builds the trunk.

    Args:
        output_stride: 4, 8, 16 or 32.
        weights: File of the published weights without top; None starts at random.
        alpha: Factor of the channels: 0.35, 0.5, 0.75, 1, 1.3 or 1.4.

    Returns:
        A model from RGB images [batch, y, x, 3] in 0..255 to [batch, y, x, 1280] features (1280
        alpha above 1). With published weights its batch normalisation is frozen; from scratch it
        trains.

    Raises:
        InputError: The file is missing or holds weights of another network.
    """
    return build_trunk(
        "MobileNetV2", output_stride, weights, tf_input(), amend=_pad_for_odd_sides, alpha=alpha
    )


def _pad_for_odd_sides(layer: dict) -> None:
    """Pads both sides alike before a strided convolution.

    Keras pads (0, 1) where it cannot know the side, as is right for an even one; every node would
    then look to the lower right. Our sides are odd at every stride, for which it pads (1, 1).
    """
    if layer["class_name"] == "ZeroPadding2D":
        layer["config"]["padding"] = [[1, 1], [1, 1]]
