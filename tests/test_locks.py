"""One holder at a time: others wait, the dead are succeeded, and a sleeper who wakes gives way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bottomup import locks
from bottomup.errors import InputError
from bottomup.locks import Lock, locked

SOURCE = Path(__file__).resolve().parents[1] / "src"
# Holds the folder while a file `hold` lies in it, and then asks before it writes.
HOLDER = """
import sys, time
from pathlib import Path
from bottomup import locks
locks.HEARTBEAT_S, locks.STALE_S, locks.SETTLE_S = 0.1, float(sys.argv[2]), 0.3
folder = Path(sys.argv[1])
with locks.locked(folder) as lock:
    print("holds", flush=True)
    while (folder / "hold").exists():
        time.sleep(0.05)
    lock.confirm()
    print("wrote", flush=True)
    time.sleep(float(sys.argv[3]))
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for name, seconds in {
        "HEARTBEAT_S": 0.1,
        "STALE_S": 1,
        "PATIENCE_S": 20,
        "SETTLE_S": 0.3,
    }.items():
        monkeypatch.setattr(locks, name, seconds)


@pytest.fixture
def start(tmp_path):
    """Starts processes that want the folder, and ends them."""
    started = []

    def start(stale_s=60, stay_s=0):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path), str(stale_s), str(stay_s)],
            env=os.environ | {"PYTHONPATH": str(SOURCE)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def holder_of(folder):
    return json.loads((folder / "lock.json").read_text())["pid"]


def test_a_living_holder_is_not_disturbed_however_long_others_wait(tmp_path, start, monkeypatch):
    (tmp_path / "hold").touch()
    holder = start()
    assert holder.stdout.readline() == "holds\n"
    monkeypatch.setattr(locks, "PATIENCE_S", 3)
    with pytest.raises(InputError, match=r"another trainer holds this run .*stop it first"):
        locked(tmp_path).__enter__()
    (tmp_path / "hold").unlink()
    assert holder.communicate()[0] == "wrote\n"
    assert not (tmp_path / "lock.json").exists()


def test_who_waits_takes_over_when_the_holder_ends(tmp_path, start):
    (tmp_path / "hold").touch()
    assert start().stdout.readline() == "holds\n"
    second = start()
    time.sleep(0.5)
    (tmp_path / "hold").unlink()
    assert second.communicate(timeout=20)[0] == "holds\nwrote\n"


def test_a_killed_holder_of_this_host_is_succeeded_at_once(tmp_path, start, monkeypatch):
    (tmp_path / "hold").touch()
    holder = start()
    holder.stdout.readline()
    holder.kill()
    holder.wait()
    monkeypatch.setattr(locks, "STALE_S", 60)
    with locked(tmp_path):
        assert holder_of(tmp_path) == os.getpid()


def test_a_holder_who_slept_writes_nothing_more(tmp_path, start):
    (tmp_path / "hold").touch()
    sleeper = start()
    sleeper.stdout.readline()
    sleeper.send_signal(signal.SIGSTOP)
    with locked(tmp_path) as lock:
        (tmp_path / "hold").unlink()
        sleeper.send_signal(signal.SIGCONT)
        said, told = sleeper.communicate(timeout=20)
        lock.confirm()
        assert holder_of(tmp_path) == os.getpid()
    assert "wrote" not in said
    assert "another trainer took this run over while this one stood still" in told


def test_of_several_that_find_a_dead_holder_one_at_a_time_gets_in(tmp_path, start):
    dead = Lock(tmp_path / "lock.json")
    dead.holder |= {"host": "elsewhere"}
    assert dead.create()
    takers = [start(stale_s=1, stay_s=0.5) for _ in range(4)]
    said = [taker.communicate(timeout=60) for taker in takers]
    assert [out for out, _ in said] == ["holds\nwrote\n"] * 4, said


def test_a_clock_that_is_wrong_steals_nothing(tmp_path, start, monkeypatch):
    (tmp_path / "hold").touch()
    start().stdout.readline()
    monkeypatch.setattr(time, "time", lambda: 4e9)
    monkeypatch.setattr(locks, "PATIENCE_S", 2)
    with pytest.raises(InputError, match="another trainer holds"):
        locked(tmp_path).__enter__()


@pytest.mark.parametrize("left", ["", "{", '{"host": "elsewhere", "pid": 1}'])
def test_what_a_dying_writer_left_holds_nothing_up(tmp_path, left):
    (tmp_path / "lock.json").write_text(left)
    with locked(tmp_path):
        assert holder_of(tmp_path) == os.getpid()


def test_the_number_of_a_process_means_nothing_in_another_container(tmp_path, monkeypatch):
    elsewhere = Lock(tmp_path / "lock.json")
    elsewhere.holder |= {"processes": "pid:[1]", "pid": 2**22 + 1}
    assert not locks._is_gone(json.dumps(elsewhere.holder))
    assert locks._is_gone(json.dumps(Lock(tmp_path).holder | {"pid": 2**22 + 1}))


def test_a_lost_lock_is_not_brought_back_by_the_heart(tmp_path):
    with locked(tmp_path) as lock:
        lock.path.unlink()
        time.sleep(0.5)
        assert not lock.path.exists()
        with pytest.raises(InputError, match="took this run over"):
            lock.confirm()
