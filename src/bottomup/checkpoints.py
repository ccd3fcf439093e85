"""Training state that survives a kill: every variable, the step and the history, in one file."""

import json
import os
import socket
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bottomup.errors import InputError
from bottomup.files import written_aside

HEARTBEAT_S = 10
STALE_S = 60
PATIENCE_S = 150


def save_state(path: Path, variables: Sequence, progress: dict) -> None:
    """Writes the variables' values, in order, and `progress` (plain values) to one file."""
    arrays = {f"v{number:05d}": np.asarray(v.numpy()) for number, v in enumerate(variables)}
    with written_aside(path) as aside, aside.open("wb") as file:
        np.savez(file, progress=np.array(json.dumps(progress)), **arrays)


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
    except (zipfile.BadZipFile, ValueError, KeyError, OSError, EOFError) as error:
        raise InputError(
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


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a folder for this process, with a heartbeat; waits for a holder that may be dying.

    A scheduler may resubmit a job while the first one still runs, even on another host.

    Raises:
        InputError: Another trainer keeps holding the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "lock.json"
    deadline = time.monotonic() + PATIENCE_S
    while not _take(lock):
        if time.monotonic() > deadline:
            raise InputError(
                f"{lock}: another trainer holds this run ({lock.read_text().strip()}); "
                "stop it first, or wait for it to end"
            )
        time.sleep(1)
    ended = threading.Event()
    heart = threading.Thread(target=_beat, args=(lock, ended), daemon=True)
    heart.start()
    try:
        yield
    finally:
        ended.set()
        heart.join()
        lock.unlink(missing_ok=True)


def _take(lock: Path) -> bool:
    holder = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "job": os.environ.get("SLURM_JOB_ID"),
    }
    try:
        with lock.open("x") as file:
            file.write(json.dumps(holder))
        return True
    except FileExistsError:
        if _is_dead(lock):
            lock.unlink(missing_ok=True)
        return False


def _is_dead(lock: Path) -> bool:
    try:
        age_s = time.time() - lock.stat().st_mtime
        holder = json.loads(lock.read_text())
    except (FileNotFoundError, ValueError):
        return False
    if age_s > STALE_S:
        return True
    if holder["host"] != socket.gethostname():
        return False
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return True
    return False


def _beat(lock: Path, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT_S):
        lock.touch()
