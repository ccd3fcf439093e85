"""Training lowers its loss, goes on where it was stopped, and stops early when it must."""

import csv
import itertools
import json
import os
import signal
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from bottomup import loss_guard, training
from bottomup.batches import RecordSet
from bottomup.checkpoints import restore_state
from bottomup.errors import InputError, Stopped
from bottomup.skeleton import COCO_PERSON
from bottomup.training import Run, train
from training_data import write_training_data

SETTINGS = {
    "system": "personlab",
    "system_options": {"radius_px": 10, "sub_cells": 2, "distance": True},
    "backbone": "pixel",
    "backbone_options": {"features": 16},
    "output_stride": 8,
    "crop": 65,
    "augmentation": {"scale": [0.8, 1.2], "translation": 0.1, "flip": True},
    "training": {
        "steps": 6,
        "batch": 2,
        "learning_rate": 0.01,
        "schedule": "cosine",
        "warmup_share": 0.2,
        "clip_norm": 5,
        "average_decay": 0.9,
        "checkpoint_every": 2,
        "log_every": 2,
        "validation_images": 2,
    },
}


def changed(**schedule):
    return SETTINGS | {"training": SETTINGS["training"] | schedule}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_training_data(tmp_path_factory.mktemp("records"))


def run_training(data, folder, settings=SETTINGS, seed=0):
    train(settings, [data[0]], data[1], COCO_PERSON, seed, folder / "out", folder / "state")
    return folder / "out"


def weights_of(out):
    return keras.saving.load_model(out / "weights.keras", compile=False).get_weights()


def events_of(state):
    for path in sorted((state / "events").iterdir()):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            yield tf.compat.v1.Event.FromString(record)


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    return run_training(data, tmp_path_factory.mktemp("finished"))


