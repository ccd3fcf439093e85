"""Settings classes: unknown keys and values are refused in one way."""

import dataclasses
from collections.abc import Mapping, Sequence

from bottomup.errors import InputError


def given_keys(cls: type, values: Mapping, prefix: str) -> dict:
    """The values that are given for a dataclass; None keeps a default.

    Raises:
        InputError: The class has no such key.
    """
    known = {one.name for one in dataclasses.fields(cls)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise InputError(f"{prefix}{unknown[0]!r} is unknown; use one of {sorted(known)}")
    return {key: value for key, value in values.items() if value is not None}


def check_choices(settings: object, choices: Mapping[str, Sequence[str]], prefix: str) -> None:
    """Raises InputError for a value that is none of its choices."""
    for name, known in choices.items():
        if getattr(settings, name) not in known:
            raise InputError(f"{prefix}{name} is {getattr(settings, name)!r}; use one of {known}")
