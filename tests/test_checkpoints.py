"""State survives; damage is told."""

import keras
import numpy as np
import pytest

from bottomup.checkpoints import Keeper, Snapshot, restore_state
from bottomup.errors import InputError


def variables():
    return [keras.Variable(np.ones((2, 3), np.float32)), keras.Variable(np.zeros(4, np.float32))]


def test_saved_values_and_progress_come_back(tmp_path):
    saved = variables()
    saved[0].assign(np.full((2, 3), 7.0))
    Snapshot(saved, {"step": 5}).write(tmp_path / "state.npz")
    fresh = variables()
    assert restore_state(tmp_path / "state.npz", fresh) == {"step": 5}
    np.testing.assert_array_equal(fresh[0].numpy(), np.full((2, 3), 7.0))


def test_no_state_is_no_progress(tmp_path):
    assert restore_state(tmp_path / "state.npz", variables()) is None


@pytest.mark.parametrize("size", [0, 100, -20])
def test_damaged_state_is_named(tmp_path, size):
    path = tmp_path / "state.npz"
    Snapshot(variables(), {"step": 5}).write(path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match=r"state\.npz: the training state is damaged"):
        restore_state(path, variables())


def test_state_of_another_network_is_refused(tmp_path):
    Snapshot(variables(), {"step": 5}).write(tmp_path / "state.npz")
    with pytest.raises(InputError, match="another network"):
        restore_state(tmp_path / "state.npz", variables()[:1])


def test_a_state_waits_until_a_sound_step_started_from_it(tmp_path):
    keeper, held = Keeper(tmp_path / "state.npz"), variables()
    keeper.step_was_sound()
    keeper.take(held, {"step": 5})
    held[0].assign(np.full((2, 3), 9.0))
    assert not keeper.path.exists()
    keeper.step_was_sound()
    assert restore_state(keeper.path, held) == {"step": 5}
    np.testing.assert_array_equal(held[0].numpy(), np.ones((2, 3)))


def test_a_state_that_must_not_be_written_leaves_the_one_before(tmp_path):
    def refuse():
        raise InputError("taken over")

    path = tmp_path / "state.npz"
    Snapshot(variables(), {"step": 5}).write(path)
    with pytest.raises(InputError, match="taken over"):
        Snapshot(variables(), {"step": 6}).write(path, refuse)
    assert restore_state(path, variables()) == {"step": 5}
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]


def test_what_a_killed_writer_left_is_swept_up(tmp_path):
    (tmp_path / ".state.npz.999999.part").write_bytes(b"half")
    Snapshot(variables(), {"step": 5}).write(tmp_path / "state.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_damaged_state_gives_way_to_the_one_before(tmp_path, damage, capsys):
    keeper, held = Keeper(tmp_path / "state.npz"), variables()
    for step in (5, 6):
        keeper.take(held, {"step": step})
        keeper.step_was_sound()
    data = keeper.path.read_bytes()
    place = data.index(np.ones((2, 3), np.float32).tobytes())
    if damage == "flipped":
        keeper.path.write_bytes(data[:place] + b"\xff" + data[place + 1 :])
    elif damage == "cut":
        keeper.path.write_bytes(data[:-20])
    else:
        keeper.path.unlink()
    assert keeper.restore(held) == {"step": 5}
    said = capsys.readouterr().err
    assert ("the training state is damaged" in said) == (damage != "gone")
    keeper.forget()
    assert not list(tmp_path.iterdir())
