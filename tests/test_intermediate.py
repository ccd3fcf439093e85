"""Intermediate supervision: more heads while training, the same network afterwards."""

import csv
import itertools

import keras
import numpy as np
import pytest

from bottomup import intermediate, network, training
from bottomup.batches import RecordSet
from bottomup.errors import InputError
from bottomup.records import write_records
from bottomup.skeleton import COCO_PERSON
from bottomup.training import Run, TrainingStep, train
from narrow import narrow_applications
from people import make_coco

PIXEL = {
    "system": "personlab",
    "system_options": {"radius_px": 10, "sub_cells": 1},
    "backbone": "pixel",
    "backbone_options": {"features": 16},
    "output_stride": 8,
    "crop": 65,
    "intermediate": {"layer": "dense_2", "weight": 0.5},
    "training": {
        "steps": 24,
        "batch": 2,
        "learning_rate": 0.01,
        "average_decay": 0.9,
        "checkpoint_every": 6,
        "log_every": 6,
    },
}
RESNET = PIXEL | {
    "backbone": "resnet",
    "backbone_options": {"depth": 50},
    "intermediate": {"layer": "conv4_block2_out"},
}


def without(settings):
    return settings | {"intermediate": None}


def build(settings):
    names = ("system", "system_options", "backbone", "backbone_options", "output_stride")
    arguments = {name: settings[name] for name in names}
    return network.build(**arguments, skeleton=COCO_PERSON.to_dict())


def picture():
    return np.random.default_rng(0).uniform(0, 255, (2, 65, 65, 3)).astype(np.float32)


@pytest.fixture(params=["pixel", "resnet"])
def settings(request, monkeypatch):
    """A trunk whose layers are the network's own, and one that is a network within it."""
    narrow_applications(monkeypatch)
    return {"pixel": PIXEL, "resnet": RESNET}[request.param]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    annotations_path, images_dir = make_coco(folder, (1, 2, 0, 3, 1, 1))
    path = folder / "train-00000-of-00001.tfrecord"
    write_records(annotations_path, COCO_PERSON, images_dir, path, 0, 1)
    (folder / "images.txt").write_text("1\n2\n3\n4\n5\n6\n")
    return path, folder / "images.txt"


def run_training(data, folder, settings):
    train(settings, [data[0]], data[1], COCO_PERSON, 0, folder / "out", folder / "state")
    return folder / "out"


def weights_of(out):
    return keras.saving.load_model(out / "weights.keras", compile=False).get_weights()


def test_every_output_comes_twice_and_the_last_is_as_before(settings):
    fields = build(settings)
    expected = fields(picture())
    found = intermediate.supervised(fields, settings, COCO_PERSON)(picture())
    assert set(found) == {*expected, *(f"intermediate_{name}" for name in expected)}
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-5)
        assert found[f"intermediate_{name}"].shape == value.shape


def test_the_image_passes_the_trunk_once(settings):
    fields = build(settings)
    model = intermediate.supervised(fields, settings, COCO_PERSON)
    models = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    assert len([layer for layer in models if layer.name != network.HEADS]) == 1
    heads = [layer.name for layer in model.layers if layer.weights and layer not in models]
    assert all(name.endswith("_convolution") for name in heads)
    assert {v.path for v in fields.variables} <= {v.path for v in model.variables}


