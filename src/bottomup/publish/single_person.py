"""People who are alone on their image: the share of labelled keypoints that the best detection of
the image has found, within half a head size (PCKh@0.5, in total and for each part of the body,
left and right together) and within a fifth of the person's keypoint box (PCK@0.2); `PCKh AUC` is
the mean of PCKh from 0 to 0.5. n counts labelled keypoints. Where the annotations name no head
box, the length of the head stands for its size; without either, PCKh is not measured. COCO's AP,
of all people of the split, has a column of its own. Published values are of other splits than
these.

Reads the metrics of the study, the expectations of its experiments and the published values.
"""

from collections.abc import Sequence
from pathlib import Path

from bottomup.publish.inputs import Inputs
from bottomup.publish.parts import parts_table

KIND = "table"
CATEGORY = "Accuracy"
NEEDS = ("metrics", "expected", "published")
TOTALS = ("PCKh@0.5", "PCKh_AUC", "PCK@0.2")


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    parts_table(inputs, "single_person", TOTALS, "PCKh@0.5").save(outputs)
