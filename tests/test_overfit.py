"""Eight images, the real network, the real decoder, pycocotools: all of it must come back."""

import json

import pytest

from bottomup.coco import keypoint_result, segmentation_result
from bottomup.datasets.synthetic import make_split
from bottomup.decoding import DecoderSettings, decode
from bottomup.evaluation import evaluate
from bottomup.fields.store import read_fields
from bottomup.inference import infer_shard
from bottomup.records import write_records
from bottomup.skeleton import COCO_PERSON
from bottomup.training import train

SETTINGS = {
    "system": "personlab",
    "system_options": {
        "radius_px": 10,
        "sub_cells": 4,
        "loss_weights": {
            "heatmap": 80,
            "segmentation": 8,
            "short": 0.5,
            "mid": 0.04,
            "long": 0.04,
        },
        "refine_in_training": False,
    },
    "backbone": "small_unet",
    "output_stride": 8,
    "crop": 193,
    "training": {
        "steps": 500,
        "batch": 4,
        "learning_rate": 0.003,
        "schedule": "cosine",
        "warmup_share": 0.05,
        "clip_norm": 5,
        "average_decay": 0.95,
    },
}


@pytest.mark.long
def test_eight_images_are_learned_by_heart(tmp_path):
    made = {"images": {"train": 8}, "image_side": 193, "empty_share": 0.0}
    annotations = tmp_path / "annotations.json"
    make_split(made, "train", 0, COCO_PERSON, tmp_path / "images", annotations)
    record = tmp_path / "train-00000-of-00001.tfrecord"
    write_records(annotations, COCO_PERSON, tmp_path / "images", record, 0, 1)
    images = json.loads(annotations.read_text())["images"]
    (tmp_path / "images.txt").write_text("\n".join(str(image["id"]) for image in images))
    train(
        SETTINGS,
        [record],
        tmp_path / "images.txt",
        COCO_PERSON,
        seed=0,
        out_dir=tmp_path / "run",
        state_dir=tmp_path / "state",
    )
    protocol = {"sides": [193], "flip": False, "output_stride": None}
    fields = tmp_path / "fields.h5"
    infer_shard(tmp_path / "run", annotations, tmp_path / "images", protocol, 0, 1, fields)
    metrics = evaluate(annotations, COCO_PERSON, *write_results(fields, tmp_path))
    found = metrics[(metrics.stratum == "all") & (metrics.metric == "AP")].set_index("task").value
    print(found.to_dict())
    assert found["keypoints"] > 0.9


def write_results(fields, folder):
    """Decodes all fields into the two COCO result files and gives their paths."""
    decoder = DecoderSettings(radius_px=10, seed_radius_px=8, mask_score_gate=0.2)
    rows = {"keypoints": [], "segmentation": []}
    for image_id, image_fields, frame in read_fields(fields):
        for person in decode(image_fields, COCO_PERSON, decoder, frame):
            rows["keypoints"].append(keypoint_result(image_id, person.keypoints, person.score))
            rows["segmentation"].append(segmentation_result(image_id, person.mask, person.score))
    for task, results in rows.items():
        (folder / f"{task}.json").write_text(json.dumps(results))
    return [folder / f"{task}.json" for task in rows]
