"""Signals are noted, and time is up before it is over."""

import os
import signal
import threading

import pytest

from bottomup import interruption
from bottomup.interruption import interruptible


@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGINT], ids=lambda blow: blow.name)
def test_a_signal_is_noted_and_the_second_one_counts(blow):
    with interruptible() as asked:
        assert asked.reason is None
        os.kill(os.getpid(), blow)
        assert asked.reason == f"asked to by {blow.name}"
        assert not asked.out_of_time
        assert signal.getsignal(blow) in (signal.SIG_DFL, signal.default_int_handler)


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with interruptible():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_time_is_up_when_two_more_of_the_longest_steps_do_not_fit(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(interruption.time, "monotonic", lambda: now[0])
    with interruptible(1) as asked:
        now[0] = 20  # compiling is no measure
        asked.restart()
        assert asked.reason is None
        now[0] = 30
        asked.passed()
        now[0] = 39.9
        assert asked.reason is None
        now[0] = 40.1
        assert asked.reason == "its 1 minutes are over"
        assert asked.out_of_time


@pytest.mark.parametrize("minutes", [None, 0])
def test_without_a_limit_time_is_never_up(minutes, monkeypatch):
    with interruptible(minutes) as asked:
        monkeypatch.setattr(interruption.time, "monotonic", lambda: 1e12)
        assert asked.reason is None


def test_other_threads_get_no_signals():
    found = []

    def listen():
        with interruptible() as asked:
            found.append(asked.reason)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert found == [None]
