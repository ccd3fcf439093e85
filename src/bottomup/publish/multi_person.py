"""Several people by MPII's rules: average precision of each part of the body (left and right
averaged) and its mean over keypoints (mAP). In each group's region, or in the whole image where no
groups are named, people and detections are matched by the share of keypoints within half a head
size; people with a score under .2 are not handed in. n counts people. COCO's AP, which ranks whole
people by object keypoint similarity, is another measure and has a column of its own. Published
values are of MPII's test set, whose labels are not public.

Reads the metrics of the study, the expectations of its experiments and the published values.
"""

from collections.abc import Sequence
from pathlib import Path

from bottomup.publish.inputs import Inputs
from bottomup.publish.parts import parts_table

KIND = "table"
CATEGORY = "Accuracy"
NEEDS = ("metrics", "expected", "published")
TOTALS = ("mAP",)


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    parts_table(inputs, "multi_person_pckh", TOTALS, "AP").save(outputs)
