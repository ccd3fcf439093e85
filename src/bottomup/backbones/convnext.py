"""ConvNeXt (Liu et al. 2022) of `keras.applications`, made atrous.

It has no batch normalisation, so nothing is frozen. Its strided convolutions have even kernels and
no padding (4x4/4, then 2x2/2 thrice): together they cut the image into blocks of 32x32 px, one for
each node at stride 32, and dilated they give each node of a finer grid its own block of that size.
"""

import keras
from keras import layers

from bottomup.backbones._published import build_trunk, torch_input

# Puts the 32 px of node (i, j) around pixel (j stride, i stride), from 16 px before it to 15 px
# after, half a pixel off: the middle of an even block lies between pixels. It also makes of n
# stride + 1 px the n stride + 32 that n + 1 blocks need. The trunk's input is 0 at the mean.
BLOCK_PADDING = ((16, 15), (16, 15))


def input_stride(output_stride: int) -> int:
    """Input sides must be n output_stride + 1."""
    return output_stride


def build(output_stride: int, weights: str | None = None, size: str = "tiny") -> keras.Model:
    """Builds the trunk.

    Args:
        output_stride: 4, 8, 16 or 32.
        weights: File of the published weights without top; None starts at random.
        size: tiny, small, base, large or xlarge.

    Returns:
        A model from RGB images [batch, y, x, 3] in 0..255 to [batch, y, x, 768] features (tiny and
        small; 1024, 1536 and 2048 for the others).

    Raises:
        InputError: The file is missing or holds weights of another network.
    """
    names = {"tiny": "Tiny", "small": "Small", "base": "Base", "large": "Large", "xlarge": "XLarge"}
    return build_trunk(
        f"ConvNeXt{names[size]}",
        output_stride,
        weights,
        torch_input(),
        layers.ZeroPadding2D(BLOCK_PADDING),
        include_preprocessing=False,
    )
