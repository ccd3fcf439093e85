"""One job of a workflow: its log, its progress and its failure, told to the person who waits.

What a job writes to Python's stderr (progress, the sentence of an error) reaches both the terminal
and the job's log. What it prints to stdout, warnings, log records and the chatter of compiled
libraries reach only the log. On the terminal each line begins with the run that it is about, since
several may train side by side. A script imports what it needs inside `main`, so that a broken
environment is told like any other failure, and libraries use as many threads as the job was given.
"""

import errno
import logging
import os
import re
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, TextIO

from bottomup.errors import InputError, Stopped

FAILED = 1
TO_BE_CONTINUED = 75  # "temporary failure; try again" (sysexits.h)
# What the system's errors say, also when a library wraps them in its own.
NO_ROOM = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
NO_MEMORY = (os.strerror(errno.ENOMEM), "std::bad_alloc", "RESOURCE_EXHAUSTED")


def run_job(main: Callable[[Any], object], job: Any) -> None:
    """Runs `main(job)`; if it fails, writes why to the log `job.log[0]` and exits with status 1.

    Bad input is told in its one sentence, anything else with a traceback. A job that was stopped
    and can be continued exits with status 75, so that its outputs do not count as made; one that
    only ran out of time is sent again by the scheduler, if that is Slurm.
    """
    status = 0
    limit_threads(job.threads)
    with logged(job.log[0], run_label(dict(job.wildcards))):
        try:
            main(job)
        except InputError as error:
            status = FAILED
            print(f"error: {error}", file=sys.stderr)
        except Stopped as stop:
            status = TO_BE_CONTINUED
            print(f"to be continued: {stop}", file=sys.stderr)
            if stop.out_of_time and _sent_again():
                print("Slurm sends this job again", file=sys.stderr)
        except Exception as error:
            status = FAILED
            sentence = shortage(error, getattr(job, "output", ()))
            print(f"error: {sentence}", file=sys.stderr) if sentence else traceback.print_exc()
    if status:
        sys.exit(status)


def shortage(error: BaseException, outputs: Sequence[str] = ()) -> str | None:
    """The sentence for an error that says that room or memory ran out; None for any other.

    Args:
        error: What was raised, by the system or by a library.
        outputs: Files that were being written, of which the first is named if the error names none.
    """
    said = f"{error} {error.__cause__ or ''}"
    if any(text in said for text in NO_ROOM):
        reason = next(text for text in NO_ROOM if text in said)
        told = re.search(rf"(\S+); {reason}", said)  # so TensorFlow names the file
        named = getattr(error, "filename", None) or (told and told[1])
        path = named or next(iter(outputs), "a file")
        return (
            f"{path}: cannot be written to its end ({reason}); make room, or raise the quota, and "
            "run the same command again: what is complete stays"
        )
    if isinstance(error, MemoryError) or any(text in said for text in NO_MEMORY):
        return (
            "the memory is used up; give the rule more by "
            "--set-resources RULE:mem_mb=..., or use a smaller batch or fewer threads"
        )
    return None


def _sent_again() -> bool:
    """Puts this Slurm job back into its queue, under its own number, and so ends it.

    For Snakemake the job is then pending and has not failed, so no retry is used up.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if not job:
        return False
    try:
        subprocess.run(["scontrol", "requeue", job], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        print(f"Slurm does not send this job again: {reason.strip()}", file=sys.stderr)
        return False
    return True


def limit_threads(threads: int) -> None:
    """Tells libraries that are imported from now on how many threads they may use."""
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ[name] = str(threads)


def run_label(wildcards: Mapping[str, str]) -> str:
    """What a line of this job begins with: the run's name, or nothing."""
    if "experiment" in wildcards and "seed" in wildcards:
        return f"{wildcards['experiment']}, seed {wildcards['seed']}: "
    return ""


@contextmanager
def logged(path: Path | str, label: str = "") -> Iterator[None]:
    """Sends all output to the file `path`, and what is written to `sys.stderr` also to fd 2.

    There, each line begins with the label.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    terminal_fd = os.dup(2)
    with (
        open(path, "w", encoding="utf-8", buffering=1) as log,
        open(terminal_fd, "w", encoding="utf-8", buffering=1) as terminal,
        redirect_stdout(log),
        redirect_stderr(_Both(log, terminal, label)),
        warnings.catch_warnings(),
    ):
        os.dup2(log.fileno(), 2)
        # TensorFlow prints its own only where nobody else handles log records.
        handler = logging.StreamHandler(log)
        logging.getLogger().addHandler(handler)
        warnings.showwarning = lambda *warning, **_: log.write(warnings.formatwarning(*warning[:4]))
        try:
            yield
        finally:
            logging.getLogger().removeHandler(handler)
            os.dup2(terminal_fd, 2)


class _Both:
    """A text stream that writes to two, with a label before each line of the second."""

    def __init__(self, log: TextIO, terminal: TextIO, label: str) -> None:
        self.log = log
        self.terminal = terminal
        self.label = label
        self.begins = True

    def write(self, text: str) -> int:
        self.log.write(text)
        for part in text.splitlines(keepends=True):
            self.terminal.write(self.label * self.begins + part)
            self.begins = part.endswith("\n")
        return len(text)

    def flush(self) -> None:
        self.log.flush()
        self.terminal.flush()

    def isatty(self) -> bool:
        return self.terminal.isatty()
