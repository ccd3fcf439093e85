"""Networks: shapes, saving, and where a node really looks."""

import keras
import numpy as np
import pytest

from bottomup import lookup, network
from bottomup.config_checks import crop_step
from bottomup.errors import InputError
from narrow import narrow_applications
from networks import small_network
from protocols import check_backbone, check_mixed_precision

SMALL = {
    "small_unet": {},
    "pixel": {},
    "resnet": {"depth": 50},
    "resnet_v2": {"depth": 50},
    "mobilenet_v2": {"alpha": 0.35},
    "convnext": {"size": "tiny"},
}
ALL_STRIDES = (4, 8, 16, 32)
STRIDES = dict.fromkeys(SMALL, ALL_STRIDES) | {"small_unet": (4, 8, 16)}
CASES = [(name, stride) for name in SMALL for stride in STRIDES[name]]


def test_every_backbone_is_under_test():
    assert set(lookup.names("backbones")) == set(SMALL)


@pytest.mark.parametrize(("name", "stride"), CASES)
def test_backbone_protocol(name, stride, tmp_path, monkeypatch):
    narrow_applications(monkeypatch)
    check_backbone(name, stride, SMALL[name], tmp_path)


@pytest.mark.parametrize("name", SMALL)
def test_backbone_in_mixed_precision(name, monkeypatch):
    narrow_applications(monkeypatch)
    check_mixed_precision(name, 16, SMALL[name])


@pytest.mark.long
@pytest.mark.parametrize(("name", "stride"), CASES)
def test_backbone_protocol_at_full_width(name, stride, tmp_path):
    check_backbone(name, stride, SMALL[name], tmp_path)


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


@pytest.mark.parametrize("system", lookup.names("systems"))
@pytest.mark.parametrize("backbone", SMALL)
def test_the_config_asks_crops_for_the_grid_of_the_network(system, backbone):
    values = {"system": system, "backbone": backbone, "output_stride": 8}
    assert crop_step(values)[0] == network.input_stride(backbone, 8, system)


def test_an_unknown_backbone_is_told_with_the_known_ones():
    with pytest.raises(InputError, match=r"unknown name 'vgg'.*small_unet.*backbones/vgg\.py"):
        small_network(backbone="vgg")
