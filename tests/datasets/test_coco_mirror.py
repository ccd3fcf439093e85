"""Downloads over real HTTP on loopback: whole, cut, corrupted, resumed, refused."""

import hashlib
import re
import shutil
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bottomup.datasets import coco_mirror
from bottomup.datasets.coco_mirror import download_file, unpack_archive
from bottomup.errors import InputError
from mirror_server import Mirror, serving

URL = "http://images.example.org/zips/small.zip"
CONTENT = bytes(range(256)) * 8000  # several times the size of a piece
Usage = namedtuple("Usage", "total used free")


def entry(content: bytes = CONTENT, **changes) -> dict:
    sums = {"bytes": len(content), "md5": hashlib.md5(content).hexdigest()}
    return {"url": URL} | sums | changes


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coco_mirror, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    file = tmp_path / "served" / "zips" / "small.zip"
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    with serving(tmp_path / "served") as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "data" / "small.zip"


def part_of(target: Path) -> Path:
    return target.with_name("small.zip.part")


def fetch(target: Path, mirror: Mirror, **changes) -> None:
    download_file(entry(**changes), target, mirror.address, progress=False)


def refusal(target: Path, mirror: Mirror, **changes) -> str:
    with pytest.raises(InputError) as caught:
        fetch(target, mirror, **changes)
    return str(caught.value)


def test_a_download_arrives_whole(mirror, target):
    fetch(target, mirror)
    assert target.read_bytes() == CONTENT
    assert mirror.asked == [("/zips/small.zip", None)]
    assert not part_of(target).exists()


def test_what_is_there_and_right_is_not_fetched_again(mirror, target):
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    fetch(target, mirror)
    assert mirror.asked == []


@pytest.mark.parametrize("wrong", [CONTENT[:-1], b"x" + CONTENT[1:]])
def test_what_is_there_and_wrong_is_replaced(mirror, target, wrong):
    target.parent.mkdir()
    target.write_bytes(wrong)
    fetch(target, mirror)
    assert target.read_bytes() == CONTENT


def test_a_transfer_cut_in_the_middle_goes_on_where_it_stopped(mirror, target):
    mirror.cuts = [1_000_000, 400_000]
    fetch(target, mirror)
    assert target.read_bytes() == CONTENT
    starts = [int(asked[6:-1]) for _, asked in mirror.asked[1:]]
    assert len(starts) == 2
    assert 700_000 < starts[0] <= 1_000_000
    assert starts[0] < starts[1]


def test_a_transfer_given_up_goes_on_in_the_next_run(mirror, target):
    mirror.cuts = [900_000]
    mirror.statuses = [200] + [503] * coco_mirror.ATTEMPTS
    message = refusal(target, mirror)
    received = part_of(target).stat().st_size
    assert 500_000 < received <= 900_000
    assert f"run again to go on after {received:,} bytes" in message
    fetch(target, mirror)
    assert target.read_bytes() == CONTENT
    assert mirror.asked[-1] == ("/zips/small.zip", f"bytes={received}-")


def test_a_part_of_another_version_is_thrown_away(mirror, target):
    part_of(target).parent.mkdir()
    part_of(target).write_bytes(b"y" * 600_000)
    fetch(target, mirror)
    assert target.read_bytes() == CONTENT
    assert [asked for _, asked in mirror.asked] == ["bytes=600000-", None]


def test_a_whole_part_is_only_checked(mirror, target):
    part_of(target).parent.mkdir()
    part_of(target).write_bytes(CONTENT)
    fetch(target, mirror)
    assert target.read_bytes() == CONTENT
    assert mirror.asked == []


def test_a_part_that_is_too_long_is_thrown_away(mirror, target):
    part_of(target).parent.mkdir()
    part_of(target).write_bytes(CONTENT + b"more")
    fetch(target, mirror)
    assert target.read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_sends_it_all_again(mirror, target):
    mirror.ranges = False
    mirror.cuts = [1_000_000]
    fetch(target, mirror)
    assert target.read_bytes() == CONTENT
    assert len(mirror.asked) == 2


