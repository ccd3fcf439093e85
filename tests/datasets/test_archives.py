"""Unpacking: nothing outside the folder, nothing half-done, nothing twice."""

import json
import shutil
import stat
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bottomup.datasets import archives
from bottomup.errors import InputError

FILES = {"train/1.jpg": b"one" * 100, "train/2.jpg": b"two" * 2000, "notes/a.txt": b""}
Usage = namedtuple("Usage", "total used free")


def pack(
    path: Path, files: dict[str | zipfile.ZipInfo, bytes], method=zipfile.ZIP_DEFLATED
) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def special(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def contents(folder: Path) -> dict[str, bytes]:
    """All files but the unpacker's own notes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".unpacked")
    }


def unpack(archive: Path, folder: Path) -> None:
    archives.unpack_archive(archive, folder, progress=False)


def refusal(archive: Path, folder: Path) -> str:
    """The message; the folder and everything beside it stay as they were."""
    beside = {path for path in folder.parent.rglob("*") if not path.is_relative_to(folder)}
    before = contents(folder)
    with pytest.raises(InputError) as caught:
        unpack(archive, folder)
    assert contents(folder) == before
    after = {path for path in folder.parent.rglob("*") if not path.is_relative_to(folder)}
    assert after == beside
    assert str(archive) in str(caught.value)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "data"


def test_every_file_arrives(tmp_path, folder):
    unpack(pack(tmp_path / "a.zip", FILES), folder)
    assert contents(folder) == dict(sorted(FILES.items()))


def test_archives_fill_the_same_folder(tmp_path, folder):
    unpack(pack(tmp_path / "a.zip", {"annotations/train.json": b"{}"}), folder)
    unpack(pack(tmp_path / "b.zip", {"annotations/test.json": b"[]"}), folder)
    assert contents(folder) == {"annotations/test.json": b"[]", "annotations/train.json": b"{}"}


def test_what_is_unpacked_and_whole_is_left_alone(tmp_path, folder):
    archive = pack(tmp_path / "a.zip", FILES)
    unpack(archive, folder)
    before = (folder / "train" / "1.jpg").stat()
    unpack(archive, folder)
    after = (folder / "train" / "1.jpg").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"short")])
def test_what_is_no_longer_whole_is_unpacked_again(tmp_path, folder, damage):
    archive = pack(tmp_path / "a.zip", FILES)
    unpack(archive, folder)
    damage(folder / "train" / "2.jpg")
    unpack(archive, folder)
    assert contents(folder) == dict(sorted(FILES.items()))


def test_a_new_version_of_the_archive_is_unpacked(tmp_path, folder):
    unpack(pack(tmp_path / "a.zip", FILES), folder)
    unpack(pack(tmp_path / "a.zip", FILES | {"train/1.jpg": b"ONE" * 100}), folder)
    assert (folder / "train" / "1.jpg").read_bytes() == b"ONE" * 100


def test_a_spoilt_note_is_no_obstacle(tmp_path, folder):
    archive = pack(tmp_path / "a.zip", FILES)
    unpack(archive, folder)
    note = folder / ".unpacked" / "a.zip.json"
    note.write_text(note.read_text()[:10])
    unpack(archive, folder)
    assert set(json.loads(note.read_text())) == set(FILES)


def test_leftovers_of_a_killed_run_are_cleared(tmp_path, folder):
    stale = folder / ".unpacking-a.zip" / "train" / "1.jpg"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"half")
    unpack(pack(tmp_path / "a.zip", FILES), folder)
    assert not stale.parent.parent.exists()
    assert contents(folder) == dict(sorted(FILES.items()))


def test_missing_archive(tmp_path, folder):
    assert "is missing" in refusal(tmp_path / "nowhere.zip", folder)


def test_a_file_that_is_no_archive(tmp_path, folder):
    (tmp_path / "a.zip").write_bytes(b"<html>" * 100)
    assert "is a broken archive" in refusal(tmp_path / "a.zip", folder)


def test_an_archive_without_files(tmp_path, folder):
    assert "holds no file" in refusal(pack(tmp_path / "a.zip", {}), folder)


def test_corrupted_content_leaves_the_folder_as_it_was(tmp_path, folder):
    archive = pack(tmp_path / "a.zip", FILES, zipfile.ZIP_STORED)
    content = bytearray(archive.read_bytes())
    content[content.index(b"twotwo") + 3] ^= 1
    archive.write_bytes(content)
    folder.mkdir(parents=True)
    (folder / "earlier.txt").write_text("earlier")
    assert "is a broken archive" in refusal(archive, folder)


def test_a_truncated_archive(tmp_path, folder):
    archive = pack(tmp_path / "a.zip", FILES)
    archive.write_bytes(archive.read_bytes()[:-40])
    assert "is a broken archive" in refusal(archive, folder)


@pytest.mark.parametrize("name", ["../out.txt", "train/../../out.txt", "/out.txt", "//out.txt"])
def test_names_that_lead_out_of_the_folder(tmp_path, folder, name):
    assert "leads out of the folder" in refusal(pack(tmp_path / "a.zip", {name: b"x"}), folder)


@pytest.mark.parametrize("name", ["C:out.txt", "..\\out.txt", "."])
def test_names_that_mean_something_elsewhere(tmp_path, folder, name):
    assert "not portable" in refusal(pack(tmp_path / "a.zip", {name: b"x"}), folder)


@pytest.mark.parametrize("name", [".unpacked/a.zip.json", ".unpacking-b.zip/x"])
def test_names_of_the_unpackers_own_notes(tmp_path, folder, name):
    assert "kept for notes" in refusal(pack(tmp_path / "a.zip", {name: b"x"}), folder)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices(tmp_path, folder, kind):
    entry = special("train/link", kind | 0o777)
    assert "is a link or a device" in refusal(pack(tmp_path / "a.zip", {entry: b"/etc"}), folder)


def test_a_name_that_is_there_twice(tmp_path, folder):
    two = {special("train/1.jpg"): b"one", special("train/./1.jpg"): b"two"}
    assert "is there twice" in refusal(pack(tmp_path / "a.zip", two), folder)


def test_a_file_that_is_also_a_folder(tmp_path, folder):
    archive = pack(tmp_path / "a.zip", {"train": b"x", "train/1.jpg": b"x"})
    assert "is both file and folder" in refusal(archive, folder)


def test_encrypted_entries(tmp_path, folder):
    archive = pack(tmp_path / "a.zip", FILES)
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    assert "is encrypted" in refusal(archive, folder)


def test_unusual_compression(tmp_path, folder):
    archive = pack(tmp_path / "a.zip", FILES, zipfile.ZIP_LZMA)
    assert "unusual method" in refusal(archive, folder)


def patched_size(archive: Path, name: bytes, size: int) -> Path:
    """Changes the declared size of an entry in the archive's directory."""
    content = bytearray(archive.read_bytes())
    start = content.rindex(name) - 46
    assert content[start : start + 4] == b"PK\x01\x02"
    content[start + 24 : start + 28] = size.to_bytes(4, "little")
    archive.write_bytes(content)
    return archive


def test_more_content_than_declared_is_not_written(tmp_path, folder):
    archive = patched_size(pack(tmp_path / "a.zip", FILES), b"train/2.jpg", 50)
    assert "is a broken archive" in refusal(archive, folder)


def test_less_content_than_declared(tmp_path, folder):
    archive = patched_size(pack(tmp_path / "a.zip", FILES), b"train/2.jpg", 6001)
    assert "is a broken archive" in refusal(archive, folder)


def test_content_that_is_declared_away(tmp_path, folder):
    archive = patched_size(pack(tmp_path / "a.zip", FILES), b"train/2.jpg", 0)
    assert "is a broken archive" in refusal(archive, folder)


def test_an_entry_that_lies_before_the_archive(tmp_path, folder):
    archive = pack(tmp_path / "a.zip", FILES)
    content = archive.read_bytes()
    directory = content.rindex(b"PK\x05\x06") + 16
    place = int.from_bytes(content[directory : directory + 4], "little") + 1000
    archive.write_bytes(
        content[:directory] + place.to_bytes(4, "little") + content[directory + 4 :]
    )
    assert "lies before the beginning" in refusal(archive, folder)


def test_sizes_that_cannot_be_true(tmp_path, folder):
    archive = patched_size(pack(tmp_path / "a.zip", FILES), b"train/2.jpg", 2**31)
    assert "claims to hold" in refusal(archive, folder)


def test_no_disk_space(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 6299))
    message = refusal(pack(tmp_path / "a.zip", FILES), folder)
    assert "needs 6,300 bytes" in message
    assert "6,299 bytes free" in message


def test_a_linked_folder_is_not_written_through(tmp_path, folder):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.mkdir(parents=True)
    (folder / "train").symlink_to(elsewhere)
    with pytest.raises(InputError, match="is a link"):
        unpack(pack(tmp_path / "a.zip", FILES), folder)
    assert not any(elsewhere.iterdir())


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4)
)
def test_flipped_bytes_never_give_wrong_files(tmp_path, flips):
    """Whatever is damaged, the outcome is a refusal, or files with the content they had."""
    archive = pack(tmp_path / "fuzz.zip", FILES)
    content = bytearray(archive.read_bytes())
    for place, value in flips:
        content[place % len(content)] = value
    archive.write_bytes(content)
    folder = tmp_path / "fuzz"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        unpack(archive, folder)
    except InputError:
        assert not folder.exists() or not contents(folder)
    else:
        assert set(contents(folder).values()) <= set(FILES.values())
