"""What PosePlusSeg shows of an image: the strong keypoint heat map (Hough votes of all keypoints,
one colour each, square root); the body heat map (the likeliest keypoint of every node, whichever it
is); mask offsets, from the nodes of a person to the centroid of its keypoints (of a network without
a head for them, the mean of the places that its long offsets point to); and its three outputs,
poses, masks, and both together.

Reads the fields of the sample images and decodes them. DeeperCut has no masks and is left out.
"""

from collections.abc import Sequence
from pathlib import Path

from bottomup.fields.grid import Fields
from bottomup.publish.inputs import Inputs
from bottomup.publish.overlays import JOINT_TILES, draw_sheet, read_views

KIND = "figure"
CATEGORY = "Pictures"
NEEDS = ("samples",)


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    sheets = [(sample, list(read_views(sample))) for sample in inputs.samples]
    shown = [
        (sample, views, JOINT_TILES)
        for sample, views in sheets
        if all(isinstance(view.fields, Fields) for view in views)
    ]
    draw_sheet(shown, outputs)
