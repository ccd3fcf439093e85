"""Closed schemas: safe YAML, defaults, and errors that name the file, the key and the nearest key.

The schemas themselves are `workflow/schemas/*.yaml` (JSON Schema, draft 2020-12). Every key has a
`description`; `x-unit` names its unit.
"""

import copy
import difflib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from bottomup.errors import InputError

SCHEMAS = Path(__file__).resolve().parents[2] / "workflow" / "schemas"
TYPE_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a block of keys",
    "null": "null",
}


class _UniqueKeyLoader(yaml.SafeLoader):
    """Safe YAML in which a repeated key is an error and `1e-3` is a number."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (list, dict)):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be text", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_UniqueKeyLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def read_yaml(path: Path) -> dict:
    """A YAML file that holds one block of keys.

    Raises:
        InputError: The file is missing, is no YAML, repeats a key, or holds something else.
    """
    try:
        with open(path, encoding="utf-8") as file:
            values = yaml.load(file, Loader=_UniqueKeyLoader)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not valid YAML: {_yaml_problem(error)}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: must hold a block of keys, `key: value` on each line")
    return values


def _yaml_problem(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"{problem} (line {mark.line + 1})" if mark else " ".join(problem.split())


@cache
def load_schema(name: str) -> dict:
    """The schema `workflow/schemas/<name>.yaml`; where there is none, one that allows no key."""
    path = SCHEMAS / f"{name}.yaml"
    if not path.is_file():
        return {"type": "object", "additionalProperties": False, "properties": {}}
    return read_yaml(path)


def validated(values: Any, schema: Mapping, source: str | Path, at: str = "") -> dict:
    """A copy of `values` with the schema's defaults filled in.

    Args:
        values: What the file holds.
        schema: A closed JSON schema, as from `load_schema`.
        source: The file's name, for errors.
        at: Key path of `values` inside that file, for errors.

    Raises:
        InputError: A key is unknown or missing, or a value has the wrong type or range.
    """
    values = _with_text_keys(values, source)
    errors = Draft202012Validator(schema).iter_errors(values)
    first = min(errors, key=lambda error: (len(error.absolute_path), error.message), default=None)
    if first is not None:
        raise InputError(f"{source}: {_sentence(first, at)}")
    for path, number in _numbers(values, at):
        if not math.isfinite(number):
            raise InputError(f"{source}: {path} is {number}; give a finite number")
    return _filled(values, schema)


def overlaid(below: Mapping, above: Mapping) -> dict:
    """`above` on top of `below`: blocks are merged key by key, everything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
        merged[key] = overlaid(below[key], value) if both else value
    return merged


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like `word`, if one does."""
    return next(iter(difflib.get_close_matches(str(word), [str(k) for k in known], 1, 0.5)), None)


def type_words(schema: Mapping) -> str:
    """What a key may hold, in words: `a whole number from 1 to 8`."""
    if "x-expected" in schema:
        return schema["x-expected"]
    if "enum" in schema:
        return _either([_plain(value) for value in schema["enum"]])
    types = schema.get("type", "string")
    types = [types] if isinstance(types, str) else types
    return _either([TYPE_WORDS[name] + _range(schema, name) for name in types])


def _range(schema: Mapping, name: str) -> str:
    if name == "array":
        return _items(schema)
    if name not in ("integer", "number"):
        return ""
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    words = [
        f" above {above}" if above is not None else "",
        f" from {low}" if low is not None else "",
        f" below {below}" if below is not None else "",
        f" to {high}" if high is not None and low is not None else "",
        f" up to {high}" if high is not None and low is None else "",
    ]
    return "".join(words)


def _items(schema: Mapping) -> str:
    low, high = schema.get("minItems", 0), schema.get("maxItems")
    count = f" of {low}" if low and low == high else " of at least one" if low else ""
    return f"{count}, each {type_words(schema['items'])}" if "items" in schema else count


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _sentence(error: ValidationError, at: str) -> str:
    path = _join(at, *error.absolute_path)
    where = path or "the file"
    if error.validator == "additionalProperties":
        return _unknown_key(error, path)
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        about = error.schema.get("properties", {}).get(missing, {})
        return f"{_join(path, missing)} is missing; give {type_words(about)}"
    if error.validator == "uniqueItems":
        return f"{where} names something twice: {error.instance!r}; keep one of each"
    if error.validator == "minItems" and not error.instance:
        return f"{where} is empty; give {type_words(error.schema)}"
    said = f"{where} is {error.instance!r}; expected {type_words(error.schema)}"
    unit = error.schema.get("x-unit")
    guess = nearest(error.instance, error.schema.get("enum", ())) if "enum" in error.schema else ""
    return said + (f" ({unit})" if unit else "") + (f"; did you mean {guess!r}?" if guess else "")


def _unknown_key(error: ValidationError, path: str) -> str:
    known = list(error.schema.get("properties", {}))
    unknown = next(key for key in error.instance if key not in known)
    guess = nearest(unknown, known)
    hint = f"did you mean {guess!r}? " if guess else ""
    listed = f"known here: {', '.join(known)}" if known else "no key is known here"
    return f"{_join(path, unknown)} is no known key; {hint}{listed}"


def _join(*parts: Any) -> str:
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part != "":
            text += f".{part}" if text else str(part)
    return text


def _with_text_keys(values: Any, source: str | Path) -> Any:
    if isinstance(values, Mapping):
        for key in values:
            if not isinstance(key, str):
                raise InputError(f"{source}: the key {key!r} is no text; put it in quotes")
        return {key: _with_text_keys(value, source) for key, value in values.items()}
    return [_with_text_keys(value, source) for value in values] if _is_list(values) else values


def _is_list(values: Any) -> bool:
    return isinstance(values, (list, tuple))


def _numbers(values: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from _numbers(value, _join(path, key))
    elif _is_list(values):
        for index, value in enumerate(values):
            yield from _numbers(value, _join(path, index))
    elif isinstance(values, float):
        yield path, values


def _filled(values: Any, schema: Mapping) -> Any:
    """A copy of `values` in which missing keys hold their defaults, in the schema's order."""
    if isinstance(values, Mapping):
        properties = schema.get("properties", {})
        defaults = {
            key: copy.deepcopy(about["default"])
            for key, about in properties.items()
            if key not in values and "default" in about
        }
        merged = {**defaults, **values}
        ordered = [key for key in properties if key in merged]
        ordered += [key for key in merged if key not in properties]
        other = schema.get("additionalProperties") or {}
        return {key: _filled(merged[key], properties.get(key, other)) for key in ordered}
    if _is_list(values):
        return [_filled(value, schema.get("items", {})) for value in values]
    return values
