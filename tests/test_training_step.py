"""The training step compiles by XLA, as Keras does on a GPU, and gives the same losses."""

import numpy as np
import pytest

from bottomup.augment import draw
from bottomup.skeleton import COCO_PERSON
from bottomup.training_step import TrainingStep
from networks import NETWORK, small_network
from scenes import figure, pixels

SETTINGS = {
    "system": "personlab",
    "system_options": NETWORK["system_options"],
    "output_stride": 8,
    "crop": 65,
    "augmentation": {"scale": [0.8, 1.2], "translation": 0.1, "rotation_degrees": 20, "flip": True},
}


def batch():
    """Two images of 80 x 96 px, one with two people and one with nobody."""
    people = np.array([figure(30, 10, 60), figure(65, 5, 70)])
    keypoints = np.zeros((2, 2, 17, 3), np.float32)
    keypoints[0] = people
    instance_map = np.zeros((2, 80, 96), np.uint16)
    instance_map[0] = pixels(people, 80, 96)
    image = np.random.default_rng(0).integers(0, 256, (2, 80, 96, 3)).astype(np.uint8)
    size = np.array([[80, 96], [80, 96]], np.int32)
    draws = draw(0, 0, 2)
    return {
        "image": image,
        "size": size,
        "instance_map": instance_map,
        "keypoints": keypoints,
        "draws": draws,
    }


def test_xla_compiles_the_step_and_gives_the_same_losses():
    built = small_network()
    losses = []
    for by_xla in (False, True):
        step = TrainingStep(built, SETTINGS, COCO_PERSON)
        step.compile(optimizer="sgd", jit_compile=by_xla)
        losses.append(step.test_on_batch(batch(), return_dict=True))
        assert step.jit_compile is by_xla
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    assert step.train_on_batch(batch(), return_dict=True) == pytest.approx(losses[0], rel=1e-3)
