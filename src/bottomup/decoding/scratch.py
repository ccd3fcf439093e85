"""Large arrays that a thread keeps between images.

Fresh zeroed memory costs more than all the work of the decoder: the system hands it out in pages
that it clears first. An array kept here is cleared only where it was written.
"""

import math
import threading

import numpy as np

_kept = threading.local()


def zeros(name: str, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """This thread's array of that name, all zero if its last user cleared what it wrote."""
    size = math.prod(shape)
    kept = getattr(_kept, name, None)
    if kept is None or kept.size < size:
        kept = np.zeros(size, dtype)
        setattr(_kept, name, kept)
    return kept[:size].reshape(shape)


def forget() -> None:
    """Drops this thread's arrays, as when a user failed before it could clear."""
    _kept.__dict__.clear()
