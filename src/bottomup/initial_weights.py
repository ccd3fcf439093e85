"""What a training starts from: random numbers, published weights, or another run's network."""

from collections.abc import Iterator, Mapping

import keras

from bottomup import network
from bottomup.errors import InputError

HEAD_SUFFIX = "_convolution"  # how `network` names the layers that are no trunk


def initial_network(arguments: Mapping, initial: str | Mapping) -> keras.Model:
    """Builds a network with its first weights.

    Args:
        arguments: Of `network.build`.
        initial: `random`; `{trunk_file: path}`, the trunk's published weights; or
            `{file: path, part: all | trunk}`, another run's `weights.keras`.

    Raises:
        InputError: The file cannot be read, or holds another network.
    """
    initial = initial if isinstance(initial, Mapping) else {}
    fields = network.build(**arguments, trunk_weights=initial.get("trunk_file"))
    if "file" in initial:
        take_weights(fields, initial["file"], initial.get("part", "all"))
    return fields


def take_weights(fields: keras.Model, path: str, part: str) -> None:
    """Gives a network the weights of a saved one, in whole or without the heads.

    What is frozen in the saved network (the batch normalisation of a published trunk) is frozen.
    """
    try:
        saved = keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path}: the initial weights cannot be read ({reason}); train that run again"
        ) from error
    ours, theirs = list(weighted_layers(fields, part)), list(weighted_layers(saved, part))
    if list(map(_form, ours)) != list(map(_form, theirs)):
        what, alike = (
            ("trunk", "backbone and its options")
            if part == "trunk"
            else ("network", "system, backbone and options, or take the trunk alone (part: trunk)")
        )
        raise InputError(
            f"{path}: the initial weights belong to another {what} than the experiment's; "
            f"name a run with the same {alike}"
        )
    for layer, source in zip(ours, theirs, strict=True):
        layer.set_weights(source.get_weights())
        layer.trainable = source.trainable


def weighted_layers(model: keras.Model, part: str) -> Iterator[keras.layers.Layer]:
    """Layers with weights, those of models inside of models too; `trunk` leaves out the heads."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from weighted_layers(layer, "all")
        elif layer.weights and not (part == "trunk" and layer.name.endswith(HEAD_SUFFIX)):
            yield layer


def _form(layer: keras.layers.Layer) -> tuple:
    return type(layer).__name__, [tuple(weight.shape) for weight in layer.weights]
