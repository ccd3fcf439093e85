"""What PosePlusSeg shows of an image: the strong keypoint heat map (Hough votes of all keypoints,
one colour each, square root); the body heat map (the likeliest keypoint of every node, whichever it
is); mask offsets, from the nodes of a person to the centroid of its keypoints (of a network without
a head for them, the mean of the places that its long offsets point to); and its three outputs,
poses, masks, and both together.

Reads the fields of the sample images and decodes them.
"""

from collections.abc import Sequence
from pathlib import Path

from bottomup.publish.inputs import Inputs
from bottomup.publish.overlays import JOINT_TILES, draw_sheet

KIND = "figure"
CATEGORY = "Pictures"
NEEDS = ("samples",)


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    draw_sheet(inputs.samples, JOINT_TILES, outputs)