def test_what_infers_does_not_know_of_it(settings, tmp_path):
    plain = build(settings)
    names = [v.path for v in plain.variables]
    plain.save(tmp_path / "before.keras")
    intermediate.supervised(plain, settings, COCO_PERSON)
    plain.save(tmp_path / "after.keras")
    before, after = (
        keras.saving.load_model(tmp_path / f"{when}.keras") for when in ("before", "after")
    )
    assert before.get_config() == after.get_config()
    assert [v.path for v in plain.variables] == names
    assert set(after.output) == {"heatmap", "short", "mid", "long", "segmentation"}
    for one, two in zip(before.get_weights(), after.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_without_it_nothing_is_added(settings):
    fields = build(settings)
    assert intermediate.supervised(fields, without(settings), COCO_PERSON) is fields
    raw = {**without(settings), "system_options": {"refine_in_training": False}}
    assert set(intermediate.supervised(fields, raw, COCO_PERSON).output) == set(fields.output)


def first_run(data, settings, folder):
    folder.mkdir(exist_ok=True)
    run = Run(settings, RecordSet.read([data[0]]), [1, 2, 3, 4, 5, 6], COCO_PERSON, 0, folder)
    run.model.run_eagerly = True  # A step or two take less time than a compilation.
    return run


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    return run_training(data, tmp_path_factory.mktemp("finished"), PIXEL)


def test_training_lowers_both_losses(finished):
    rows = list(csv.DictReader((finished / "history.csv").read_text().splitlines()))
    for name in ("heatmap", "intermediate_heatmap", "segmentation", "intermediate_segmentation"):
        assert float(rows[-1][name]) < float(rows[0][name]), name


def test_the_loss_is_the_weighted_sum_of_both_sets(data, settings, tmp_path):
    run = first_run(data, settings, tmp_path)
    examples = next(iter(run._batches()))
    examples.pop("image_id")
    examples["draws"] = training.draw(0, 0, 2)
    parts = run.model.test_on_batch(examples, return_dict=True)
    whole, weights = parts.pop("loss"), run.model.options.loss_weights
    factor = settings["intermediate"].get("weight", 1.0)
    expected = sum(
        value * weights[name.removeprefix("intermediate_")] * (factor if "inter" in name else 1)
        for name, value in parts.items()
    )
    np.testing.assert_allclose(whole, expected, rtol=1e-5)


def test_gradients_reach_the_intermediate_heads_and_what_lies_below(data, settings, tmp_path):
    run = first_run(data, settings, tmp_path)
    before = {v.path: v.numpy() for v in run.model.fields.trainable_variables}
    run.model.factors = {
        name: weight * name.startswith("intermediate_")
        for name, weight in run.model.factors.items()
    }
    run.schedule = run.schedule | {"steps": 1}
    run.train()
    after = {v.path: v.numpy() for v in run.model.fields.trainable_variables}
    moved = {path for path in before if not np.array_equal(before[path], after[path])}
    heads = [path for path in before if "_convolution" in path]
    for path in heads:
        assert (path in moved) == path.startswith("intermediate_"), path
    first, last = {
        "pixel": ("dense_1/kernel", "dense_3/kernel"),
        "resnet": ("conv1_conv/kernel", "conv5_block2_3_conv/kernel"),
    }[settings["backbone"]]
    assert any(path.endswith(first) for path in moved)
    assert not any(path.endswith(last) for path in moved)


class Killed(BaseException):
    """Stands for a signal: no handler of ordinary errors sees it."""


def test_a_killed_run_takes_its_intermediate_heads_up_again(data, finished, tmp_path, monkeypatch):
    real, count = training.draw, itertools.count()

    def draw(seed, step, batch):
        if next(count) == 3:
            raise Killed
        return real(seed, step, batch)

    monkeypatch.setattr(training, "draw", draw)
    with pytest.raises(Killed):
        run_training(data, tmp_path, PIXEL)
    resumed, whole = weights_of(run_training(data, tmp_path, PIXEL)), weights_of(finished)
    for one, two in zip(resumed, whole, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_a_frozen_batch_norm_stays_frozen_below_the_heads(monkeypatch):
    narrow_applications(monkeypatch)
    fields = build(RESNET)
    trunk = next(layer for layer in fields.layers if isinstance(layer, keras.Model))
    for layer in trunk.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    model = intermediate.supervised(fields, RESNET, COCO_PERSON)
    before = [v.numpy() for v in model.non_trainable_variables]
    model(picture(), training=True)
    for one, two in zip(before, model.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("conv9_nowhere", "no layer is called 'conv9_nowhere'"),
        ("conv4_blok2_out", r"did you mean 'conv4_block2_out'\?"),
        (
            "conv2_block2_out",
            r"has \(17, 17\) nodes where the output has \(9, 9\)",
        ),
        ("avg_pool", "in backbone 'resnet' at output stride 8 blocks end"),
        ("avg_pool", "output at conv3_block1_out, conv3_block2_out, conv4_block1_out, conv4"),
    ],
)
def test_a_layer_that_does_not_fit_is_answered_with_those_that_do(monkeypatch, layer, said):
    narrow_applications(monkeypatch)
    settings = RESNET | {"intermediate": {"layer": layer}}
    with pytest.raises(InputError, match=said):
        TrainingStep(build(settings), settings, COCO_PERSON)


@pytest.mark.parametrize("backbone", ["resnet_v2", "mobilenet_v2", "convnext", "small_unet"])
def test_every_trunk_has_such_layers(monkeypatch, backbone):
    narrow_applications(monkeypatch)
    options = {"resnet_v2": {"depth": 50}, "mobilenet_v2": {"alpha": 0.35}}.get(backbone, {})
    settings = PIXEL | {"backbone": backbone, "backbone_options": options}
    fields = build(settings)
    with pytest.raises(InputError, match="blocks end") as refused:
        intermediate.supervised(fields, settings, COCO_PERSON)
    for name in str(refused.value).rsplit(" at ", 1)[1].split(", "):
        asked = settings | {"intermediate": {"layer": name}}
        shape = intermediate.supervised(fields, asked, COCO_PERSON)(picture())[
            "intermediate_short"
        ].shape
        assert tuple(shape) == (2, 9, 9, 17, 2)
