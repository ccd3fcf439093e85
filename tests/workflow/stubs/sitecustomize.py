"""Stands in for the modules that compute for long: same names and arguments, empty results.

Python imports this file by itself when its folder is on the path. The digests of code are not
touched: they are taken from the files of the library.
"""

import json
import sys
from pathlib import Path
from types import ModuleType


def write_records(annotations, skeleton, images, out_path, shard, shards):
    Path(out_path).write_text("records")
    Path(out_path).with_suffix(".json").write_text("{}")


def use(backend=None, device="any", devices="one"):
    pass


def train(settings, records, images_txt, skeleton, seed, out_dir, state_dir, wall_minutes=None):
    for name in ("weights.keras", "history.csv"):
        (Path(out_dir) / name).write_text(f"trained, resumable from {state_dir}")
    (Path(out_dir) / "run.json").write_text("{}")


def infer_shard(run_dir, annotations, images_dir, protocol, shard, shards, out_h5):
    ids = sorted(image["id"] for image in json.loads(Path(annotations).read_text())["images"])
    Path(out_h5).write_text(json.dumps(ids[shard::shards]))


def decode_shard(fields_h5, protocol, skeleton, out_json, threads=1):
    ids = json.loads(Path(fields_h5).read_text())
    empty = {"keypoints": [], "segmentation": [], "milliseconds": [1.0] * len(ids)}
    Path(out_json).write_text(json.dumps({"images": ids} | empty))


for module, function in (
    ("bottomup.records", write_records),
    ("bottomup.devices", use),
    ("bottomup.training", train),
    ("bottomup.inference", infer_shard),
    ("bottomup.decoding.shard", decode_shard),
):
    sys.modules[module] = ModuleType(module)
    setattr(sys.modules[module], function.__name__, function)
