"""Trunks of `keras.applications`: published weights, what goes in, and what is frozen."""

from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras.src.applications import convnext, resnet
from keras.src.legacy.saving import legacy_h5_format

from bottomup import lookup
from bottomup.errors import InputError
from bottomup.schema import load_schema, read_yaml, validated
from narrow import narrow_applications

REPOSITORY = Path(__file__).resolve().parents[1]
OPTIONS = {
    "resnet": {"depth": 50},
    "resnet_v2": {"depth": 50},
    "mobilenet_v2": {"alpha": 0.35},
    "convnext": {"size": "tiny"},
}
NORMALISED = [name for name in OPTIONS if name != "convnext"]  # by batch
SIDES = (65, 129)
WEIGHTS = read_yaml(REPOSITORY / "config" / "weights.yaml")


def published(name, sides=SIDES):
    """The network as Keras builds it, without top, for images of one size."""
    arguments = {"include_top": False, "weights": None, "input_shape": (*sides, 3)}
    if name == "convnext":
        return keras.applications.ConvNeXtTiny(**arguments)
    if name == "mobilenet_v2":
        return keras.applications.MobileNetV2(alpha=0.35, **arguments)
    return getattr(keras.applications, {"resnet": "ResNet50", "resnet_v2": "ResNet50V2"}[name])(
        **arguments
    )


def preprocessed(name, image):
    """What Keras says should go into the network; ConvNeXt's own first layer does it."""
    modules = {"resnet": keras.applications.resnet, "resnet_v2": keras.applications.resnet_v2}
    modules |= {"mobilenet_v2": keras.applications.mobilenet_v2}
    return modules[name].preprocess_input(image.copy()) if name in modules else image


def build(name, stride=32, weights=None):
    return lookup.load("backbones", name).build(stride, weights, **OPTIONS[name])


def picture(sides=SIDES, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, (1, *sides, 3)).astype(np.float32)


def scatter(network, seed=0):
    """Gives a network's biases, scales and statistics values of which none is like another."""
    random = np.random.default_rng(seed)
    for variable in network.variables:
        if len(variable.shape) == 1:
            value = variable.numpy() * random.uniform(0.8, 1.2, variable.shape)
            variable.assign(value + random.uniform(0, 0.05, variable.shape))


def save_as_published(network, path):
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    return path


@pytest.fixture
def narrow(monkeypatch):
    narrow_applications(monkeypatch)


@pytest.mark.parametrize("name", OPTIONS)
def test_published_weights_give_what_keras_computes(name, tmp_path):
    """At stride 32 every node; at 8 every fourth, since dilated it looks at the same pixels."""
    sides = (SIDES[0] + 31, SIDES[1] + 31) if name == "convnext" else SIDES
    theirs = published(name, sides)
    scatter(theirs)
    path = save_as_published(theirs, tmp_path / "published.h5")
    image = inside = picture()
    if name == "convnext":  # Our padding around it; zero for the trunk is the mean colour.
        inside = np.full((1, *sides, 3), np.array([0.485, 0.456, 0.406]) * 255, np.float32)
        inside[:, 16:-15, 16:-15] = image
    expected = np.asarray(theirs(preprocessed(name, inside)))
    tolerance = {"rtol": 1e-3, "atol": 1e-4 * np.abs(expected).max()}
    np.testing.assert_allclose(build(name, 32, path)(image), expected, **tolerance)
    atrous = np.asarray(build(name, 8, path)(image))
    np.testing.assert_allclose(atrous[:, ::4, ::4], expected, **tolerance)
    assert np.abs(expected).std() > 0


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("name", OPTIONS)
def test_the_network_brings_its_images_into_the_published_range(name, tmp_path):
    build(name).save(tmp_path / "trunk.keras")
    loaded = keras.saving.load_model(tmp_path / "trunk.keras")
    index = next(n for n, layer in enumerate(loaded.layers) if isinstance(layer, keras.Model))
    first = keras.Model(loaded.input, loaded.layers[index - 1].output)
    image = picture()
    found = np.asarray(first(image))
    if name == "convnext":
        expected = keras.applications.imagenet_utils.preprocess_input(image.copy(), mode="torch")
        own = published("convnext").get_layer("convnext_tiny_prestem_normalization")
        np.testing.assert_allclose(own(image), expected, atol=1e-5)
        found = found[:, 16:-15, 16:-15]
    else:
        expected = preprocessed(name, image)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def statistics(trunk):
    return [v.numpy() for v in trunk.non_trainable_variables if "moving" in v.path]


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("name", NORMALISED)
def test_batch_norm_is_frozen_with_published_weights(name, tmp_path):
    theirs = published(name)
    scatter(theirs)
    trunk = build(name, 16, save_as_published(theirs, tmp_path / "published.h5"))
    trunk.save(tmp_path / "trunk.keras")
    for each in (trunk, keras.saving.load_model(tmp_path / "trunk.keras")):
        before = statistics(each)
        assert before
        assert not [v.path for v in each.trainable_variables if "gamma" in v.path]
        np.testing.assert_array_equal(each(picture(), training=True), each(picture()))
        for one, two in zip(statistics(each), before, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("name", NORMALISED)
def test_batch_norm_trains_from_scratch(name):
    trunk = build(name, 16)
    before = statistics(trunk)
    assert [v.path for v in trunk.trainable_variables if "gamma" in v.path]
    assert np.ptp(np.asarray(trunk(picture(), training=True)) - np.asarray(trunk(picture()))) > 0
    for one, two in zip(statistics(trunk), before, strict=True):
        assert not np.array_equal(one, two)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("name", OPTIONS)
def test_weights_of_another_network_are_refused(name, tmp_path):
    other = next(other for other in OPTIONS if other != name)
    path = save_as_published(published(other), tmp_path / "other.h5")
    with pytest.raises(InputError, match=r"other\.h5: does not hold the weights of"):
        build(name, 16, path)
    with pytest.raises(InputError, match=r"gone\.h5: does not hold the weights of"):
        build(name, 16, tmp_path / "gone.h5")


def test_listed_weights_are_those_of_keras():
    for name, entry in WEIGHTS.items():
        hashes = resnet.WEIGHTS_HASHES if "resnet" in name else convnext.WEIGHTS_HASHES
        _, without_top = hashes[name]
        assert entry.get("md5", entry.get("sha256")) == without_top
        assert name in entry["url"].rsplit("/", 1)[1]


@pytest.mark.parametrize("name", WEIGHTS)
def test_listed_weights_fit_the_options_of_their_backbone(name):
    """`initial_weights: imagenet` is looked up by the options with their defaults filled in."""
    entry = validated(WEIGHTS, load_schema("weights"), "weights")[name]
    schema = load_schema(f"backbones/{entry['backbone']}")
    assert validated(entry["backbone_options"], schema, name) == entry["backbone_options"]


def test_the_input_layer_of_older_runs_is_found():
    """It once lived in the module of the trunk; runs name it by what it is registered as."""
    lookup.load("backbones", "resnet")
    saved = {
        "module": "bottomup.backbones.resnet",
        "class_name": "CaffeInput",
        "config": {"name": "caffe_input", "trainable": True},
        "registered_name": "bottomup>CaffeInput",
    }
    layer = keras.saving.deserialize_keras_object(saved)
    np.testing.assert_allclose(
        layer(picture()), preprocessed("resnet", picture()), rtol=1e-5, atol=1e-4
    )
