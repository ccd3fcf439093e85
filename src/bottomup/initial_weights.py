"""What a training starts from: random numbers, published weights, or another run's network."""

from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np

from bottomup import correction, network
from bottomup.errors import InputError

# How the layers end that are no trunk: heads, branches, correction.
HEAD_SUFFIXES = ("_convolution", correction.LAYER)


def initial_network(arguments: Mapping, initial: str | Mapping) -> keras.Model:
    """Builds a network with its first weights.

    Args:
        arguments: Of `network.build`.
        initial: `random`; `{trunk_file: path}`, the trunk's published weights;
            `{file: path, part: all | trunk}`, another run's `weights.keras`; or `{files: [path],
            part}`, the mean of several of them.

    Raises:
        InputError: The file cannot be read, or holds another network.
    """
    files = files_of(initial)
    initial = initial if isinstance(initial, Mapping) else {}
    fields = network.build(**arguments, trunk_weights=initial.get("trunk_file"))
    if files and "trunk_file" not in initial:
        take_weights(fields, files, initial.get("part", "all"))
    return fields


def files_of(initial: str | Mapping) -> list[str]:
    """The files that a network's first weights are read from."""
    initial = initial if isinstance(initial, Mapping) else {}
    single = [initial[key] for key in ("file", "trunk_file") if key in initial]
    return [*initial.get("files", ()), *single]


def take_weights(fields: keras.Model, paths: Sequence[str], part: str) -> None:
    """Gives a network the mean of the weights of saved ones, in whole or without the heads.

    What is frozen in the first one (the batch normalisation of a published trunk) is frozen.
    """
    ours = list(weighted_layers(fields, part))
    saved = [_saved_layers(ours, path, part) for path in paths]
    for layer, *sources in zip(ours, *saved, strict=True):
        weights = zip(*(source.get_weights() for source in sources), strict=True)
        layer.set_weights([np.mean(each, axis=0, dtype=np.float64) for each in weights])
        layer.trainable = sources[0].trainable


def _saved_layers(ours: Sequence, path: str, part: str) -> list[keras.layers.Layer]:
    """The layers with weights of a saved network, which must have the form of ours."""
    try:
        saved = keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path}: the initial weights cannot be read ({reason}); train that run again"
        ) from error
    theirs = list(weighted_layers(saved, part))
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
    return theirs


def weighted_layers(model: keras.Model, part: str) -> Iterator[keras.layers.Layer]:
    """Layers with weights, those of models inside of models too; `trunk` leaves out the heads."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from weighted_layers(layer, "all")
        elif layer.weights and not (part == "trunk" and layer.name.endswith(HEAD_SUFFIXES)):
            yield layer


def _form(layer: keras.layers.Layer) -> tuple:
    return type(layer).__name__, [tuple(weight.shape) for weight in layer.weights]
