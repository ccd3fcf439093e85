"""Average precision of keypoints (object keypoint similarity, at most 20 detections an image), for
each experiment and each way of testing, measured on every image of the split. Values are means over
seeds with their standard deviation; brackets hold the 95 % bootstrap interval over images, averaged
over seeds. Published values, where an experiment names some, stand in columns of their own.

Reads the metrics of the study, the expectations of its experiments and the published values.
"""

from collections.abc import Sequence
from pathlib import Path

from bottomup.publish.accuracy import accuracy_table
from bottomup.publish.inputs import Inputs

KIND = "table"
CATEGORY = "Accuracy"
NEEDS = ("metrics", "expected", "published")
METRICS = ("AP", "AP50", "AP75", "APm", "APl", "AR")


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    accuracy_table(inputs, "keypoints", METRICS).save(outputs)
