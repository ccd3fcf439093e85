"""State survives; damage and other holders are told."""

import json
import os
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from bottomup import checkpoints
from bottomup.checkpoints import locked, restore_state, save_state
from bottomup.errors import InputError


def variables():
    return [keras.Variable(np.ones((2, 3), np.float32)), keras.Variable(np.zeros(4, np.float32))]


def test_saved_values_and_progress_come_back(tmp_path):
    saved = variables()
    saved[0].assign(np.full((2, 3), 7.0))
    save_state(tmp_path / "state.npz", saved, {"step": 5})
    fresh = variables()
    assert restore_state(tmp_path / "state.npz", fresh) == {"step": 5}
    np.testing.assert_array_equal(fresh[0].numpy(), np.full((2, 3), 7.0))


def test_no_state_is_no_progress(tmp_path):
    assert restore_state(tmp_path / "state.npz", variables()) is None


@pytest.mark.parametrize("size", [0, 100, -20])
def test_damaged_state_is_named(tmp_path, size):
    path = tmp_path / "state.npz"
    save_state(path, variables(), {"step": 5})
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match=r"state\.npz: the training state is damaged"):
        restore_state(path, variables())


def test_state_of_another_network_is_refused(tmp_path):
    save_state(tmp_path / "state.npz", variables(), {"step": 5})
    with pytest.raises(InputError, match="another network"):
        restore_state(tmp_path / "state.npz", variables()[:1])


def test_a_held_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "PATIENCE_S", 1)
    with (
        locked(tmp_path),
        pytest.raises(InputError, match="another trainer holds"),
        locked(tmp_path),
    ):
        pass


def test_a_dead_holder_is_succeeded(tmp_path):
    process = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    with locked(tmp_path):
        holder = json.loads((tmp_path / "lock.json").read_text())
    (tmp_path / "lock.json").write_text(json.dumps(holder | {"pid": int(process.stdout)}))
    with locked(tmp_path):
        assert json.loads((tmp_path / "lock.json").read_text())["pid"] == os.getpid()


def test_a_holder_on_another_host_is_succeeded_when_its_heart_stops(tmp_path):
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"host": "elsewhere", "pid": 1, "job": None}))
    past = time.time() - 2 * checkpoints.STALE_S
    os.utime(lock, (past, past))
    with locked(tmp_path):
        assert json.loads(lock.read_text())["pid"] == os.getpid()


def test_the_heart_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "HEARTBEAT_S", 0.05)
    with locked(tmp_path):
        lock = tmp_path / "lock.json"
        os.utime(lock, (0, 0))
        deadline = time.monotonic() + 5
        while lock.stat().st_mtime < 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert lock.stat().st_mtime > 1
