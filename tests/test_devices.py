"""What was asked for is there, or the job says so."""

import keras
import pytest

from bottomup import device_claims, devices
from bottomup.errors import InputError

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="asks what TensorFlow answers"
)


def test_a_gpu_that_is_not_there_is_an_error():
    with pytest.raises(InputError, match=r"compute\.device: a GPU was asked for, but \w+ finds no"):
        devices.use(device="gpu")


def test_any_device_will_do():
    devices.use()
    found = devices.description()
    assert (found["backend"], found["kind"]) == (keras.backend.backend(), "cpu")
    assert found["count"] == 1


def test_asking_for_the_cpu_hides_the_gpu(monkeypatch):
    for name in device_claims.HIDDEN:
        monkeypatch.setenv(name, "0")
    devices.use(device="cpu")
    assert {name: devices.os.environ[name] for name in device_claims.HIDDEN} == device_claims.HIDDEN


@on_tensorflow
def test_a_backend_that_is_not_running_is_refused():
    with pytest.raises(InputError, match=r"compute\.backend: Keras runs on tensorflow, not on jax"):
        devices.use(backend="jax")


@on_tensorflow
def test_splitting_among_replicas_of_tensorflow_is_refused():
    with pytest.raises(InputError, match=r"all needs compute\.backend jax"):
        devices.use(devices="all")
