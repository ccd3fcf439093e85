"""What the trunks of `keras.applications` share: dilation, published weights, input normalisation.

A published configuration is rewritten: from the layer on that would exceed the output stride,
strides become 1 and what follows looks as far as it did, by dilation. Every weight keeps its
place, so published weights load unchanged, and every second (fourth, ...) node computes what the
strided network would.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import keras
from keras import layers, ops

from bottomup.errors import InputError

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)
IMAGENET_MEAN_RGB = (0.485 * 255, 0.456 * 255, 0.406 * 255)
IMAGENET_DEVIATION_RGB = (0.229 * 255, 0.224 * 255, 0.225 * 255)


@keras.saving.register_keras_serializable("bottomup")
class CaffeInput(layers.Layer):
    """The mode `caffe` of Keras: BGR, minus ImageNet's mean."""

    def call(self, image):
        return image[..., ::-1] - ops.cast(IMAGENET_MEAN_BGR, image.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape


def tf_input() -> layers.Layer:
    """The mode `tf` of Keras: RGB in -1..1."""
    return layers.Rescaling(1 / 127.5, offset=-1.0, name="tf_input")


def torch_input() -> layers.Layer:
    """The mode `torch` of Keras: RGB minus ImageNet's mean, in its standard deviations."""
    variance = [deviation**2 for deviation in IMAGENET_DEVIATION_RGB]
    return layers.Normalization(mean=IMAGENET_MEAN_RGB, variance=variance, name="torch_input")


def build_trunk(
    family: str,
    output_stride: int,
    weights: Path | str | None,
    *first: layers.Layer,
    amend: Callable[[dict], None] = lambda layer: None,
    **options,
) -> keras.Model:
    """A family of `keras.applications` as a trunk.

    Args:
        family: Name of its function.
        output_stride: Input px between two nodes of the output.
        weights: File of the published weights without top; None starts at random.
        first: Layers that turn RGB images in 0..255 into the input of the published network.
        amend: As in `atrous`.
        options: The family's own.

    Raises:
        InputError: The file is missing or holds weights of another network.
    """
    published = getattr(keras.applications, family)(
        include_top=False, weights=None, input_shape=(None, None, 3), **options
    )
    trunk = atrous(published, output_stride, amend)
    if weights:
        load_published(trunk, weights)
    return with_input(trunk, *first)


def atrous(
    published: keras.Model, output_stride: int, amend: Callable[[dict], None] = lambda layer: None
) -> keras.Model:
    """A network of fresh weights like a published one, but for its output stride.

    Args:
        published: A network of `keras.applications` for inputs of any size.
        output_stride: Input px between two nodes of the output.
        amend: Changes the configuration of a layer in place, before it is made atrous.
    """
    config = published.get_config()
    strides: dict[str, int] = {}
    for layer in config["layers"]:
        before = max((strides[name] for name in _sources(layer["inbound_nodes"])), default=1)
        amend(layer)
        strides[layer["name"]] = _make_atrous(layer, before, output_stride)
    return keras.Model.from_config(config)


def _make_atrous(layer: dict, before: int, output_stride: int) -> int:
    """Rewrites a layer whose input has the published stride `before`; returns its output's."""
    values = layer["config"]
    if layer["class_name"] == "Sequential":
        for inner in values["layers"]:
            before = _make_atrous(inner, before, output_stride)
        return before
    after = before * _side(values.get("strides", 1))
    if "strides" in values and after > output_stride:
        values["strides"] = (1, 1)
    dilation = max(1, before // output_stride)
    if layer["class_name"] == "ZeroPadding2D":
        values["padding"] = [[dilation * side for side in sides] for sides in values["padding"]]
    elif _side(values.get("kernel_size", 1)) > 1:
        values["dilation_rate"] = (dilation, dilation)
    return after


def _side(value) -> int:
    """One side of a size that Keras writes as a number or as a pair."""
    return value if isinstance(value, int) else value[0]


def _sources(value) -> Iterator[str]:
    """Names of the layers whose outputs a configuration's `inbound_nodes` name."""
    if isinstance(value, dict) and "keras_history" in value:
        yield value["keras_history"][0]
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _sources(inner)


def load_published(trunk: keras.Model, weights: Path | str) -> None:
    """Loads published weights and freezes the batch normalisation that they come with.

    A frozen layer stays in inference mode while the rest trains: statistics of a few large crops
    are worse than those of ImageNet (PersonLab, section 4.1).

    Raises:
        InputError: The file is missing or holds weights of another network.
    """
    try:
        trunk.load_weights(weights)
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{weights}: does not hold the weights of {trunk.name} ({reason}); give the file "
            "without top that Keras publishes for these backbone_options"
        ) from error
    for layer in trunk.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def with_input(trunk: keras.Model, *first: layers.Layer) -> keras.Model:
    """The trunk behind layers that turn RGB images [batch, y, x, 3] in 0..255 into its input."""
    image = x = keras.Input([None, None, 3], name="image")
    for layer in first:
        x = layer(x)
    return keras.Model(image, trunk(x), name=trunk.name)
