"""Plug-ins found by module name, one at a time.

Nothing is registered in advance, so adding a plug-in changes no digest but its own.
"""

import importlib
from pathlib import Path
from types import ModuleType

from bottomup.errors import InputError


def names(folder: str) -> tuple[str, ...]:
    """Modules in `src/bottomup/<folder>`, such as `systems` or `backbones`."""
    files = (Path(__file__).parent / folder).glob("[!_]*.py")
    return tuple(sorted(file.stem for file in files))


def load(folder: str, name: str) -> ModuleType:
    """Imports `bottomup.<folder>.<name>`.

    Raises:
        InputError: There is no such file.
    """
    if name not in names(folder):
        raise InputError(
            f"{folder}: unknown name {name!r}, there are {', '.join(names(folder))}; "
            f"add src/bottomup/{folder}/{name}.py to provide it"
        )
    return importlib.import_module(f"bottomup.{folder}.{name}")
