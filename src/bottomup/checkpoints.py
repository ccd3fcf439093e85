"""Training state that survives a kill: every variable, the step and the history, in one file.

The file is a zip archive without compression, so each of its arrays has a checksum. The state
before the last one is kept beside it, for the day when a disk spoils the last one.
"""

import json
import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bottomup.errors import InputError
from bottomup.files import named, written_aside


class Snapshot:
    """The values of all variables at one moment, in memory, to be written later or never."""

    def __init__(self, variables: Sequence, progress: dict):
        """Copies the variables' values, in order, and `progress` (plain values)."""
        self.arrays = [np.array(variable.numpy()) for variable in variables]
        self.progress = json.dumps(progress)

    def write(self, path: Path, confirm: Callable[[], None] = lambda: None) -> None:
        """Writes one file, whole or not at all.

        Args:
            path: The file.
            confirm: Called just before the file takes its place; raises if it must not.
        """
        # With the process in its name: one that was taken for dead may still write.
        aside = path.with_name(f".{path.name}.{os.getpid()}.part")
        for forgotten in path.parent.glob(f".{path.name}.*.part"):
            forgotten.unlink(missing_ok=True)
        arrays = {f"v{number:05d}": value for number, value in enumerate(self.arrays)}
        try:
            with named(path), aside.open("wb") as file:
                np.savez(file, progress=np.array(self.progress), **arrays)
                file.flush()
                os.fsync(file.fileno())
            confirm()
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


class Keeper:
    """Keeps the state of a run on disk, and only states that a sound step has started from.

    The loss of a step judges the weights before it. So a state waits in memory until the next
    step's loss was seen, and an exploded network is never what a run goes on with.
    """

    def __init__(self, path: Path, confirm: Callable[[], None] = lambda: None):
        self.path, self.confirm = path, confirm
        self.earlier = path.with_stem(f"{path.stem}.earlier")
        self.waiting: Snapshot | None = None

    def belongs_to(self, inputs: str) -> None:
        """Forgets a state that was trained on other data or from other weights.

        Args:
            inputs: Digest of the files that the run reads.
        """
        note = self.path.with_name("inputs.txt")
        if note.exists() and note.read_text() != inputs:
            print(
                f"{self.path}: the state is of a training on other data or from other weights; "
                "this one begins anew",
                file=sys.stderr,
                flush=True,
            )
            self.forget()
        with written_aside(note) as aside:
            aside.write_text(inputs)

    def take(self, variables: Sequence, progress: dict) -> None:
        """Takes a snapshot, which waits."""
        self.waiting = Snapshot(variables, progress)

    def step_was_sound(self) -> None:
        """Writes what waits."""
        if self.waiting:
            self.waiting.write(self.path, self._make_way)
        self.waiting = None

    def _make_way(self) -> None:
        self.confirm()
        if self.path.exists():
            self.path.replace(self.earlier)

    def restore(self, variables: Sequence) -> dict | None:
        """As `restore_state`; goes on from the earlier state if the last one is damaged or gone.

        Raises:
            InputError: Both are damaged, or there is no earlier one, or it is of another network.
        """
        try:
            found = restore_state(self.path, variables)
        except Damaged as error:
            if not self.earlier.exists():
                raise
            print(f"{error}; going on from the state before it", file=sys.stderr, flush=True)
            self.path.replace(self.path.with_stem(f"{self.path.stem}.damaged"))
            found = None
        return found or restore_state(self.earlier, variables)

    def forget(self) -> None:
        """Deletes the states of a run that has ended."""
        for path in (self.path, self.earlier, self.path.with_stem(f"{self.path.stem}.damaged")):
            path.unlink(missing_ok=True)


class Damaged(InputError):
    """A state that does not bear its checksums."""


def restore_state(path: Path, variables: Sequence) -> dict | None:
    """Gives the variables their saved values; returns the progress, or None if nothing is saved.

    Raises:
        InputError: The file is damaged or belongs to another network.
    """
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            values = [saved[name] for name in sorted(saved.files) if name != "progress"]
            progress = json.loads(str(saved["progress"]))
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, OSError, EOFError) as error:
        raise Damaged(
            f"{path}: the training state is damaged ({error}); delete it to train from the start"
        ) from error
    if [value.shape for value in values] != [tuple(v.shape) for v in variables]:
        raise InputError(
            f"{path}: the training state belongs to another network; delete it to train from "
            "the start"
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return progress
