"""What every decoder asks of the arrays that a network gave."""

from collections.abc import Mapping

import numpy as np

from bottomup.errors import InputError


def checked_arrays(
    fields: object, shapes: Mapping[str, tuple[int, ...]], asker: str, settled: str
) -> dict[str, np.ndarray]:
    """The named arrays as float32, however they lie in memory.

    Args:
        fields: Has the arrays as attributes.
        shapes: The shape of each.
        asker: Who needs these shapes, for the error.
        settled: What decides them and must be that of the training.

    Raises:
        InputError: An array is of another shape or holds values that are not finite.
    """
    arrays = {}
    for name, shape in shapes.items():
        values = np.asarray(getattr(fields, name), np.float32)
        if values.shape != shape:
            raise InputError(
                f"field {name} has shape {values.shape} where {asker} needs {shape}; "
                f"decode with the {settled} of the training"
            )
        # A sum is finite only if its terms are, and is far faster to test than each of them.
        if not np.isfinite(values.sum(dtype=np.float32)) and not np.isfinite(values).all():
            raise InputError(f"field {name} holds values that are not finite; train or infer again")
        arrays[name] = values
    return arrays
