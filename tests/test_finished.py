"""The files of a finished run are taken back when its job is sent a second time."""

import json

import pytest

from bottomup.finished import NAMES, keep, take_back
from bottomup.provenance import file_sha256


@pytest.fixture
def places(tmp_path):
    """Folder of outputs, folder of the state with the finished run in it, and its input."""
    out, state, records = tmp_path / "out", tmp_path / "state", tmp_path / "records"
    out.mkdir()
    state.mkdir()
    records.write_text("records")
    (out / "weights.keras").write_text("weights")
    (out / "history.csv").write_text("history")
    record = {
        "inputs": {"there/records": file_sha256(records)},
        "outputs": {"there/weights.keras": file_sha256(out / "weights.keras")},
    }
    (out / "run.json").write_text(json.dumps(record))
    keep(out, state)
    return out, state, records


def test_outputs_that_were_deleted_come_back(places):
    out, state, records = places
    kept = {name: (out / name).read_text() for name in NAMES}
    for name in NAMES:
        (out / name).unlink()
    assert take_back(state, [records], out)
    assert {name: (out / name).read_text() for name in NAMES} == kept
    assert take_back(state, [records], out)


def test_other_inputs_need_another_training(places):
    out, state, records = places
    records.write_text("others")
    assert not take_back(state, [records], out)


def test_inputs_of_one_name_are_all_compared(places, tmp_path):
    out, state, records = places
    starts = [tmp_path / name / "weights.keras" for name in ("first", "second")]
    for path in starts:
        path.parent.mkdir()
        path.write_text(path.parent.name)
    record = json.loads((out / "run.json").read_text())
    record["inputs"] |= {str(path): file_sha256(path) for path in starts}
    (state / "finished" / "run.json").write_text(json.dumps(record))
    assert take_back(state, [records, *starts], tmp_path / "again")
    starts[0].write_text("another")
    assert not take_back(state, [records, *starts], tmp_path / "third")


def test_damaged_weights_are_not_taken_back(places):
    out, state, records = places
    (state / "finished" / "weights.keras").write_text("damaged")
    assert not take_back(state, [records], out)


def test_nothing_finished_is_nothing_to_take_back(tmp_path):
    assert not take_back(tmp_path / "state", [], tmp_path / "out")
