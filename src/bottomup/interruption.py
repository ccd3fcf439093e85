"""When a long computation has to stop between two steps: on a signal, or before its time is up.

A scheduler that wants its node back, or whose time limit is reached, sends SIGTERM and kills
half a minute later; Ctrl-C sends SIGINT. The first signal is only noted; a second one of the same
kind acts as it would have, for those who cannot wait.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interruption:
    """Knows whether the computation has to stop, and why."""

    def __init__(self, wall_minutes: float | None = None):
        """Starts the clock.

        Args:
            wall_minutes: Time until the computation must have stopped; None for no limit.
        """
        self.wall_minutes = wall_minutes or None
        self.signal: signal.Signals | None = None
        self.started_at = self.passed_at = time.monotonic()
        self.slowest_s = 0.0

    def passed(self) -> None:
        """Must be told after each step, so that the time one takes is known."""
        now = time.monotonic()
        self.slowest_s = max(self.slowest_s, now - self.passed_at)
        self.passed_at = now

    def restart(self) -> None:
        """What took its time until now (compilation) is no measure of a step."""
        self.slowest_s, self.passed_at = 0.0, time.monotonic()

    @property
    def out_of_time(self) -> bool:
        """Whether two more steps, each as long as the longest, may not end in time."""
        if self.wall_minutes is None:
            return False
        left_s = self.started_at + 60 * self.wall_minutes - time.monotonic()
        return left_s < 2 * self.slowest_s

    @property
    def reason(self) -> str | None:
        """Why the computation has to stop; None while it may go on."""
        if self.signal:
            return f"asked to by {self.signal.name}"
        if self.out_of_time:
            return f"its {self.wall_minutes:g} minutes are over"
        return None

    def note(self, number: int, frame) -> None:
        """Handles a signal."""
        self.signal = signal.Signals(number)
        signal.signal(number, _default(number))


def _default(number: int):
    return signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL


@contextmanager
def interruptible(wall_minutes: float | None = None) -> Iterator[Interruption]:
    """Notes signals for the length of a block (in the main thread, the only one that gets them)."""
    interruption = Interruption(wall_minutes)
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption.note) for number in SIGNALS}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
