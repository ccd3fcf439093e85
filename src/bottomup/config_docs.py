"""Render `config/README.md`, every key of every config file, from the schemas.

Run by `make docs`, or `python -m bottomup.config_docs`; a test keeps page and schemas equal.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from bottomup.schema import SCHEMAS, load_schema, type_words

PAGE = Path(__file__).resolve().parents[2] / "config" / "README.md"
MAIN = ("study", "experiment", "protocol", "subset", "dataset", "published", "weights")
FOLDERS = ("systems", "backbones", "datasets", "conversions")
INTRODUCTION = """\
# Configuration

A **study** is one file beside this page, such as `config.yaml`; it names experiments and protocols.
Each of those is one file in a folder of its own, found by its name:

```
config/<study>.yaml
config/experiments/<name>.yaml   one model: system, backbone, subset, schedule, seeds
config/protocols/<name>.yaml     one way of testing
config/subsets/<name>.yaml       which images of a dataset are trained on
config/datasets/<name>.yaml      where annotated images come from
config/published.yaml            what the papers report
config/weights.yaml              published weights of trunks
```

Every file is checked before anything runs. A key that is not listed here is an error, which names
the file and the nearest key that exists. This page is rendered from `workflow/schemas` by
`make docs`; `required` marks keys without a default.
"""


def schema_names() -> tuple[str, ...]:
    """The schemas in the order of the page: the kinds of file, then the options."""
    options = [
        f"{folder}/{file.stem}"
        for folder in FOLDERS
        for file in sorted((SCHEMAS / folder).glob("*.yaml"))
    ]
    return (*MAIN, *options)


def rendered() -> str:
    """The whole page, as Markdown."""
    sections = [_section(load_schema(name)) for name in schema_names()]
    return "\n".join([INTRODUCTION, *sections])


def keys(schema: Mapping, path: str = "") -> Iterator[tuple[str, Mapping, bool]]:
    """Every key of a schema, depth first: its path, its own schema, whether it is required."""
    required = schema.get("required", ())
    for name, about in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here, about, name in required
        yield from keys(about, here)
    other = schema.get("additionalProperties")
    if isinstance(other, Mapping):
        yield from keys(other, f"{path}.<name>" if path else "<name>")
    if "items" in schema:
        yield from keys(schema["items"], f"{path}[]")


def _section(schema: Mapping) -> str:
    rows = [_row(path, about, required) for path, about, required in keys(schema)]
    table = ["| key | value | unit | default | meaning |", "|---|---|---|---|---|", *rows]
    return "\n".join([f"## {schema['title']}", "", _line(schema["description"]), "", *table, ""])


def _row(path: str, about: Mapping, required: bool) -> str:
    default = "required" if required else _default(about)
    cells = [f"`{path}`", type_words(about), _unit(about), default, _line(about["description"])]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _unit(about: Mapping) -> str:
    return about.get("x-unit") or _unit_of_others(about)


def _unit_of_others(about: Mapping) -> str:
    other = about.get("additionalProperties")
    return other.get("x-unit", "") if isinstance(other, Mapping) else ""


def _default(about: Mapping) -> str:
    if "default" not in about or about["default"] == {}:
        return ""
    return f"`{json.dumps(about['default'])}`"


def _line(text: str) -> str:
    return " ".join(text.split())


def main() -> None:
    """Write the page."""
    PAGE.write_text(rendered(), encoding="utf-8")


if __name__ == "__main__":
    main()
