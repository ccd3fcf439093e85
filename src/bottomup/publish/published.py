"""Published values to show beside measured ones: what, where from, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bottomup.errors import InputError
from bottomup.schema import load_schema, nearest, read_yaml, validated


@dataclass(frozen=True)
class Published:
    """The published values of one model for one task.

    Attributes:
        row: Name of the row in the file.
        model: The model as the paper calls it.
        split: The split it was scored on.
        values: AP and others by name.
        source: Paper and table, or page.
        sourced: Which values were read in a source; the others are as recalled.
    """

    row: str
    model: str
    split: str
    values: Mapping[str, float]
    source: str
    sourced: tuple[str, ...]

    def certainty(self) -> str:
        """`sourced`, `as recalled`, or which values are sourced."""
        known = [name for name in self.values if name in self.sourced]
        if len(known) == len(self.values):
            return "sourced"
        return f"{', '.join(known)} sourced, others as recalled" if known else "as recalled"

    def reference(self) -> str:
        """One cell that says what the values are."""
        return f"{self.model}, {self.split}: {self.source}; {self.certainty()}"


def find(path: Path | None, row: str | None, task: str, split: str) -> Published | None:
    """The published values of a row, for the same split if there are any, else for another.

    Raises:
        InputError: The file has no such row.
    """
    if path is None or row is None:
        return None
    found = of_row(path, row, task)
    return next((each for each in found if each.split == split), found[0] if found else None)


def of_row(path: Path | None, row: str, task: str) -> list[Published]:
    """The published values of a row, one for each split, in the order of the file.

    Raises:
        InputError: The file has no such row.
    """
    if path is None:
        return []
    rows = read(path)
    if row not in rows:
        guess = nearest(row, rows)
        hint = f"did you mean {guess!r}? " if guess else ""
        raise InputError(f"{path}: no published row {row!r}; {hint}found: {', '.join(rows)}")
    return [
        Published(
            row=row,
            model=rows[row]["model"],
            split=entry["split"],
            values=entry["values"],
            source=rows[row]["source"],
            sourced=tuple(entry["sourced"]),
        )
        for entry in rows[row][task]
    ]


def read(path: Path) -> dict[str, dict]:
    """All rows of a file of published values, by name."""
    return validated(read_yaml(path), load_schema("published"), path)["rows"]
