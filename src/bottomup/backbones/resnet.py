"""ResNet-50, 101 and 152 (He et al. 2016) of `keras.applications`, made atrous.

The published configuration is rewritten: from the stage on that would exceed the output stride,
strides become 1 and the 3x3 convolutions look as far as they did, by dilation. Every weight keeps
its place, so published weights load unchanged, and every second (fourth, ...) node computes what
the strided network would.
"""

import re

import keras
from keras import layers, ops

STAGE = re.compile(r"conv([2-5])_block")
IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)


def input_stride(output_stride: int) -> int:
    """Input sides must be n output_stride + 1."""
    return output_stride


def build(output_stride: int, weights: str | None = None, depth: int = 101) -> keras.Model:
    """Builds the trunk.

    Args:
        output_stride: 4, 8, 16 or 32.
        weights: File of the published weights without top; None starts at random.
        depth: 50, 101 or 152.

    Returns:
        A model from RGB images [batch, y, x, 3] in 0..255 to [batch, y, x, 2048] features. With
        published weights its batch normalisation is frozen; from scratch it trains.
    """
    family = {50: "ResNet50", 101: "ResNet101", 152: "ResNet152"}[depth]
    strided = getattr(keras.applications, family)(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    config = strided.get_config()
    for layer in config["layers"]:
        _make_atrous(layer, output_stride)
    trunk = keras.Model.from_config(config)
    if weights:
        trunk.load_weights(weights)
        for layer in trunk.layers:
            layer.trainable = not isinstance(layer, layers.BatchNormalization)
    image = keras.Input([None, None, 3], name="image")
    return keras.Model(image, trunk(CaffeInput()(image)), name=f"resnet{depth}")


def _make_atrous(layer: dict, output_stride: int) -> None:
    stage = STAGE.match(layer["config"]["name"])
    if not stage or layer["class_name"] != "Conv2D":
        return
    exceeds = 2 ** int(stage[1]) // output_stride
    if exceeds > 1:
        layer["config"]["strides"] = (1, 1)
        if tuple(layer["config"]["kernel_size"]) == (3, 3):
            layer["config"]["dilation_rate"] = (exceeds, exceeds)


@keras.saving.register_keras_serializable("bottomup")
class CaffeInput(layers.Layer):
    """The input that these weights were trained with: BGR, minus ImageNet's mean."""

    def call(self, image):
        return image[..., ::-1] - ops.cast(IMAGENET_MEAN_BGR, image.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape
