"""ResNet-50, 101 and 152 (He et al. 2016) of `keras.applications`, made atrous.

A stage begins with strided 1x1 convolutions; its 3x3 convolutions pad alike on both sides, so
nodes lie where they should on any side of n stride + 1.
"""

import keras

from bottomup.backbones._published import CaffeInput, build_trunk


def input_stride(output_stride: int) -> int:
    """Input sides must be n output_stride + 1."""
    return output_stride


def build(output_stride: int, weights: str | None = None, depth: int = 101) -> keras.Model:
    """Builds the trunk.

    Args:
        output_stride: 4, 8, 16 or 32.
        weights: File of the published weights without top; None starts at random.
        depth: 50, 101 or 152.

    Returns:
        A model from RGB images [batch, y, x, 3] in 0..255 to [batch, y, x, 2048] features. With
        published weights its batch normalisation is frozen; from scratch it trains.

    Raises:
        InputError: The file is missing or holds weights of another network.
    """
    return build_trunk(f"ResNet{depth}", output_stride, weights, CaffeInput())
