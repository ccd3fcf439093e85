"""Large zeroed arrays that a thread keeps between images.

Fresh zeroed memory costs more than all the work of the decoder: the system clears it in large
pages first. An array kept here is cleared only where its last user wrote.
"""

import math
import threading
from collections.abc import Callable

import numpy as np

_kept = threading.local()


def zeros(name: str, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """This thread's array of that name, all zero; it is the caller's until the next such call."""
    array, clear = getattr(_kept, name, (np.zeros(0, dtype), None))
    if clear is not None:
        clear()
    size = math.prod(shape)
    if array.size < size:
        array = np.zeros(size, dtype)
    # Until the user says what it wrote, the array may be anything.
    setattr(_kept, name, (np.zeros(0, dtype), None))
    _pending().update({name: array})
    return array[:size].reshape(shape)


def keep(name: str, clear: Callable[[], object]) -> None:
    """Keeps the array of that name; `clear` zeroes again what was written to it."""
    setattr(_kept, name, (_pending().pop(name), clear))


def _pending() -> dict[str, np.ndarray]:
    if not hasattr(_kept, "pending"):
        _kept.pending = {}
    return _kept.pending
