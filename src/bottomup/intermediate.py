"""Intermediate supervision: the same heads on a layer inside the trunk, in training only.

PersonLab's heads look at a second place, whose losses count once more. The layers of the network
are shared, so what is saved and what infers is the network as if there were no such heads.
"""

import difflib
from collections import Counter
from collections.abc import Mapping

import keras
from keras import tree

from bottomup import lookup, network
from bottomup.errors import InputError
from bottomup.skeleton import Skeleton

PREFIX = "intermediate_"


def supervised(fields: keras.Model, settings: Mapping, skeleton: Skeleton) -> keras.Model:
    """The network whose outputs have losses.

    Args:
        fields: What `network.build` gives.
        settings: An experiment's keys; `intermediate` holds `layer` and `weight`, or nothing.
        skeleton: The dataset's skeleton.

    Returns:
        A model with the layers of `fields`, raw or refined as the system's options say. If asked
        for, each output comes a second time as `intermediate_<name>`, from heads of its own.

    Raises:
        InputError: The trunk has no such layer, or it does not lie on the grid of the output.
    """
    method = lookup.load("systems", settings["system"])
    options = method.Options.from_dict(settings.get("system_options", {}))
    if not settings.get("intermediate"):
        return fields if options.refine_in_training else network.raw_fields(fields)
    heads = method.heads(skeleton, options)
    features, inside = _features(fields, settings)
    last = network.from_features(fields)(features)
    twice = getattr(method, "INTERMEDIATE_HEADS", tuple(heads))
    early = {name: network.output_of(heads[name], inside, PREFIX + name) for name in twice}
    if options.refine_in_training:
        refinement = fields.get_layer("refinement")
        last, early = refinement(last), refinement(early)
    early = {PREFIX + name: value for name, value in early.items()}
    return keras.Model(fields.input, {**last, **early}, name="supervised")


def losses(outputs: Mapping, goals: Mapping, method, options) -> dict:
    """Each head's loss, unweighted; those of the intermediate heads are prefixed alike.

    Args:
        outputs: What the model of `supervised` gives.
        goals: What `method.targets` gives.
        method: The system's module.
        options: Its options.
    """
    last = {name: value for name, value in outputs.items() if not name.startswith(PREFIX)}
    parts = method.losses(last, goals, options)
    if len(outputs) > len(last):
        early = {name.removeprefix(PREFIX): outputs[name] for name in outputs if name not in last}
        again = method.losses(early, goals, options)
        parts = parts | {PREFIX + name: value for name, value in again.items()}
    return parts


def loss_weights(settings: Mapping, options) -> dict[str, float]:
    """The weight of each loss that `losses` may give."""
    weights = dict(options.loss_weights)
    factor = (settings.get("intermediate") or {}).get("weight", 1.0)
    return weights | {PREFIX + name: factor * weight for name, weight in weights.items()}


def _features(fields: keras.Model, settings: Mapping) -> tuple:
    """The trunk's output and the output of the layer asked for, of one pass through the trunk."""
    nested = [n for n, layer in enumerate(fields.layers) if isinstance(layer, keras.Model)]
    if nested:
        trunk, image = fields.layers[nested[0]], fields.layers[nested[0] - 1].output
    else:  # The trunk's layers are the network's own.
        features = fields.get_layer(network.FEATURES).input
        trunk, image = keras.Model(fields.input, features), fields.input
    crop = keras.KerasTensor((1, settings["crop"], settings["crop"], 3))
    inside = _checked(trunk, keras.Model(fields.input, image).compute_output_spec(crop), settings)
    return tuple(keras.Model(trunk.input, [trunk.output, inside])(image))


def _checked(trunk: keras.Model, image: keras.KerasTensor, settings: Mapping):
    """The output of the layer asked for, if it lies on the grid of the trunk's output."""
    layer = settings["intermediate"]["layer"]
    maps = {op.name: op.output for op in trunk.operations if _is_map(op.output)}
    grids = keras.Model(trunk.input, [trunk.output, *maps.values()]).compute_output_spec(image)
    last, *others = [tuple(grid.shape[1:3]) for grid in grids]
    grid_of = dict(zip(maps, others, strict=True))
    if grid_of.get(layer) == last:
        return maps[layer]
    fitting = [name for name in maps if grid_of[name] == last]
    if layer in maps:
        problem = f"{layer!r} has {grid_of[layer]} nodes where the output has {last}"
    else:
        guess = difflib.get_close_matches(layer, fitting, 1, 0.5)
        hint = f"; did you mean {guess[0]!r}?" if guess else ""
        problem = f"no layer is called {layer!r}{hint}"
    where = f"backbone {settings['backbone']!r} at output stride {settings['output_stride']}"
    ends = ", ".join(name for name in fitting if _uses(trunk)[id(maps[name])] > 1)
    raise InputError(
        f"intermediate.layer: {problem}; in {where} blocks end on the grid of the output at "
        f"{ends or 'no layer'}"
    )


def _uses(trunk: keras.Model) -> Counter:
    """How many layers read each tensor; a block ends where more than one does."""
    return Counter(id(x) for op in trunk.operations for x in tree.flatten(op.input))


def _is_map(output) -> bool:
    return isinstance(output, keras.KerasTensor) and len(output.shape) == 4
