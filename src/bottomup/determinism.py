"""One seed for all, and arithmetic that gives the same bits each time.

It names the backends, which the training step itself never does.
"""

import os

import keras

from bottomup.errors import InputError


def seed_everything(seed: int, deterministic: bool) -> None:
    """Sets the seeds of Python, NumPy and the backend.

    Args:
        seed: Of whatever draws a random number without a seed of its own.
        deterministic: Whether the backend has to avoid operations whose sums depend on which
            thread comes first, and how many threads there are. It holds until the process ends.

    Raises:
        InputError: The backend has no such mode, or computed something before.
    """
    if deterministic:
        _make_deterministic()
    keras.utils.set_random_seed(seed)


def _make_deterministic() -> None:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        _make_tensorflow_deterministic()
    elif backend == "jax":
        flag = "--xla_gpu_deterministic_ops=true"  # a CPU's sums have one order anyway
        if flag not in os.environ.get("XLA_FLAGS", ""):
            os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip()
    else:
        raise InputError(
            f"training.deterministic is true, and the backend {backend} cannot promise it here; "
            "use tensorflow or jax, or set it to false"
        )


def _make_tensorflow_deterministic() -> None:
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    # Sums on the CPU are split by the number of threads: with one core and with two, the same
    # training gave other bits although this mode was on. One thread is the same everywhere.
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError as error:
        raise InputError(
            "training.deterministic is true, and TensorFlow has computed in this process with more "
            "threads than one before; train in a process of its own"
        ) from error
