"""A network starts with another's weights, in whole or its trunk alone."""

import numpy as np
import pytest

from bottomup.errors import InputError
from bottomup.initial_weights import initial_network
from networks import NETWORK, small_network

HEADS = ("heatmap", "short", "mid", "long", "segmentation", "distance")


def weights_of(network, heads):
    """Weights of the heads, or of all other layers."""
    names = {f"{head}_convolution" for head in HEADS}
    layers = [layer for layer in network.layers if (layer.name in names) == heads]
    return [weights for layer in layers for weights in layer.get_weights()]


def equal(ones, others):
    return all(np.array_equal(one, two) for one, two in zip(ones, others, strict=True))


@pytest.fixture(scope="module", params=["pixel", "small_unet"])
def saved(request, tmp_path_factory):
    arguments = NETWORK | {"backbone": request.param}
    network = small_network(backbone=request.param)
    path = tmp_path_factory.mktemp("run") / "weights.keras"
    network.save(path)
    return arguments, network, path


def test_all_of_it(saved):
    arguments, network, path = saved
    started = initial_network(arguments, {"file": str(path), "part": "all"})
    assert equal(started.get_weights(), network.get_weights())


def test_the_trunk_alone_also_below_other_heads(saved):
    arguments, network, path = saved
    other = arguments | {"system_options": {"sub_cells": 4}}
    for each in (arguments, other):
        started = initial_network(each, {"file": str(path), "part": "trunk"})
        assert equal(weights_of(started, heads=False), weights_of(network, heads=False))
    same = initial_network(saved[0], {"file": str(path), "part": "trunk"})
    assert not equal(weights_of(same, heads=True), weights_of(network, heads=True))


def test_another_network_is_refused(saved):
    arguments, _, path = saved
    other = arguments | {"system_options": {"sub_cells": 4}}
    with pytest.raises(InputError, match=r"belong to another network .*\(part: trunk\)"):
        initial_network(other, {"file": str(path), "part": "all"})
    other = "pixel" if arguments["backbone"] == "small_unet" else "small_unet"
    with pytest.raises(InputError, match="belong to another trunk"):
        initial_network(arguments | {"backbone": other}, {"file": str(path), "part": "trunk"})


def test_what_was_frozen_stays_frozen(tmp_path):
    network = small_network(backbone="small_unet")
    frozen = next(layer for layer in network.layers if "batch_norm" in layer.name)
    frozen.trainable = False
    network.save(tmp_path / "weights.keras")
    start = {"file": str(tmp_path / "weights.keras"), "part": "trunk"}
    started = initial_network(NETWORK | {"backbone": "small_unet"}, start)
    assert len(started.trainable_variables) == len(network.trainable_variables)
    assert len(started.trainable_variables) < len(started.variables)


@pytest.mark.parametrize("content", [None, b"no network"])
def test_a_file_that_is_no_network_is_named(tmp_path, content):
    path = tmp_path / "weights.keras"
    if content:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"weights\.keras: the initial weights cannot be read"):
        initial_network(NETWORK, {"file": str(path), "part": "all"})


def test_the_mean_of_several_networks(saved, tmp_path):
    arguments, network, path = saved
    other = small_network(backbone=arguments["backbone"])
    other.save(tmp_path / "other.keras")
    files = [str(path), str(tmp_path / "other.keras")]
    started = initial_network(arguments, {"files": files, "part": "all"})
    pairs = zip(network.get_weights(), other.get_weights(), strict=True)
    for found, (one, two) in zip(started.get_weights(), pairs, strict=True):
        np.testing.assert_allclose(found, (one + two) / 2, atol=1e-6)


def test_one_of_several_that_is_another_network_is_named(saved, tmp_path):
    arguments, _, path = saved
    changed = {"sub_cells": 4}
    small_network(system_options=changed, backbone=arguments["backbone"]).save(tmp_path / "o.keras")
    with pytest.raises(
        InputError, match=r"o\.keras: the initial weights belong to another network"
    ):
        initial_network(arguments, {"files": [str(path), str(tmp_path / "o.keras")], "part": "all"})
