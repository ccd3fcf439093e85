"""Which GPUs of a machine a job may use: as many as it asked for, and none that another job holds.

Snakemake counts GPUs (`--resources gpu=4`), it does not hand them out: every job would take the
first one, or all. So a job claims its own by a lock on a file, which ends with its process, however
that ends. The claim is made before anything of a backend is imported, and told by
CUDA_VISIBLE_DEVICES.
"""

import contextlib
import fcntl
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

VARIABLE = "CUDA_VISIBLE_DEVICES"
SLURM_JOB = "SLURM_JOB_ID"
HIDDEN = {VARIABLE: "-1", "JAX_PLATFORMS": "cpu"}
DEVICE_FILE = re.compile(r"nvidia(\d+)")
PAUSE_S = 1.0

_held: list[TextIO] = []  # open until the process ends


def claim(count: int, folder: Path | None = None) -> tuple[str, ...]:
    """Takes so many GPUs for this process, or hides them all from a job that asked for none.

    Args:
        count: How many; where there are fewer, all. While they are in use, it waits.
        folder: Of the lock files; by default one that all jobs of this machine share, or those of
            one job of Slurm, which numbers the GPUs that it gives anew.

    Returns:
        Ids of the GPUs that are now visible; empty where the machine has none, or none is wanted.
    """
    candidates = visible()
    if count < 1:
        os.environ.update(HIDDEN)
        return ()
    if not candidates:
        return ()
    if SLURM_JOB in os.environ and len(candidates) <= count:
        return candidates  # the scheduler has given these to this job alone
    folder = folder or _shared_folder()
    wanted, told = min(count, len(candidates)), False
    while len(mine := _take(candidates, wanted, folder)) < wanted:
        if not told:
            print(
                f"waiting for {wanted} of the GPUs {', '.join(candidates)}: other jobs hold them "
                f"({folder})",
                file=sys.stderr,
                flush=True,
            )
            told = True
        time.sleep(PAUSE_S)
    os.environ[VARIABLE] = ",".join(mine)
    return mine


def visible(devices: Path = Path("/dev")) -> tuple[str, ...]:
    """Ids of the GPUs that this process may see: those named by the environment, or all there are.

    Args:
        devices: Where the system has its device files.
    """
    named = os.environ.get(VARIABLE)
    if named is not None:
        ids = [word.strip() for word in named.split(",")]
        return tuple(word for word in ids if word and word != "-1")
    found = (DEVICE_FILE.fullmatch(path.name) for path in devices.glob("nvidia*"))
    return tuple(sorted((match[1] for match in found if match), key=int))


def _shared_folder() -> Path:
    owner = os.environ.get(SLURM_JOB, "all")
    return Path(tempfile.gettempdir()) / f"bottomup-gpus-{owner}"


def _take(candidates: Sequence[str], wanted: int, folder: Path) -> tuple[str, ...]:
    """All that are wanted, or none: who held one and waited for another could block others."""
    folder.mkdir(parents=True, exist_ok=True)
    _open_to_all(folder, 0o777)
    files: dict[str, TextIO] = {}
    for name in candidates:
        path = folder / f"{name.replace('/', '_')}.lock"
        # For reading: that is enough for a lock, and the file may be another user's.
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_CREAT, 0o644))
        _open_to_all(path, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        files[name] = file
        if len(files) == wanted:
            _held.extend(files.values())
            return tuple(files)
    for file in files.values():
        file.close()
    return ()


def _open_to_all(path: Path, mode: int) -> None:
    """Whatever the umask; what another user made has been opened by that user."""
    with contextlib.suppress(PermissionError):
        path.chmod(mode)