def test_a_server_that_answers_another_range_is_not_believed(mirror, target):
    mirror.cuts = [1_000_000]
    mirror.lie = 7
    fetch(target, mirror)
    assert target.read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(mirror, target):
    mirror.statuses = [503, 429, 500]
    fetch(target, mirror)
    assert target.read_bytes() == CONTENT
    assert len(mirror.asked) == 4


def test_patience_ends(mirror, target):
    mirror.statuses = [503] * 20
    assert "answers 503" in refusal(target, mirror)
    assert len(mirror.asked) == coco_mirror.ATTEMPTS
    assert not target.exists()


def test_pauses_grow(mirror, target, monkeypatch):
    pauses = []
    monkeypatch.setattr(coco_mirror.time, "sleep", pauses.append)
    mirror.statuses = [503] * 3
    fetch(target, mirror)
    assert pauses == [0.001, 0.002, 0.004]


def test_nobody_listens(target, tmp_path):
    with serving(tmp_path) as gone:
        pass
    assert "6 times in a row" in refusal(target, gone)


def test_a_missing_file_is_not_asked_for_again(mirror, target):
    message = refusal(target, mirror, url="http://images.example.org/zips/other.zip")
    assert "/zips/other.zip: the server answers 404" in message
    assert len(mirror.asked) == 1


def test_a_corrupted_archive_is_refused_with_both_sums(mirror, target):
    corrupt = b"z" + CONTENT[1:]
    (mirror.folder / "zips" / "small.zip").write_bytes(corrupt)
    message = refusal(target, mirror)
    assert hashlib.md5(CONTENT).hexdigest() in message
    assert hashlib.md5(corrupt).hexdigest() in message
    assert not target.exists()
    assert not part_of(target).exists()


def test_a_corrupted_archive_leaves_an_earlier_file(mirror, target):
    (mirror.folder / "zips" / "small.zip").write_bytes(b"z" + CONTENT[1:])
    target.parent.mkdir()
    target.write_bytes(b"earlier")
    refusal(target, mirror)
    assert target.read_bytes() == b"earlier"


def test_an_archive_of_another_size_is_refused_before_it_is_fetched(mirror, target):
    message = refusal(target, mirror, bytes=17)
    assert "is 2,048,000 bytes there instead of 17" in message
    assert not part_of(target).exists()


def test_a_cut_that_the_server_does_not_admit(mirror, target):
    mirror.announces = False
    mirror.cuts = [1_000_000]
    fetch(target, mirror)
    assert target.read_bytes() == CONTENT
    assert len(mirror.asked) == 2


def test_a_server_that_sends_without_end_is_stopped(mirror, target):
    mirror.announces = False
    (mirror.folder / "zips" / "small.zip").write_bytes(CONTENT * 10)
    found = re.search(r"(\d+) bytes instead of", refusal(target, mirror))
    assert len(CONTENT) < int(found[1]) <= len(CONTENT) + coco_mirror.CHUNK_BYTES


def test_sha256_is_checked_too(mirror, target):
    fetch(target, mirror, md5=None, sha256=hashlib.sha256(CONTENT).hexdigest().upper())
    assert target.exists()
    target.unlink()
    assert "sha256 " + "0" * 64 in refusal(target, mirror, sha256="0" * 64)


def test_without_a_sum_nothing_is_fetched(mirror, target):
    assert "no md5 or sha256" in refusal(target, mirror, md5=None)
    assert mirror.asked == []


def test_the_size_may_be_unknown(mirror, target):
    mirror.cuts = [1_000_000]
    fetch(target, mirror, bytes=None)
    assert target.read_bytes() == CONTENT


def test_no_disk_space_is_said_before_anything_is_asked(mirror, target, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 2_047_999))
    message = refusal(target, mirror)
    assert "needs 2,048,000 bytes" in message
    assert "2,047,999 bytes free" in message
    assert mirror.asked == []


