"""Networks: shapes, saving, and where a node really looks."""

import keras
import numpy as np
import pytest

from bottomup import lookup, network
from bottomup.errors import InputError
from networks import small_network
from protocols import check_backbone

SMALL = {"small_unet": [{}], "pixel": [{}], "resnet": [{"depth": 50}]}
STRIDES = {"small_unet": (4, 8, 16), "pixel": (8, 16), "resnet": (8, 16)}


def test_every_backbone_is_under_test():
    assert set(lookup.names("backbones")) == set(SMALL) == set(STRIDES)


@pytest.mark.parametrize(
    ("name", "stride"), [(name, stride) for name in SMALL for stride in STRIDES[name]]
)
def test_backbone_protocol(name, stride, tmp_path):
    for options in SMALL[name]:
        check_backbone(name, stride, options, tmp_path)


def test_atrous_nodes_compute_what_the_strided_network_does():
    """Every second node of the trunk at stride 16 is a node of the published one at stride 32."""
    resnet = lookup.load("backbones", "resnet")
    strided, atrous = resnet.build(32, depth=50), resnet.build(16, depth=50)
    atrous.set_weights(strided.get_weights())
    image = np.random.default_rng(0).uniform(0, 255, (1, 97, 97, 3)).astype(np.float32)
    np.testing.assert_allclose(
        np.asarray(atrous(image))[:, ::2, ::2], strided(image), rtol=1e-3, atol=1e-4
    )


def test_outputs_have_the_shapes_of_the_heads():
    fields = small_network()(np.zeros((2, 65, 97, 3), np.float32))
    shapes = {name: tuple(value.shape) for name, value in fields.items()}
    assert shapes == {
        "heatmap": (2, 9, 13, 17),
        "short": (2, 9, 13, 17, 2),
        "mid": (2, 9, 13, 32, 2),
        "long": (2, 9, 13, 17, 2),
        "segmentation": (2, 9, 13, 4),
        "distance": (2, 9, 13),
    }


def test_the_papers_network_has_no_distance():
    options = {"radius_px": 10, "sub_cells": 1}
    fields = small_network(system_options=options)(np.zeros((1, 65, 65, 3), np.float32))
    assert set(fields) == {"heatmap", "short", "mid", "long", "segmentation"}


def test_a_saved_network_gives_the_same_fields(tmp_path):
    built = small_network()
    image = np.random.default_rng(0).uniform(0, 255, (1, 65, 65, 3)).astype(np.float32)
    built.save(tmp_path / "weights.keras")
    loaded = keras.saving.load_model(tmp_path / "weights.keras", compile=False)
    expected, found = built(image), loaded(image)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


def test_refinement_is_what_parts_the_network_from_its_raw_fields():
    built = small_network()
    image = np.random.default_rng(0).uniform(0, 255, (1, 65, 65, 3)).astype(np.float32)
    for layer in built.layers:
        if layer.name == "short_convolution":
            layer.bias.assign(np.full(34, 0.5))
    raw, refined = network.raw_fields(built)(image), built(image)
    np.testing.assert_array_equal(raw["short"], refined["short"])
    assert np.abs(np.asarray(raw["mid"]) - np.asarray(refined["mid"])).max() > 1


def test_a_fresh_heatmap_says_the_prior():
    heatmap = small_network()(np.full((1, 65, 65, 3), 128, np.float32))["heatmap"]
    np.testing.assert_allclose(1 / (1 + np.exp(-np.asarray(heatmap))), 0.02, atol=0.005)


def test_an_unknown_backbone_is_told_with_the_known_ones():
    with pytest.raises(InputError, match=r"unknown name 'vgg'.*small_unet.*backbones/vgg\.py"):
        small_network(backbone="vgg")
