"""PersonLab's person masks on COCO: average precision and recall as published for test-dev and val
(Papandreou et al. 2018, person class, 20 or 100 proposals), beside what this study measured for the
same network and way of testing. Measured cells are means over seeds with their standard deviation,
n persons, and the 95 % bootstrap interval over images in brackets. They are of val: the
server that scores test-dev averages masks over 80 categories and gives no number for people
alone.

Reads the metrics of the study, the expectations of its experiments and the published values.
"""

from collections.abc import Sequence
from pathlib import Path

from bottomup.publish.inputs import Inputs
from bottomup.publish.paper_table import paper_table

KIND = "table"
CATEGORY = "Papers"
NEEDS = ("metrics", "expected", "published")
METRICS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100")
ROWS = (
    *("fcis_baseline", "fcis_multi_scale", "mask_rcnn"),
    *("personlab_resnet101_single_scale", "personlab_resnet152_single_scale"),
    *("personlab_resnet101_multi_scale", "personlab_resnet152_multi_scale"),
)


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    paper_table(inputs, "segmentation", ROWS, METRICS).save(outputs)
