"""The tables and figures that exist, read from their source without importing it.

Importing would make planning the graph as slow as drawing, and one broken figure would stop all.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

from bottomup import lookup
from bottomup.errors import InputError

PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class PublishModule:
    """What a module of `bottomup.publish` says of itself; caption (rst) and category are shown."""

    name: str
    kind: str
    needs: tuple[str, ...]
    caption: str
    category: str


def publish_modules() -> dict[str, PublishModule]:
    """The tables and figures in `src/bottomup/publish`: modules that state `KIND` and `NEEDS`.

    Raises:
        InputError: A module states a KIND but no literal NEEDS, or a KIND that is neither.
    """
    files = ((name, PACKAGE / "publish" / f"{name}.py") for name in lookup.names("publish"))
    read = (_read_publish_module(name, file) for name, file in files)
    return {module.name: module for module in read if module}


def _read_publish_module(name: str, path: Path) -> PublishModule | None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    stated = {
        node.targets[0].id: _literal(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    if "KIND" not in stated:
        return None
    if stated["KIND"] not in ("table", "figure") or not isinstance(stated.get("NEEDS"), tuple):
        raise InputError(
            f'{path}: state KIND = "table" or "figure" and NEEDS = (...), a tuple of words, '
            "both as literals"
        )
    caption = (ast.get_docstring(tree) or "").split("\n\n")[0]
    category = stated.get("CATEGORY") or f"{stated['KIND'].capitalize()}s"
    return PublishModule(name, stated["KIND"], stated["NEEDS"], caption, category)


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None
