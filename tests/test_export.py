"""Exported networks give the fields of the original, and say what they need."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from bottomup.cli import main
from bottomup.errors import InputError
from bottomup.export import ONNX_PACKAGES, export_run
from bottomup.inference import Predictor, _forward
from networks import save_run, small_network

SIDE = 65


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return save_run(small_network(), tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(0, 255, (2, SIDE, SIDE, 3)).astype(np.float32)


def assert_same_fields(found, run_dir, images):
    """What an exported network gives is what prediction gives."""
    for index, fields in enumerate(_forward(Predictor.load(run_dir), images)):
        for name in ("heatmap", "short", "mid", "long", "distance"):
            given = np.asarray(found[name][index])
            np.testing.assert_allclose(given, getattr(fields, name), rtol=1e-4, atol=1e-4)
        s = fields.sub_cells
        cells = np.asarray(found["segmentation"][index])
        rows, columns = cells.shape[:2]
        cells = cells.reshape(rows, columns, s, s).transpose(0, 2, 1, 3)
        given = cells.reshape(rows * s, columns * s)
        np.testing.assert_allclose(given, fields.segmentation, rtol=1e-4, atol=1e-4)


def test_a_saved_model_gives_the_fields_of_the_original(run_dir, images, tmp_path):
    assert main(["export", "--run", str(run_dir), "--out", str(tmp_path)]) == 0
    loaded = tf.saved_model.load(str(tmp_path / "saved_model"))
    found = loaded.serve(images)
    assert_same_fields(found, run_dir, images)
    said = json.loads((tmp_path / "fields.json").read_text())
    assert said["input"]["shape"] == [None, SIDE, SIDE, 3]
    assert {name: shape[1:] for name, shape in said["fields"].items()} == {
        name: list(value.shape[1:]) for name, value in found.items()
    }


def test_a_network_with_a_correction_is_exported_by_a_fresh_process(tmp_path):
    changes = {"system": "poseplusseg", "system_options": {"correction_channels": 4}}
    save_run(small_network(**changes), tmp_path, **changes)
    words = ["export", "--run", tmp_path, "--out", tmp_path / "out", "--side", str(SIDE)]
    subprocess.run([sys.executable, "-m", "bottomup.cli", *words], check=True)
    said = json.loads((tmp_path / "out" / "fields.json").read_text())
    assert set(said["fields"]) == {"heatmap", "short", "mid", "long", "segmentation", "centroid"}


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in (*ONNX_PACKAGES, "onnxruntime")),
    reason="tf2onnx, onnx and onnxruntime are optional and not installed",
)
# The converter uses what its own dependencies advise against.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_onnx_gives_the_fields_of_the_original(run_dir, images, tmp_path):
    import onnxruntime

    export_run(run_dir, tmp_path, SIDE, ["onnx"])
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    given = session.run(None, {session.get_inputs()[0].name: images})
    names = [output.name for output in session.get_outputs()]
    assert_same_fields(dict(zip(names, given, strict=True)), run_dir, images)


def test_onnx_without_its_packages_is_told(run_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install tf2onnx onnx"):
        export_run(run_dir, tmp_path, SIDE, ["onnx"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("side", "formats", "words"),
    [
        (64, ["saved_model"], r"use n \* 8 \+ 1, such as 57"),
        (SIDE, ["tflite"], "'tflite'"),
    ],
)
def test_bad_requests_are_told(run_dir, tmp_path, side, formats, words):
    with pytest.raises(InputError, match=words):
        export_run(run_dir, tmp_path, side, formats)


def test_a_folder_that_is_no_run_is_told(tmp_path, capsys):
    assert main(["export", "--run", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "no run.json here" in capsys.readouterr().err
