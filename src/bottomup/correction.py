"""A small trained network that looks at the first fields of a network and corrects them.

PosePlusSeg draws such a "Refine Network" behind its keypoints and behind its masks; the released
code has none, and the paper's layers are not known here. This one is the plainest that fits the
drawing: for each group of fields two 3 x 3 convolutions and one 1 x 1 whose output is added. It
starts as no correction at all, and its losses train it alone: the first fields have losses of
their own.
"""

from collections.abc import Mapping, Sequence

import keras
from keras import layers, ops

FIRST = "first_"  # prefix of the fields as they were before the correction
LAYER = "correction"


@keras.saving.register_keras_serializable("bottomup")
class Correction(layers.Layer):
    """Fields in, the same fields corrected out, and beside them those before the correction."""

    def __init__(self, groups: Sequence[Sequence[str]], units: Mapping, channels: int, **kwargs):
        """Sets up the layer.

        Args:
            groups: Names of fields that are looked at and corrected together.
            units: For each of them its unit in px, or None for logits.
            channels: Width of the two hidden convolutions.
            **kwargs: Of any Keras layer.
        """
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.groups, self.units = [list(group) for group in groups], dict(units)
        self.channels = channels
        self.looks: list[list[layers.Layer]] = []

    def build(self, shapes):
        for group in self.groups:
            sizes = [_channels(shapes[name]) for name in group]
            seen = sum(sizes) + ("heatmap" in group)
            look = [
                layers.Conv2D(self.channels, 3, padding="same", activation="relu"),
                layers.Conv2D(self.channels, 3, padding="same", activation="relu"),
                layers.Conv2D(sum(sizes), 1, kernel_initializer="zeros"),
            ]
            for convolution, width in zip(look, (seen, self.channels, self.channels), strict=True):
                convolution.build((None, None, None, width))
            self.looks.append(look)
        self.built = True

    def call(self, fields):
        corrected = dict(fields)
        for group, look in zip(self.groups, self.looks, strict=True):
            change = ops.concatenate(self._seen(fields, group), axis=-1)
            for convolution in look:
                change = convolution(change)
            start = 0
            for name in group:
                before = ops.stop_gradient(fields[name])
                end = start + _channels(before.shape)
                part = ops.reshape(change[..., start:end], ops.shape(before))
                corrected[name] = before + part * (self.units[name] or 1.0)
                corrected[FIRST + name] = fields[name]
                start = end
        return corrected

    def _seen(self, fields: Mapping, group: Sequence[str]) -> list:
        """What the convolutions look at: the fields in their units, and where a body is."""
        seen = []
        for name in group:
            field = ops.stop_gradient(fields[name])
            flat = ops.reshape(field, (*ops.shape(field)[:3], _channels(field.shape)))
            unit = self.units[name]
            flat = flat / unit if unit else ops.sigmoid(flat)
            seen.append(flat)
            if name == "heatmap":
                seen.append(ops.max(flat, axis=-1, keepdims=True))
        return seen

    def compute_output_shape(self, shapes):
        again = {FIRST + name: shapes[name] for group in self.groups for name in group}
        return {**shapes, **again}

    def compute_output_spec(self, fields):
        shapes = self.compute_output_shape({name: x.shape for name, x in fields.items()})
        return {name: keras.KerasTensor(shape, "float32") for name, shape in shapes.items()}

    def get_config(self):
        own = {"groups": self.groups, "units": self.units, "channels": self.channels}
        return {**super().get_config(), **own}


def _channels(shape: Sequence[int]) -> int:
    channels = 1
    for size in shape[3:]:
        channels *= size
    return channels
