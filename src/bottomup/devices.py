"""Devices: the backend and the device that compute, those that were asked for, or none.

How something is computed, never what: nothing here is part of a digest. The backend is imported
inside the functions, since it is chosen before its first import.
"""

import os
import sys
from collections.abc import Mapping

from bottomup.device_claims import HIDDEN
from bottomup.errors import InputError

BACKENDS = ("tensorflow", "jax")


def use(backend: str | None = None, device: str = "any", devices: str = "one") -> None:
    """Decides what computes, before anything else of Keras is imported.

    Args:
        backend: `tensorflow` or `jax`; None takes the environment's KERAS_BACKEND, or TensorFlow.
        device: `gpu` or `cpu`, or `any`: a GPU where there is one.
        devices: `all` splits every batch among all visible devices of that kind.

    Raises:
        InputError: What was asked for is not there.
    """
    if backend and "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend
    if device == "cpu":
        os.environ.update(HIDDEN)
    running = _backend(backend)
    found = description()
    if device == "gpu" and found["kind"] != "gpu":
        raise InputError(
            f"compute.device: a GPU was asked for, but {running} finds none here; check "
            "`nvidia-smi`, CUDA_VISIBLE_DEVICES, the job's share of GPUs and the environment "
            f"({_environment(running)}), or set compute.device to any"
        )
    if devices == "all":
        _split_batches(running)


def description() -> dict:
    """What computes: `backend`, `kind` (gpu, cpu, tpu), `name` of the device, and `count`.

    `count` is the number of devices that share a batch, not of those that idle beside them.
    """
    import keras

    backend = keras.backend.backend()
    kind, names = _jax_devices() if backend == "jax" else _tensorflow_devices()
    return {"backend": backend, "kind": kind, "name": names[0], "count": sharing()}


def sharing() -> int:
    """Number of devices among which a batch is split."""
    import keras

    distribution = keras.distribution.distribution()
    return distribution.num_model_replicas if distribution else 1


def check_split(sizes: Mapping[str, int]) -> None:
    """Checks that batches can be split among the devices.

    Args:
        sizes: Images in a batch, by the key of the settings that says so.

    Raises:
        InputError: One cannot.
    """
    count = sharing()
    for key, size in sizes.items():
        if size % count:
            raise InputError(
                f"{key}: {size} images cannot be split among {count} devices; take a multiple of "
                f"{count}, or set compute.devices to one"
            )


def _backend(asked: str | None) -> str:
    """The backend that runs, which must be one that was tried, and the one asked for."""
    try:
        import keras
    except ModuleNotFoundError as error:
        raise InputError(
            f"compute.backend: {error.name} is not installed here; install the environment of that "
            f"backend ({_environment(os.environ.get('KERAS_BACKEND', BACKENDS[0]))})"
        ) from error
    running = keras.backend.backend()
    if running not in BACKENDS or (asked and running != asked):
        raise InputError(
            f"compute.backend: Keras runs on {running}, not on {asked or ' or '.join(BACKENDS)}; "
            "unset KERAS_BACKEND, or set it to what is asked for"
        )
    return running


def _environment(backend: str) -> str:
    return "ROLE=gpu_jax, envs/gpu_jax.yaml" if backend == "jax" else "ROLE=gpu, envs/gpu.yaml"


def _split_batches(backend: str) -> None:
    """Every batch is split among all devices; sums over it stay sums over the whole of it."""
    import keras

    if backend != "jax":
        raise InputError(
            "compute.devices: all needs compute.backend jax; TensorFlow's replicas would each "
            "divide by their own weights, which is another loss"
        )
    keras.distribution.set_distribution(keras.distribution.DataParallel())


def _jax_devices() -> tuple[str, list[str]]:
    import jax

    found = jax.devices()
    return found[0].platform.replace("cuda", "gpu"), [device.device_kind for device in found]


def _tensorflow_devices() -> tuple[str, list[str]]:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "cpu", ["cpu"]
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return "gpu", [detail.get("device_name", "gpu") for detail in details]
