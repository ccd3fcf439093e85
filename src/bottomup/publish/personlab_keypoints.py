"""PersonLab's keypoints on COCO: average precision and recall as published for test-dev
(Papandreou et al. 2018), with the systems that the paper compares itself to, beside what this study
measured for the same network and way of testing. Measured cells are means over seeds with their
standard deviation, n persons, and the 95 % bootstrap interval over images in brackets. They
are of the split named, not of test-dev, whose annotations are not public.

Reads the metrics of the study, the expectations of its experiments and the published values.
"""

from collections.abc import Sequence
from pathlib import Path

from bottomup.publish.inputs import Inputs
from bottomup.publish.paper_table import paper_table

KIND = "table"
CATEGORY = "Papers"
NEEDS = ("metrics", "expected", "published")
METRICS = ("AP", "AP50", "AP75", "APm", "APl", "AR", "AR50", "AR75", "ARm", "ARl")
ROWS = (
    *("cmu_pose", "associative_embedding_multi_scale", "associative_embedding_refined"),
    *("mask_rcnn", "g_rmi"),
    *("personlab_resnet101_single_scale", "personlab_resnet152_single_scale"),
    *("personlab_resnet101_multi_scale", "personlab_resnet152_multi_scale"),
)


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    paper_table(inputs, "keypoints", ROWS, METRICS).save(outputs)
