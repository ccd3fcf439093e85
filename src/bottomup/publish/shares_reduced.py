"""Images by the number of people in them, for each subset whose images of single people are
thinned: the shares that MultiPoseSeg publishes (its Figure 2, a to f) beside those of the subsets
drawn here. Below each title stand the number of images and the largest difference, in percentage
points, and at which number of people.

Reads the strata of the subsets and the published shares.
"""

from collections.abc import Sequence
from pathlib import Path

from bottomup.publish.inputs import Inputs
from bottomup.publish.share_panels import draw, levels_of, panel, published_shares

KIND = "figure"
CATEGORY = "Data"
NEEDS = ("strata", "design", "published")


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    published = published_shares(inputs.published)
    panels = [
        panel(f"thinned by {level} %", inputs.strata[subset], "after", published.get(level))
        for level, subset in levels_of(inputs.design).items()
        if level
    ]
    draw(panels, outputs)
