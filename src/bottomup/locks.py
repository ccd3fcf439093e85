"""A folder that one process holds at a time, also on a file system that several hosts share.

The holder's name lies in `lock.json`, with a token of its own, and its heart beats in the file's
time of change. Whether a heart still beats is judged by watching it, never by comparing clocks:
those of two hosts and of a file server differ. A lock whose heart stands still may be taken over;
its holder may only have slept (a suspended machine, a stuck file system), so a holder asks before
each write whether the lock still bears its token.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bottomup.errors import InputError

HEARTBEAT_S = 10
STALE_S = 60
PATIENCE_S = 150
SETTLE_S = 1  # longer than two processes need that replace one dead holder at the same time


class Lock:
    """A lock file that bears this process's token, unless another process took it over."""

    def __init__(self, path: Path):
        self.path = path
        self.holder = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "processes": _process_space(),
            "job": os.environ.get("SLURM_JOB_ID"),
            "token": uuid.uuid4().hex,
        }

    @property
    def is_held(self) -> bool:
        seen = _read(self.path)
        return seen is not None and seen[0] == json.dumps(self.holder)

    def confirm(self) -> None:
        """Must be asked before each write into the folder.

        Raises:
            InputError: Another process took the folder over while this one seemed dead.
        """
        if not self.is_held:
            raise InputError(
                f"{self.path}: another trainer took this run over while this one stood still for "
                f"more than {STALE_S} s; it writes nothing more, the other goes on"
            )

    def beat(self) -> None:
        """Shows that this process lives; never brings back a lock that is lost."""
        if self.is_held:
            os.utime(self.path)

    def create(self) -> bool:
        """Takes a free lock; False if there is a holder."""
        try:
            with self.path.open("x") as file:
                file.write(json.dumps(self.holder))
        except FileExistsError:
            return False
        return True

    def replace(self) -> bool:
        """Takes a dead holder's place; of several that try, the last one holds the lock."""
        aside = self.path.with_name(f".lock.{self.holder['token']}.part")
        aside.write_text(json.dumps(self.holder))
        aside.replace(self.path)
        time.sleep(SETTLE_S)
        return self.is_held


@contextmanager
def locked(folder: Path) -> Iterator[Lock]:
    """Holds a folder for this process, with a heartbeat; waits for a holder that may be dying.

    A scheduler may resubmit a job while the first one still runs, even on another host.

    Raises:
        InputError: Another process keeps holding the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = Lock(folder / "lock.json")
    _take(lock)
    ended = threading.Event()
    heart = threading.Thread(target=_beat, args=(lock, ended), daemon=True)
    heart.start()
    try:
        yield lock
    finally:
        ended.set()
        heart.join()
        if lock.is_held:
            lock.path.unlink(missing_ok=True)


def _take(lock: Lock) -> None:
    deadline = time.monotonic() + PATIENCE_S
    watched, since = None, time.monotonic()
    while not lock.create():
        seen = _read(lock.path)
        if seen is None or seen != watched:
            watched, since = seen, time.monotonic()
        stands_still = time.monotonic() - since > STALE_S
        if seen and (stands_still or _is_gone(seen[0])) and lock.replace():
            return
        if time.monotonic() > deadline:
            raise InputError(
                f"{lock.path}: another trainer holds this run "
                f"({seen[0] if seen else 'its name cannot be read'}); "
                "stop it first, or wait for it to end"
            )
        time.sleep(min(1, STALE_S / 4))


def _read(path: Path) -> tuple[str, int] | None:
    """What the lock says and when its heart last beat.

    It is opened first: a network file system shows an opened file as it is, and may show the
    time of a file that is not opened as it was a minute ago.
    """
    try:
        with path.open() as file:
            return file.read(), os.fstat(file.fileno()).st_mtime_ns
    except OSError:
        return None


def _is_gone(text: str) -> bool:
    """Whether the holder was a process of this host that is no more."""
    try:
        holder = json.loads(text)
    except ValueError:  # its writer is about to write on, or died; the heart tells
        return False
    here = (socket.gethostname(), _process_space())
    if (holder.get("host"), holder.get("processes")) != here:
        return False
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it lives, and belongs to another user
        return False
    return False


def _process_space() -> str | None:
    """What numbers processes: two containers may share a host's name, but not its numbers."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def _beat(lock: Lock, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT_S):
        try:
            lock.beat()
        except OSError:  # a file system that fails for a while; `confirm` tells if it lasts
            continue
