"""A finished run's files, kept beside its state: a job that is sent twice need not train twice.

A main process that died and came back sends every unfinished job again, also one that still runs.
The second job waits in the queue, or for the lock, and begins after the first has ended, by then
without the outputs: Snakemake deletes those of a job that it starts. The copies are hard links,
which take no room, where the file system has them.
"""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from bottomup.provenance import file_sha256

NAMES = ("weights.keras", "history.csv", "run.json")
FOLDER = "finished"


def keep(out_dir: Path, state_dir: Path) -> None:
    """Keeps the three files of a run that has just ended."""
    aside = state_dir / f".{FOLDER}.{os.getpid()}.part"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for name in NAMES:
        link(out_dir / name, aside / name)
    shutil.rmtree(state_dir / FOLDER, ignore_errors=True)
    aside.rename(state_dir / FOLDER)


def take_back(state_dir: Path, inputs: Iterable[Path | str], out_dir: Path) -> bool:
    """Puts the files of a finished run back in their place, if it had the same inputs.

    Args:
        state_dir: The folder of the run's state; its name stands for settings and code.
        inputs: Files that the run reads; those of the finished one must have had equal sums.
        out_dir: Where the files belong.

    Returns:
        Whether there was such a run, with weights as they were written.
    """
    kept = state_dir / FOLDER
    try:
        record = json.loads((kept / "run.json").read_text())
        had = sorted((Path(path).name, value) for path, value in record["inputs"].items())
        wrote = {Path(path).name: value for path, value in record["outputs"].items()}
        if had != sorted((Path(path).name, file_sha256(path)) for path in inputs):
            return False
        if wrote["weights.keras"] != file_sha256(kept / "weights.keras"):
            return False
        for name in NAMES:
            aside = out_dir / f".{name}.part"
            out_dir.mkdir(parents=True, exist_ok=True)
            aside.unlink(missing_ok=True)
            link(kept / name, aside)
            aside.replace(out_dir / name)
    except (OSError, ValueError, KeyError):
        return False
    return True


def link(source: Path, target: Path) -> None:
    """A second name for a file, or a copy where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
