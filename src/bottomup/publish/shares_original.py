"""Images by the number of people in them, as shares of the images with people: those that
MultiPoseSeg publishes for COCO (its Figure 1) beside those of the split that the study thins. Below
the title stand the number of images and the largest difference, in percentage points, and at which
number of people.

Reads the strata of the study's first subset and the published shares.
"""

from collections.abc import Sequence
from pathlib import Path

from bottomup.publish.inputs import Inputs
from bottomup.publish.share_panels import draw, panel, published_shares

KIND = "figure"
CATEGORY = "Data"
NEEDS = ("strata", "design", "published")


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    published = published_shares(inputs.published).get(0)
    first = list(inputs.strata.items())[:1]
    panels = [panel("before thinning", path, "before", published) for _, path in first]
    draw(panels, outputs, columns=1)