def test_no_disk_space_for_a_size_that_only_the_server_knows(mirror, target, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 1000))
    assert "needs 2,048,000 bytes" in refusal(target, mirror, bytes=None)
    assert not part_of(target).exists()


def test_room_is_needed_only_for_the_rest(mirror, target, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 48_000))
    part_of(target).parent.mkdir()
    part_of(target).write_bytes(CONTENT[:2_000_000])
    fetch(target, mirror)
    assert target.exists()


def test_the_mirror_replaces_scheme_and_host_of_the_url():
    for mirror, expected in (
        (None, URL),
        ("https://near.example.org", "https://near.example.org/zips/small.zip"),
        ("http://near.example.org:8000/coco/", "http://near.example.org:8000/coco/zips/small.zip"),
        ("/archives", Path("/archives/zips/small.zip")),
        ("archives/", Path("archives/zips/small.zip")),
    ):
        assert coco_mirror.mirrored(URL, mirror) == expected


@pytest.mark.parametrize("mirror", ["ftp://near.example.org", "s3://bucket"])
def test_other_schemes_are_refused(mirror, target):
    with pytest.raises(InputError, match="give an http or https address or a folder"):
        download_file(entry(), target, mirror, progress=False)


def test_a_folder_is_a_mirror(mirror, target):
    download_file(entry(), target, str(mirror.folder), progress=False)
    assert target.read_bytes() == CONTENT
    assert mirror.asked == []


def test_a_folder_without_the_archive(target, tmp_path):
    with pytest.raises(InputError, match=r"nowhere/zips/small\.zip: is missing"):
        download_file(entry(), target, str(tmp_path / "nowhere"), progress=False)


def test_a_corrupted_archive_in_a_folder(mirror, target):
    (mirror.folder / "zips" / "small.zip").write_bytes(b"z" + CONTENT[1:])
    with pytest.raises(InputError, match=hashlib.md5(CONTENT).hexdigest()):
        download_file(entry(), target, str(mirror.folder), progress=False)
    assert not target.exists()


def test_progress_is_shown_on_demand(mirror, target, capsys):
    fetch(target, mirror)
    assert capsys.readouterr().err == ""
    target.unlink()
    download_file(entry(), target, mirror.address, progress=True)
    shown = capsys.readouterr().err
    assert "small.zip: 100%" in shown
    assert "2.05M/2.05M" in shown


def test_no_connection_stays_open(mirror, target, monkeypatch):
    replies = []
    get = requests.get
    monkeypatch.setattr(
        requests, "get", lambda *a, **k: replies.append(get(*a, **k)) or replies[-1]
    )
    mirror.statuses = [503]
    fetch(target, mirror)
    assert [reply.raw.closed for reply in replies] == [True, True]


def test_the_coco_sample_arrives_over_http_with_a_cut(shared_data, tmp_path):
    lines = (shared_data / "coco-sample" / "MD5SUMS").read_text().splitlines()
    sums = {name: md5 for md5, name in (line.split() for line in lines)}
    assert len(sums) == 3
    with serving(shared_data / "coco-sample") as mirror:
        mirror.cuts = [1_500_000]
        for name, md5 in sums.items():
            archive = tmp_path / "archives" / Path(name).name
            listed = {"url": f"http://images.cocodataset.org/{name}", "md5": md5}
            listed["bytes"] = (mirror.folder / name).stat().st_size
            download_file(listed, archive, mirror.address, progress=False)
            unpack_archive(archive, tmp_path / "coco", progress=False)
    assert len(mirror.asked) == 4
    assert {path.name for path in (tmp_path / "coco").iterdir() if path.name[0] != "."} == {
        *("annotations", "train2017", "val2017")
    }
    assert len(list((tmp_path / "coco" / "train2017").glob("*.jpg"))) == 50
