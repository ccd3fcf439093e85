"""In deterministic mode an interrupted training ends with the very bits of a whole one."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest

import bottomup.network  # noqa: F401  (its layers, for Keras to find)
from training_data import write_training_data

SOURCE = Path(__file__).resolve().parents[1] / "src"
STEPS = 40
SETTINGS = {
    "system": "personlab",
    "system_options": {"radius_px": 10, "sub_cells": 2, "distance": True},
    "backbone": "small_unet",
    "backbone_options": {},
    "output_stride": 8,
    "crop": 65,
    "augmentation": {"scale": [0.8, 1.2], "translation": 0.1, "flip": True},
    "training": {
        "steps": STEPS,
        "batch": 2,
        "learning_rate": 0.01,
        "schedule": "cosine",
        "warmup_share": 0.2,
        "clip_norm": 5,
        "average_decay": 0.9,
        "weight_decay": 0.01,
        "checkpoint_every": 7,
        "log_every": 1,
        "validation_images": 2,
        "deterministic": True,
    },
}
TRAIN = """
import json, sys
from types import SimpleNamespace
from bottomup.job import run_job

def main(job):
    from bottomup.skeleton import COCO_PERSON
    from bottomup.training import train
    records, images, out, state = sys.argv[1:5]
    train(json.loads(sys.argv[5]), [records], images, COCO_PERSON, 0, out, state)

run_job(main, SimpleNamespace(log=[sys.argv[3] + ".log"], threads=2, wildcards={}))
"""
# A whole run and one that is cut off, in one process, since each needs its time to start.
TWICE = """
import json, sys
from pathlib import Path
from bottomup import training
from bottomup.skeleton import COCO_PERSON

records, images, folder, cut_at = *sys.argv[1:4], int(sys.argv[4])
settings = json.loads(sys.argv[5])
real = training.draw

def run(name):
    out = Path(folder) / name
    training.train(settings, [records], images, COCO_PERSON, 0, out, out.with_suffix(".state"))

def cut(seed, step, batch):
    if step == cut_at:
        raise KeyboardInterrupt
    return real(seed, step, batch)

run("whole")
training.draw = cut
try:
    run("cut")
except KeyboardInterrupt:
    training.draw = real
    run("cut")
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return [str(path) for path in write_training_data(tmp_path_factory.mktemp("records"))]


def python(program, *words, cores=None):
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if cores else None,
    )


def what_was_learned(out):
    """Every bit of the weights, and the history but for its times."""
    network = keras.saving.load_model(out / "weights.keras", compile=False)
    rows = [line.split(",") for line in (out / "history.csv").read_text().splitlines()]
    timed = rows[0].index("seconds")
    history = [row[:timed] + row[timed + 1 :] for row in rows]
    return [weights.tobytes() for weights in network.get_weights()], history


def test_a_run_that_was_cut_off_ends_with_the_same_bits(data, tmp_path):
    schedule = SETTINGS["training"] | {"steps": 9, "checkpoint_every": 2, "log_every": 3}
    settings = SETTINGS | {"backbone": "pixel", "training": schedule}
    process = python(TWICE, *data, tmp_path, 6, json.dumps(settings))
    said = process.communicate()[1]
    assert process.returncode == 0, said
    assert "resumed at step 4 of 9" in said
    assert what_was_learned(tmp_path / "cut") == what_was_learned(tmp_path / "whole")


@pytest.mark.long
def test_a_run_killed_at_three_random_points_ends_with_the_same_bits(data, tmp_path):
    """On fewer cores, too: a job that is sent again may land on another node."""
    whole = python(TRAIN, *data, tmp_path / "whole", tmp_path / "state", json.dumps(SETTINGS))
    said = whole.communicate()[1]
    assert whole.returncode == 0, said
    words = [*data, tmp_path / "killed", tmp_path / "killed.state", json.dumps(SETTINGS)]
    points = sorted(random.sample(range(8, STEPS - 3), 3))
    print("killed at", points)
    cores = [*os.sched_getaffinity(0)]
    for point, blow in zip(points, (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL), strict=True):
        process = python(TRAIN, *words, cores=cores[: 1 + point % 2])
        said = killed_at(process, point, blow)
        assert not (tmp_path / "killed" / "weights.keras").exists()
        if blow == signal.SIGTERM:
            assert process.returncode == 75
            assert re.search(r"to be continued: stopped at step \d+ of 40, asked to by SIG", said)
        else:
            assert process.returncode == -signal.SIGKILL
    last = python(TRAIN, *words)
    said = last.communicate()[1]
    assert last.returncode == 0, said
    assert "resumed at step" in said
    assert what_was_learned(tmp_path / "killed") == what_was_learned(tmp_path / "whole")


def killed_at(process, step, blow):
    """Sends a signal at a random moment after that step; gives all that was said."""
    said = ""
    for line in process.stderr:
        said += line
        found = re.match(r"step (\d+)/", line)
        if found and int(found[1]) >= step:
            break
    time.sleep(random.uniform(0, 0.3))
    process.send_signal(blow)
    return said + process.communicate()[1]
