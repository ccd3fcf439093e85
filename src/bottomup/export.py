"""A run's network in forms that need none of this code: a TensorFlow SavedModel, or ONNX.

What goes in: images [batch, side, side, 3], red, green, blue from 0 to 255, as float32. What comes
out: the fields of `fields.grid.Fields` at the output stride, as the network's own probabilities and
offsets in input pixels, refined. Resizing, and reading people from fields, stay with the caller;
`bottomup.decoding` needs no TensorFlow.
"""

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path

import keras
from keras import ops

from bottomup import network
from bottomup.correction import FIRST
from bottomup.crops import crop_sides
from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.run_folder import read_run

FORMATS = ("saved_model", "onnx")
PROBABILITIES = ("heatmap", "segmentation")
ONNX_PACKAGES = ("tf2onnx", "onnx")


@keras.saving.register_keras_serializable("bottomup")
class Probabilities(keras.layers.Layer):
    """A network's outputs with logits turned into probabilities; refinement has been done.

    What PosePlusSeg's network says before its correction is left out.
    """

    def call(self, outputs):
        return {
            name: ops.sigmoid(value) if name in PROBABILITIES else value
            for name, value in outputs.items()
            if not name.startswith(FIRST)
        }

    def compute_output_spec(self, inputs):
        return {
            name: keras.KerasTensor(x.shape, "float32")
            for name, x in inputs.items()
            if not name.startswith(FIRST)
        }


def export_run(
    run_dir: Path | str, out_dir: Path | str, side: int | None, formats: Sequence[str]
) -> list[Path]:
    """Writes the network of a run in each format, and `fields.json`, which says what it gives.

    Args:
        run_dir: Folder of a finished run.
        out_dir: Gets `saved_model/`, `model.onnx`, `fields.json`.
        side: Height and width of the input in px; None takes the longest side trained with.
        formats: Words of `FORMATS`.

    Returns:
        What was written.

    Raises:
        InputError: The run is not whole, the side does not fit its grid, a format is unknown, or
            what it needs is not installed.
    """
    check_formats(formats)
    run_dir, out_dir = Path(run_dir), Path(out_dir)
    record = read_run(run_dir)
    arguments = record["network"]
    model = network.load(run_dir / "weights.keras", arguments)
    names = ("backbone", "output_stride", "system")
    step = network.input_stride(*(arguments[name] for name in names))
    side = side or max(crop_sides(record["settings"]))
    if side < step + 1 or (side - 1) % step:
        near = max(1, (side - 1) // step) * step + 1
        raise InputError(
            f"side {side} does not fit the network of {run_dir}; use n * {step} + 1, such as {near}"
        )
    fixed = inference_model(model, side)
    out_dir.mkdir(parents=True, exist_ok=True)
    written = [out_dir / "fields.json"]
    with written_aside(written[0]) as aside:
        aside.write_text(json.dumps(described(fixed, arguments, side), indent=2) + "\n")
    if "saved_model" in formats:
        written.append(out_dir / "saved_model")
        fixed.export(str(written[-1]), format="tf_saved_model", verbose=False)
    if "onnx" in formats:
        written.append(out_dir / "model.onnx")
        images = keras.InputSpec("float32", (None, side, side, 3), name="images")
        fixed.export(str(written[-1]), format="onnx", verbose=False, input_signature=[images])
    return written


def check_formats(formats: Sequence[str]) -> None:
    """Raises InputError for an unknown format, or one whose packages are not installed."""
    unknown = [form for form in formats if form not in FORMATS]
    if unknown or not formats:
        raise InputError(f"format {unknown[0] if unknown else '(none)'!r}: use {FORMATS}")
    missing = [name for name in ONNX_PACKAGES if importlib.util.find_spec(name) is None]
    if "onnx" in formats and missing:
        raise InputError(
            f"ONNX needs the packages {' and '.join(ONNX_PACKAGES)}, and {missing[0]} is not "
            f"installed; `pip install {' '.join(ONNX_PACKAGES)}`, or export saved_model alone"
        )
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"the backend is {keras.backend.backend()}; export with KERAS_BACKEND=tensorflow"
        )


def inference_model(model: keras.Model, side: int) -> keras.Model:
    """The network for inputs of one side, from images to probabilities and offsets."""
    images = keras.Input((side, side, 3), name="images", dtype="float32")
    return keras.Model(images, Probabilities(name="probabilities")(model(images)), name="inference")


def described(model: keras.Model, arguments: dict, side: int) -> dict:
    """What goes into an exported network and what comes out, with the skeleton."""
    return {
        "input": {"shape": [None, side, side, 3], "values": "red, green, blue, 0 to 255, float32"},
        "output_stride": arguments["output_stride"],
        "sub_cells": arguments["system_options"].get("sub_cells", 1),
        "fields": {name: list(value.shape) for name, value in model.output.items()},
        "skeleton": arguments["skeleton"],
    }
