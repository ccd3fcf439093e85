"""Networks: a trunk, one convolution a head, and the refinement of the offsets.

A network maps images [batch, y, x, 3] in 0..255 to a dictionary of fields at the output stride,
offsets in input px, probabilities as logits. A system may put branches between trunk and heads, and
a correction between heads and refinement.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops, tree

from bottomup import lookup
from bottomup.skeleton import Skeleton

FEATURES, HEADS = "features", "heads"


@dataclass(frozen=True)
class Head:
    """One field of a network.

    Attributes:
        shape: Shape of the field at a node, such as (keypoint, 2).
        unit: The field is the convolution's output times this: px for offsets, 1 for logits; a
            number, or nested tuples of `shape`.
        bias: What the field is at first; likewise.
        doubled: Whether the field has cells at half the stride of the trunk's nodes.
    """

    shape: tuple[int, ...]
    unit: float | tuple = 1.0
    bias: float | tuple = 0.0
    doubled: bool = False

    @property
    def channels(self) -> int:
        channels = 1
        for size in self.shape:
            channels *= size
        return channels


@keras.saving.register_keras_serializable("bottomup")
class FieldShape(layers.Layer):
    """Gives a head's channels their shape and unit, in float32 whatever the precision."""

    def __init__(self, shape, unit, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.shape, self.unit = tuple(shape), unit

    def call(self, x):
        shaped = ops.reshape(x, (-1, *ops.shape(x)[1:3], *self.shape))
        return shaped * ops.convert_to_tensor(self.unit, dtype="float32")

    def compute_output_shape(self, input_shape):
        return (*input_shape[:3], *self.shape)

    def get_config(self):
        return {**super().get_config(), "shape": self.shape, "unit": self.unit}


@keras.saving.register_keras_serializable("bottomup")
class CellConvolution(layers.Conv2DTranspose):
    """A transposed convolution from nodes to the cells between them, at half the stride.

    Four taps, so that a cell's kernel lies evenly about its centre, a quarter of the way between
    two nodes; with three every cell would look half a cell beside itself. What lies beyond the
    first and the last node is cut off: n nodes give 2 (n - 1) cells.
    """

    def __init__(self, filters, kernel_size=4, strides=2, **kwargs):
        super().__init__(filters, kernel_size, strides, padding="valid", **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["padding"]
        return config

    def call(self, inputs):
        return super().call(inputs)[:, 2:-2, 2:-2]

    def compute_output_shape(self, input_shape):
        rows, columns = (None if n is None else 2 * (n - 1) for n in input_shape[1:3])
        return (input_shape[0], rows, columns, self.filters)

    def compute_output_spec(self, inputs):
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)


@keras.saving.register_keras_serializable("bottomup")
class Refinement(layers.Layer):
    """A system's recurrent refinement of its offsets, as the last layer of a network."""

    def __init__(self, system, skeleton, stride, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.system, self.skeleton, self.stride = system, skeleton, stride

    def call(self, outputs):
        module = lookup.load("systems", self.system)
        return module.refined(outputs, Skeleton.from_dict(self.skeleton), self.stride)

    def compute_output_shape(self, input_shape):
        return dict(input_shape)

    def compute_output_spec(self, inputs):
        return {name: keras.KerasTensor(x.shape, "float32") for name, x in inputs.items()}

    def get_config(self):
        own = {"system": self.system, "skeleton": self.skeleton, "stride": self.stride}
        return {**super().get_config(), **own}


def build(
    system: str,
    system_options: Mapping,
    backbone: str,
    backbone_options: Mapping,
    output_stride: int,
    skeleton: Mapping,
    trunk_weights: str | None = None,
) -> keras.Model:
    """Builds a network from plain values, as a run record stores them.

    Args:
        system: Name of a module in `systems`.
        system_options: The system's own options.
        backbone: Name of a module in `backbones`.
        backbone_options: The trunk's own options.
        output_stride: Input px between two nodes.
        skeleton: `Skeleton.to_dict()`.
        trunk_weights: File of published weights for the trunk; None starts at random.

    Returns:
        A model from images [batch, y, x, 3] to the system's fields. Sides must be
        n `input_stride` + 1.
    """
    method = lookup.load("systems", system)
    options = method.Options.from_dict(system_options)
    trunk = lookup.load("backbones", backbone).build(
        trunk_stride(system, output_stride), trunk_weights, **backbone_options
    )
    heads = method.heads(Skeleton.from_dict(skeleton), options)
    features = layers.Identity(name=FEATURES)(trunk.output)
    places = method.branches(features, options) if hasattr(method, "branches") else {}
    outputs = {
        name: output_of(head, places.get(name, features), name) for name, head in heads.items()
    }
    if hasattr(method, "corrected"):
        outputs = method.corrected(outputs, heads, options)
    refined = Refinement(system, dict(skeleton), output_stride, name="refinement")(outputs)
    return keras.Model(trunk.input, refined, name="fields")


def raw_fields(network: keras.Model) -> keras.Model:
    """The same network without its refinement (shared weights)."""
    return keras.Model(network.input, _before_refinement(network), name="raw_fields")


def from_features(network: keras.Model) -> keras.Model:
    """What follows the trunk, up to the refinement: features to raw fields (shared weights)."""
    features = network.get_layer(FEATURES).output
    return keras.Model(features, _before_refinement(network), name=HEADS)


def _before_refinement(network: keras.Model) -> dict:
    inputs = network.get_layer("refinement").input
    return tree.pack_sequence_as(dict.fromkeys(network.output, 0), tree.flatten(inputs))


def trunk_stride(system: str, output_stride: int) -> int:
    """Input px between two nodes of the trunk; a system whose heads double its grid says so."""
    return output_stride * getattr(lookup.load("systems", system), "UPSAMPLING", 1)


def load(weights: Path | str, arguments: Mapping) -> keras.Model:
    """A saved network; `arguments` are those it was built with."""
    # Keras finds the layers of a trunk or a system only once their modules have been imported.
    lookup.load("backbones", arguments["backbone"])
    lookup.load("systems", arguments["system"])
    return keras.saving.load_model(weights, compile=False)


def input_stride(backbone: str, output_stride: int, system: str) -> int:
    """Sides of a network's input must be n times this + 1."""
    stride = trunk_stride(system, output_stride)
    return lookup.load("backbones", backbone).input_stride(stride)


def output_of(head: Head, features, name: str):
    """A head on features [batch, y, x, channel]: a convolution of its own, then its shape."""
    first = np.broadcast_to(np.divide(head.bias, head.unit), head.shape).reshape(-1)
    settings = {
        "kernel_initializer": keras.initializers.RandomNormal(stddev=0.01),
        "bias_initializer": keras.initializers.Constant(first.tolist()),
        "dtype": "float32",
        "name": f"{name}_convolution",
    }
    convolution = (
        CellConvolution(head.channels, **settings)
        if head.doubled
        else layers.Conv2D(head.channels, 1, **settings)
    )
    return FieldShape(head.shape, head.unit, name=name)(convolution(features))