def test_history_has_a_row_each_interval(finished):
    rows = list(csv.DictReader((finished / "history.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == [2, 4, 6]
    assert [int(row["images"]) for row in rows] == [4, 8, 12]
    for name in ("loss", "heatmap", "short", "mid", "long", "segmentation", "validation_loss"):
        assert all(np.isfinite(float(row[name])) for row in rows)
    assert float(rows[-1]["learning_rate"]) < float(rows[0]["learning_rate"])


def test_the_record_names_all_that_made_the_weights(finished, data):
    record = json.loads((finished / "run.json").read_text())
    assert record["settings"]["training"]["steps"] == 6
    assert record["network"]["skeleton"] == COCO_PERSON.to_dict()
    assert record["seeds"] == {"run": 0}
    assert record["images"] == 4
    assert str(data[0]) in record["inputs"]
    assert len(record["outputs"]) == 1
    assert record["device"]["kind"] == "cpu"
    assert record["precision"] == "float32"
    assert record["images_seen"] == 12
    assert (record["resumes"], record["deterministic"]) == (0, False)
    assert record["seconds"] > 0


def test_tensorboard_is_shown_losses_and_pictures(finished):
    events = list(events_of(finished.parent / "state"))
    scalars = {(e.step, v.tag): v.simple_value for e in events for v in e.summary.value}
    rows = list(csv.DictReader((finished / "history.csv").read_text().splitlines()))
    for row in rows:
        for name in ("loss", "heatmap", "learning_rate", "validation_loss"):
            shown = scalars[int(row["step"]), name]
            assert shown == pytest.approx(float(row[name]), rel=1e-5, abs=1e-9)
    pictures = {v.tag: v.image for e in events for v in e.summary.value if v.image.width}
    assert set(pictures) == {"heatmap", "segmentation"}
    assert (pictures["heatmap"].height, pictures["heatmap"].width) == (2 * 65, 2 * 65)


class Killed(BaseException):
    """Stands for a signal: no handler of ordinary errors sees it."""


@pytest.mark.parametrize("killed_at", [1, 3, 5])
def test_a_killed_run_ends_where_a_whole_one_does(data, finished, tmp_path, monkeypatch, killed_at):
    real, count = training.draw, itertools.count()

    def draw(seed, step, batch):
        if next(count) == killed_at:
            raise Killed
        return real(seed, step, batch)

    monkeypatch.setattr(training, "draw", draw)
    # A checkpoint ends a row of the history, since the validation loss is asked there.
    settings = changed(checkpoint_every=1) if killed_at == 3 else SETTINGS
    with pytest.raises(Killed):
        run_training(data, tmp_path, settings)
    assert not (tmp_path / "out").exists()
    out = run_training(data, tmp_path, settings)
    for resumed, whole in zip(weights_of(out), weights_of(finished), strict=True):
        np.testing.assert_allclose(resumed, whole, rtol=1e-5, atol=1e-6)
    assert losses_of(out) == losses_of(finished) or killed_at == 3
    rows = "123456" if killed_at == 3 else "246"
    assert [row["step"] for row in losses_of(out)] == list(rows)
    assert not (tmp_path / "state" / "state.npz").exists()
    assert json.loads((out / "run.json").read_text())["resumes"] == (killed_at > 1)


def losses_of(out):
    """The history but for its times, to five digits."""
    rows = csv.DictReader((out / "history.csv").read_text().splitlines())
    return [
        {k: v if k == "step" else v and f"{float(v):.4g}" for k, v in row.items() if k != "seconds"}
        for row in rows
    ]


def test_a_signal_stops_the_run_with_its_state_saved(data, finished, tmp_path, monkeypatch):
    real = training.draw

    def draw(seed, step, batch):
        if step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(seed, step, batch)

    monkeypatch.setattr(training, "draw", draw)
    settings = changed(checkpoint_every=1000)
    with pytest.raises(Stopped, match="stopped at step 3 of 6, asked to by SIGTERM; the state is"):
        run_training(data, tmp_path, settings)
    monkeypatch.setattr(training, "draw", real)
    out = run_training(data, tmp_path, settings)
    assert json.loads((out / "run.json").read_text())["resumes"] == 1
    for resumed, whole in zip(weights_of(out), weights_of(finished), strict=True):
        np.testing.assert_allclose(resumed, whole, rtol=1e-5, atol=1e-6)


def test_a_run_out_of_time_stops_and_each_part_gets_on(data, tmp_path):
    words = [SETTINGS, [data[0]], data[1], COCO_PERSON, 0, tmp_path / "out", tmp_path / "state"]
    for stopped_at in (1, 2):
        with pytest.raises(Stopped, match=f"at step {stopped_at} of 6, its .* over") as stop:
            train(*words, wall_minutes=1e-9)
        assert stop.value.out_of_time


def test_other_images_begin_anew(data, tmp_path, capsys):
    images = tmp_path / "images.txt"
    images.write_text(Path(data[1]).read_text())
    words = [SETTINGS, [data[0]], images, COCO_PERSON, 0, tmp_path / "out", tmp_path / "state"]
    with pytest.raises(Stopped, match="at step 1 of 6"):
        train(*words, wall_minutes=1e-9)
    with pytest.raises(Stopped, match="at step 2 of 6"):
        train(*words, wall_minutes=1e-9)
    images.write_text("".join(images.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(Stopped, match="at step 1 of 6"):
        train(*words, wall_minutes=1e-9)
    assert "on other data or from other weights; this one begins anew" in capsys.readouterr().err


def test_an_explosion_keeps_the_state_from_before_it(data, tmp_path, monkeypatch):
    monkeypatch.setattr(loss_guard, "LEAST_STEPS", 3)
    settings = changed(
        steps=60, learning_rate=0.001, schedule="constant", warmup_share=0, clip_norm=None,
        optimizer="sgd", checkpoint_every=1, loss_limit=5, validation_images=0,
    )  # fmt: skip
    records, state = RecordSet.read([data[0]]), tmp_path / "state"
    state.mkdir()
    run = Run(settings, records, [1, 2, 3, 4, 5, 6], COCO_PERSON, 0, state)
    real = run._one_step

    def one_step(examples):
        if run.step == 5:  # what this step does to the weights shows in the next one's loss
            run.model.optimizer.learning_rate.assign(1e6)
        real(examples)

    monkeypatch.setattr(run, "_one_step", one_step)
    with pytest.raises(InputError, match=r"step 7: .* batch of images \[\d, \d\]"):
        run.train()
    assert restore_state(run.keeper.path, run.variables)["step"] == 5
    assert max(np.abs(v.numpy()).max() for v in run.fields.variables) < 100


def test_another_seed_gives_other_weights(data, finished, tmp_path):
    other = weights_of(run_training(data, tmp_path, seed=1))
    assert any(
        not np.allclose(one, two) for one, two in zip(other, weights_of(finished), strict=True)
    )


def test_training_lowers_every_loss(data, tmp_path):
    out = run_training(data, tmp_path, changed(steps=80, log_every=20, warmup_share=0.0))
    rows = list(csv.DictReader((out / "history.csv").read_text().splitlines()))
    for name in ("heatmap", "short", "segmentation", "loss"):
        assert float(rows[-1][name]) < float(rows[0][name]), name


def test_a_loss_that_is_no_number_names_the_images(data, tmp_path):
    settings = changed(learning_rate=1e30, schedule="constant", clip_norm=None, optimizer="sgd")
    with pytest.raises(InputError, match=r"step \d: the loss of .* batch of images \[\d, \d\]"):
        run_training(data, tmp_path, settings)
    assert not (tmp_path / "out").exists()


def test_the_weights_are_the_running_averages(data, tmp_path):
    records, state = RecordSet.read([data[0]]), tmp_path / "state"
    state.mkdir()
    run = Run(SETTINGS, records, [1, 2, 3, 4, 5, 6], COCO_PERSON, 0, state)
    run.train()
    last = [v.numpy() for v in run.fields.trainable_variables]
    kept = [v.numpy() for v in run.model.optimizer._model_variables_moving_average]
    run.finish(tmp_path / "out", [])
    averaged = weights_of(tmp_path / "out")
    assert any(not np.allclose(one, two) for one, two in zip(last, averaged, strict=True))
    for one, two in zip(kept, averaged, strict=True):
        np.testing.assert_array_equal(one, two)


def test_crops_of_several_sides_take_turns(data, tmp_path):
    settings = changed(steps=5, checkpoint_every=1) | {"crop": [65, 97]}
    run = Run(settings, RecordSet.read([data[0]]), [1, 2, 3, 4], COCO_PERSON, 0, tmp_path)
    seen = []
    for model in run.models:
        step = model.train_on_batch
        model.train_on_batch = lambda *a, step=step, crop=model.crop_px, **k: (
            seen.append(crop) or step(*a, **k)
        )
    before = [np.array(v) for v in run.fields.trainable_variables]
    run.train()
    assert seen == [65, 97, 65, 97, 65]
    assert len({id(model.optimizer) for model in run.models}) == 1
    after = run.fields.trainable_variables
    assert all((a != np.array(b)).any() for a, b in zip(before, after, strict=True))
    assert int(run.model.optimizer.iterations) == 5


def test_mixed_precision_computes_in_bfloat16_and_keeps_weights_in_float32(data, tmp_path):
    out = run_training(data, tmp_path, changed(precision="bfloat16", steps=40, log_every=20))
    keras.config.set_dtype_policy("float32")
    assert json.loads((out / "run.json").read_text())["precision"] == "bfloat16"
    assert {weights.dtype.name for weights in weights_of(out)} == {"float32"}
    rows = list(csv.DictReader((out / "history.csv").read_text().splitlines()))
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])


def test_weights_of_another_run_can_be_the_start(data, finished, tmp_path):
    settings = changed(steps=1, learning_rate=1e-12, average_decay=0, schedule="constant")
    settings = settings | {"initial_weights": {"file": str(finished / "weights.keras")}}
    started = weights_of(run_training(data, tmp_path, settings))
    for one, two in zip(started, weights_of(finished), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)
