"""Eight images, the real network, the real decoder, pycocotools: all of it must come back."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from bottomup.datasets.synthetic import make_split
from bottomup.skeleton import COCO_PERSON

OVERFIT = Path(__file__).resolve().parents[1] / "benchmarks" / "overfit.py"


@pytest.mark.long
def test_eight_images_are_learned_by_heart(tmp_path):
    made = {"images": {"train": 8}, "image_side": 193, "empty_share": 0.0}
    annotations, images = tmp_path / "annotations.json", tmp_path / "images"
    make_split(made, "train", 0, COCO_PERSON, images, annotations)
    where = ("--annotations", annotations, "--images", images, "--out", tmp_path / "out")
    size = ("--side", "193", "--steps", "500", "--rounds", "1")
    subprocess.run([sys.executable, OVERFIT, *where, *size], check=True)
    metrics = pd.read_csv(tmp_path / "out" / "round-1" / "metrics.csv")
    found = metrics.query("stratum == 'all' and metric == 'AP'").set_index("task")["value"]
    assert found["keypoints"] > 0.9
