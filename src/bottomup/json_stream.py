"""JSON files read and written a piece at a time, each piece by the standard library.

Streaming parsers of other libraries name the place of every value, which takes memory with the
square of the nesting: a hostile file of 200 kB fills a machine. Here nesting is refused as
everywhere else in Python.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

DECODER = json.JSONDecoder()
BEHIND = tuple(" \t\n\r,:]}")  # what ends a value
SPACE = re.compile(r"[ \t\n\r]*")
CHUNK = 1 << 20  # characters


class NoObjectError(ValueError):
    """A JSON file holds something else at its top."""


def read_object(path: Path) -> Iterator[tuple[str, Any]]:
    """Keys and values of the object at the top of a file; a list comes as an iterator of its rows.

    Only one row is in memory at a time. Rows that the caller leaves are passed over.

    Raises:
        NoObjectError: The file holds something else.
        ValueError: The file is no JSON; what stands before that place has been given by then.
            OSError and RecursionError as they come.
    """
    with path.open(encoding="utf-8") as file:
        text, keys = _Text(file), set()
        if text.peek() not in ("{", ""):
            raise NoObjectError
        for _ in _items(text, "{", "}"):
            key = text.value()
            if not isinstance(key, str) or key in keys:
                raise ValueError(f"{key!r} is no key of an object, or is there twice")
            keys.add(key)
            text.take(":")
            if text.peek() != "[":
                yield key, text.value()
                continue
            rows = (text.value() for _ in _items(text, "[", "]"))
            yield key, rows
            for _ in rows:
                pass
        if text.peek():
            raise ValueError(f"something follows the object's end: {text.peek()!r}")


def write_object(path: Path, items: Iterable[tuple[str, Any]]) -> None:
    """Writes an object by its keys and values; an iterator becomes a list, row by row."""
    with path.open("w", encoding="utf-8") as file:
        file.write("{")
        for place, (key, value) in enumerate(items):
            file.write("," * (place > 0) + f"{_compact(key)}:")
            if not isinstance(value, Iterator):
                file.write(_compact(value))
                continue
            file.write("[")
            for number, row in enumerate(value):
                file.write("," * (number > 0) + _compact(row))
            file.write("]")
        file.write("}")


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _items(text: "_Text", opening: str, closing: str) -> Iterator[None]:
    """Stops at the beginning of every item between two brackets."""
    text.take(opening)
    if text.peek() == closing:
        text.take(closing)
        return
    while True:
        yield
        if text.take("," + closing) == closing:
            return


class _Text:
    """The text of a file, from a place in it on."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.text, self.place = file, "", 0

    def peek(self) -> str:
        """The next character that is no space; "" at the end of the file."""
        while True:
            self.place = SPACE.match(self.text, self.place).end()
            if self.place < len(self.text) or not self._more():
                return self.text[self.place : self.place + 1]

    def take(self, wanted: str) -> str:
        """The next character, which must be one of those wanted."""
        found = self.peek()
        if not found or found not in wanted:
            raise ValueError(f"expected {' or '.join(wanted)}, found {found or 'the end'}")
        self.place += 1
        return found

    def value(self) -> Any:
        """The next value, however long."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.place)
            except ValueError:
                if self._more():
                    continue
                raise
            # Before anything else the value may go on in the file: 0. is the beginning of 0.5.
            if self.text[end : end + 1] in BEHIND or not self._more():
                self.place = end
                return value

    def _more(self) -> bool:
        """Reads on, at least as much as is unread, so that a long value is tried a few times."""
        chunk = self.file.read(max(CHUNK, len(self.text) - self.place))
        if chunk:
            self.text, self.place = self.text[self.place :] + chunk, 0
        return bool(chunk)
