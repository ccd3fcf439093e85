"""Each system from records to metrics: a few steps, inference, decoding, pycocotools."""

import json

import h5py
import numpy as np
import pytest

from bottomup import decoding, evaluation, inference
from bottomup.records import write_records
from bottomup.shards import merge_results
from bottomup.skeleton import COCO_PERSON
from bottomup.training import train
from people import make_coco

SYSTEMS = {
    "poseplusseg": ({"correction_channels": 4}, {"first_heatmap", "first_centroid", "centroid"}),
    "multiposeseg": ({"branch_channels": 4}, {"heatmap", "long", "segmentation"}),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_trains_infers_decodes_and_is_scored(name, tmp_path):
    options, losses = SYSTEMS[name]
    annotations, images_dir = make_coco(tmp_path, (1, 2, 0, 3))
    record, images_txt = tmp_path / "train-00000-of-00001.tfrecord", tmp_path / "images.txt"
    write_records(annotations, COCO_PERSON, images_dir, record, 0, 1)
    images_txt.write_text("1\n2\n3\n4\n")
    settings = {
        "system": name,
        "system_options": {"radius_px": 10, "sub_cells": 2, **options},
        "backbone": "pixel",
        "backbone_options": {"features": 8},
        "output_stride": 8,
        "crop": 65,
        "training": {"steps": 2, "batch": 2, "log_every": 1, "learning_rate": 0.001},
    }
    run = tmp_path / "run"
    train(settings, [record], images_txt, COCO_PERSON, 0, run, tmp_path / "state")
    assert losses <= set((run / "history.csv").read_text().splitlines()[0].split(","))
    protocol = {"sides": [65, 97], "flip": True, "output_stride": None}
    inference.infer_shard(run, annotations, images_dir, protocol, 0, 1, tmp_path / "fields.h5")
    with h5py.File(tmp_path / "fields.h5") as file:
        assert ("centroid" in file["1"]) == (name == "poseplusseg")
        assert all(np.isfinite(field[()]).all() for field in file["1"].values())
    decoder = {"decoder": {"assembly": "paper", "radius_px": 10, "peak_window_px": 20}}
    skeleton = COCO_PERSON.to_dict()
    decoding.decode_shard(tmp_path / "fields.h5", decoder, skeleton, tmp_path / "decoded.json")
    out = [tmp_path / f"found_{task}.json" for task in ("keypoints", "segmentation", "joint")]
    merge_results(annotations, [tmp_path / "decoded.json"], *out, tmp_path / "decode_times.csv")
    assert len(json.loads(out[2].read_text())) == len(json.loads(out[0].read_text()))
    metrics = evaluation.evaluate(annotations, COCO_PERSON, *out[:2])
    assert {"keypoints", "segmentation"} <= set(metrics["task"])
    found = metrics[(metrics["metric"] == "AP") & (metrics["stratum"] == "all")]["value"]
    assert found.between(0, 1).all()
