"""Damage is found by checksum and named."""

import json
import zlib

import pytest

from bottomup.cli import main
from bottomup.errors import InputError
from bottomup.provenance import file_sha256
from bottomup.sums import check_sums, damages, write_sums


@pytest.fixture
def folder(tmp_path):
    """A working folder with one file of each kind, all as written."""
    files = {
        "resources/archives/toy/images.zip": b"archive",
        "resources/datasets/toy/images/1.jpg": b"image",
        "results/records/toy/train-00000-of-00001.tfrecord": b"records",
        "results/runs/one/seed-0/weights.keras": b"weights",
        "results/runs/one/seed-0/toy-val/plain/keypoints.json": b"[]",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    archive, _image, records, weights, results = (tmp_path / name for name in files)
    entry = {"url": "http://host/images.zip", "sha256": file_sha256(archive)}
    (tmp_path / "resources/datasets/toy/images.unpacked").write_text(json.dumps(entry))
    note = tmp_path / "resources/datasets/toy/.unpacked/images.zip.json"
    note.parent.mkdir()
    note.write_text(json.dumps({"images/1.jpg": [5, zlib.crc32(b"image")]}))
    records.with_suffix(".json").write_text(json.dumps({"sha256": file_sha256(records)}))
    record = {"outputs": {"elsewhere/weights.keras": file_sha256(weights)}}
    weights.with_name("run.json").write_text(json.dumps(record))
    write_sums([results], results.with_name("sums.json"))
    return tmp_path


def test_whole_files_are_no_damage(folder, capsys):
    assert list(damages(folder)) == []
    assert main(["verify", "--folder", str(folder)]) == 0


@pytest.mark.parametrize(
    "pattern", ["*/*.zip", "images/*.jpg", "*.tfrecord", "weights.keras", "keypoints.json"]
)
def test_each_damaged_file_is_named_and_removed_on_demand(folder, capsys, pattern):
    (path,) = folder.rglob(pattern)
    path.write_bytes(b"x" + path.read_bytes()[1:])
    assert main(["verify", "--folder", str(folder)]) == 2
    said = capsys.readouterr()
    assert f"{path}: damaged (" in said.out
    assert "1 damaged files; delete them with --remove" in said.err
    assert path.exists()
    assert main(["verify", "--folder", str(folder), "--remove"]) == 0
    assert not path.exists()
    assert list(damages(folder)) == []


@pytest.mark.parametrize("pattern", ["*.unpacked", "*.zip.json", "train-*.json", "run.json"])
def test_a_note_that_is_cut_short_is_damage_and_hides_no_other(folder, pattern):
    (note,) = [path for path in folder.rglob(pattern) if path.is_file()]
    note.write_text("{")
    (results,) = folder.rglob("keypoints.json")
    results.write_text("[ ]")
    assert {damage.path for damage in damages(folder)} == {note, results}


def test_a_damaged_result_is_refused(folder):
    (path,) = folder.rglob("keypoints.json")
    path.write_text("[ ]")
    with pytest.raises(InputError, match=r"keypoints\.json: damaged \(sha256 .*; delete it"):
        check_sums([path], path.with_name("sums.json"))
