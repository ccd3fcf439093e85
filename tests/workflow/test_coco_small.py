"""The small COCO and a split for the evaluation server, on real files from a mirror on loopback."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile

import pandas as pd
import pytest
import yaml
from workflow_story import Story

from mirror_server import serving

EXPERIMENT = """
based_on: coco_sample
subset: coco_small_full
crop: 129
training: {steps: 4, batch: 2, validation_images: 4, checkpoint_every: 2}
test_on:
  - {dataset: coco_small, split: test}
  - {dataset: coco_small, split: unseen}
"""
STUDY = """
study: small
experiments: [small]
protocols: [small]
publish: {tables: [overview], figures: []}
"""
# So few steps teach nothing, so whatever looks a little like a person is taken for one.
PROTOCOL = """
sides: [129]
decoder:
  assembly: paper
  vote_threshold: 0.001
  peak_threshold: 0.005
  seed_radius_px: 200
  least_score: 0
"""
ANNOTATIONS = "annotations/annotations_trainval2017.zip"
UNSEEN = """
  unseen:
    images: train2017
    annotations: annotations/image_info_test-dev2017.json
    files: [train2017, image_info_test2017]
    server_name: test-dev2017
"""


@pytest.fixture(scope="module")
def server_folder(shared_data, tmp_path_factory):
    """A copy of the sample in the layout of COCO's server, with a list of test images."""
    folder = tmp_path_factory.mktemp("server")
    for name in ("zips/train2017.zip", "zips/val2017.zip", ANNOTATIONS):
        (folder / name).parent.mkdir(exist_ok=True)
        os.symlink(shared_data / "coco-sample" / name, folder / name)
    with zipfile.ZipFile(folder / ANNOTATIONS) as archive:
        content = json.loads(archive.read("annotations/person_keypoints_train2017.json"))
    del content["annotations"]
    content["images"] = content["images"][:6]
    with zipfile.ZipFile(folder / "annotations/image_info_test2017.zip", "w") as archive:
        archive.writestr("annotations/image_info_test-dev2017.json", json.dumps(content))
    return folder


@pytest.fixture
def copy(tmp_path, server_folder):
    """The repository with the sample's sums, a small network and an unseen split."""
    made = Story(tmp_path)
    path = tmp_path / "config/datasets/coco_small.yaml"
    dataset = path.read_text() + UNSEEN
    path.write_text(with_sums(dataset, server_folder))
    (tmp_path / "config/small.yaml").write_text(STUDY)
    (tmp_path / "config/experiments/small.yaml").write_text(EXPERIMENT)
    (tmp_path / "config/protocols/small.yaml").write_text(PROTOCOL)
    return made.folder


def with_sums(dataset, server_folder):
    """The dataset's file with sizes and sums of what the mirror holds."""
    files = {}
    for path in sorted(server_folder.glob("*/*.zip")):
        content = path.read_bytes()
        files[path.stem] = {
            "url": f"http://images.cocodataset.org/{path.relative_to(server_folder)}",
            "bytes": len(content),
            "md5": hashlib.md5(content).hexdigest(),
        }
    before, _, splits = dataset.partition("files:\n")
    return f"{before}{yaml.safe_dump({'files': files})}splits:{splits.partition('splits:')[2]}"


@pytest.mark.long
def test_the_small_coco_runs_from_a_mirror_to_its_table_and_the_servers_archives(
    copy, server_folder
):
    with serving(server_folder) as mirror:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "snakemake", "--cores", "2"),
                *("--configfile", "config/small.yaml"),
                *("--config", f"datasets={{coco_small: {{mirror: '{mirror.address}'}}}}"),
            ],
            cwd=copy,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    ids = {
        split: {row["id"] for row in json.loads(path.read_text())["images"]}
        for split in ("train", "test")
        for path in [copy / f"resources/datasets/coco_small/{split}/annotations.json"]
    }
    assert (len(ids["train"]), len(ids["test"])) == (40, 10)
    assert not ids["train"] & ids["test"]
    run = copy / "results/runs/small/seed-0"
    metrics = pd.read_csv(run / "coco_small-test/small/metrics.csv")
    assert {"AP", "AR"} <= set(metrics["metric"])
    assert not (run / "coco_small-unseen/small/metrics.csv").exists()
    packed = copy / "results/submissions/small/seed-0/coco_small-unseen/small"
    assert sorted(path.name for path in packed.iterdir()) == [
        "detections_test-dev2017_small-seed-0-small_results.zip",
        "person_keypoints_test-dev2017_small-seed-0-small_results.zip",
    ]
