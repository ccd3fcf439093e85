"""JAX trains as TensorFlow does, and two devices train as one."""

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import training_run
from bottomup import network
from bottomup.augment import middle
from bottomup.batches import RecordSet, fixed_batches
from bottomup.records import write_records
from bottomup.skeleton import COCO_PERSON
from bottomup.training_step import TrainingStep
from people import make_coco

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="JAX is not installed; `make set-up` does that"
)
STEPS = 20
TRAINING = {
    "steps": STEPS,
    "batch": 2,
    "learning_rate": 0.002,
    "schedule": "cosine",
    "warmup_share": 0.2,
    "clip_norm": 5,
    "average_decay": 0.9,
    "log_every": 1,
    "checkpoint_every": 7,
}
SETTINGS = {
    "system": "personlab",
    "system_options": {"radius_px": 10, "sub_cells": 2, "distance": True},
    "backbone": "small_unet",
    "backbone_options": {"channels": [4, 8, 8, 8], "features": 8},
    "output_stride": 8,
    "crop": 65,
    "augmentation": {"scale": [0.8, 1.2], "translation": 0.1, "rotation_degrees": 20, "flip": True},
    "training": TRAINING,
}
HEADS = ("heatmap", "short", "mid", "long", "segmentation", "distance")
# The second flag makes compiling faster, and nothing here is slow enough to miss it.
TWO_DEVICES = {
    "XLA_FLAGS": "--xla_force_host_platform_device_count=2 --xla_backend_optimization_level=0"
}
UNEQUAL = (("one_keypoint",), 6)  # two images, of one keypoint and of six people
JAX = {"backend": "jax", "device": "cpu"}


def built_network():
    names = ("system", "system_options", "backbone", "backbone_options", "output_stride")
    plain = {name: SETTINGS[name] for name in names}
    return network.build(**plain, skeleton=COCO_PERSON.to_dict())


def prepared(folder, scenes, **schedule):
    """A folder as `training_run` wants it."""
    annotations_path, images_dir = make_coco(folder, scenes)
    write_records(
        annotations_path, COCO_PERSON, images_dir, folder / "a-00000-of-00001.tfrecord", 0, 1
    )
    ids = range(1, len(scenes) + 1)
    (folder / "images.txt").write_text("".join(f"{image_id}\n" for image_id in ids))
    settings = SETTINGS | {"training": TRAINING | schedule}
    (folder / "settings.json").write_text(json.dumps(settings))
    keras.utils.set_random_seed(0)
    built_network().save(folder / "start.keras")
    return folder


def curves(rows):
    """Losses by head, [step, head]."""
    return np.array([[float(row[name]) for name in HEADS] for row in rows])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run on TensorFlow, and the same on JAX."""
    scenes = (*UNEQUAL, 2, 0, ("rle", "unannotated"), ("polygon", "crowd"))
    folder = prepared(tmp_path_factory.mktemp("runs"), scenes, validation_images=2)
    training_run.run(folder, "on_tensorflow", {"backend": "tensorflow"})
    training_run.run(folder, "on_jax", JAX, **TWO_DEVICES)
    return folder


def test_jax_gives_the_loss_curve_of_tensorflow(folder):
    expected, found = (
        training_run.history(folder / f"on_{name}") for name in ("tensorflow", "jax")
    )
    assert len(found) == STEPS
    np.testing.assert_allclose(curves(found), curves(expected), rtol=2e-3, atol=2e-4)
    assert curves(expected)[-4:].sum() < 0.95 * curves(expected)[:4].sum()
    validated = [
        {row["step"]: row["validation_loss"] for row in rows} for rows in (expected, found)
    ]
    assert [step for step, loss in validated[1].items() if loss] == ["7", "14", "20"]
    for step in ("7", "14", "20"):
        assert float(validated[1][step]) == pytest.approx(float(validated[0][step]), rel=2e-3)


def test_jax_gives_the_weights_of_tensorflow(folder):
    weights = [
        keras.saving.load_model(folder / name / "weights.keras", compile=False).get_weights()
        for name in ("on_tensorflow", "on_jax")
    ]
    for one, two in zip(*weights, strict=True):
        np.testing.assert_allclose(one, two, rtol=0.02, atol=2e-3)


@pytest.mark.long
def test_two_devices_give_the_losses_of_one(folder):
    training_run.run(folder, "on_both", JAX | {"devices": "all"}, **TWO_DEVICES)
    one, both = (training_run.history(folder / name) for name in ("on_jax", "on_both"))
    shared = json.loads((folder / "on_both" / "computed_on.json").read_text())
    assert (shared["backend"], shared["kind"], shared["count"]) == ("jax", "cpu", 2)
    assert json.loads((folder / "on_jax" / "computed_on.json").read_text())["count"] == 1
    np.testing.assert_allclose(curves(both), curves(one), rtol=1e-3, atol=1e-4)


def test_the_mean_over_devices_would_be_another_loss(tmp_path):
    folder = prepared(tmp_path, UNEQUAL)
    step = TrainingStep(built_network(), SETTINGS, COCO_PERSON)
    records = RecordSet.read([folder / "a-00000-of-00001.tfrecord"])

    def mid_loss(ids):
        batch = next(fixed_batches(records, ids, 17, len(ids)).as_numpy_iterator())
        return float(step(batch | {"draws": middle(len(ids))}, training=False)["mid"])

    # A single keypoint has no neighbour, so that half's loss is 0 and must not count.
    assert (mid_loss([1]) + mid_loss([2])) / 2 < 0.6 * mid_loss([1, 2])


def test_a_batch_that_cannot_be_split_is_refused(tmp_path):
    folder = prepared(tmp_path, (1, 1, 1), batch=3)
    with pytest.raises(AssertionError, match=r"training\.batch: 3 images cannot be split among 2"):
        training_run.run(folder, "both", JAX | {"devices": "all"}, **TWO_DEVICES)


WITHOUT_TENSORFLOW = """
import importlib, sys
sys.modules["tensorflow"] = None
for name in sys.argv[1:]:
    importlib.import_module(name)
import keras
assert keras.backend.backend() == "jax"
"""


def test_the_training_step_imports_without_tensorflow():
    names = ("augment", "losses", "network", "training_step", "devices", "systems.personlab")
    modules = [f"bottomup.{name}" for name in (*names, "backbones.resnet", "backbones.small_unet")]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *modules],
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": "src"},
        cwd=training_run.REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
