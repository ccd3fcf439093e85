"""Downloads, disks and damaged files, through real Snakemake processes on this machine."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from training_story import RUN

from bottomup.datasets.coco_mirror import CHUNK_BYTES
from mirror_server import serving

pytestmark = pytest.mark.cluster
TRAINED = f"{RUN}/weights.keras"
TEST = f"{RUN}/toy-val/single_scale_257"
SPLIT = "{images: images, annotations: annotations/train.json, files: [images]}"
DATASET = """
kind: coco_mirror
skeleton: coco_person
files: {{images: {{url: "http://127.0.0.1:1/images.zip", bytes: {size}, sha256: {sha256}}}}}
splits: {{train: {split}}}
"""
EXPERIMENT = """
based_on: toy
subset: served
test_on: [{dataset: served, split: train}]
"""
UNPACKED = "resources/datasets/served/images.unpacked"


@pytest.fixture
def served(story, tmp_path):
    """A study whose archive of 4 MB comes from a server on loopback."""
    folder = tmp_path / "server"
    folder.mkdir()
    archive = folder / "images.zip"
    with zipfile.ZipFile(archive, "w") as content:
        for number in range(16):
            content.writestr(f"images/{number:02}.jpg", os.urandom(1 << 18))
    data = archive.read_bytes()
    text = DATASET.format(size=len(data), sha256=hashlib.sha256(data).hexdigest(), split=SPLIT)
    config = story.folder / "config"
    (config / "datasets" / "served.yaml").write_text(text)
    (config / "subsets" / "served.yaml").write_text("dataset: served\nsplit: train\n")
    (config / "experiments" / "served.yaml").write_text(EXPERIMENT)
    with serving(folder) as mirror:
        (config / "served.yaml").write_text(
            "study: served\nexperiments: [served]\nprotocols: [single_scale_257]\n"
            f"datasets: {{served: {{mirror: '{mirror.address}'}}}}\n"
        )
        yield mirror


def fetch(story):
    return story.here("--retries", "0", UNPACKED, study="served")


def whole(story, mirror) -> bool:
    """Whether every file of the archive is there as it was packed."""
    folder = story.folder / "resources/datasets/served"
    with zipfile.ZipFile(mirror.folder / "images.zip") as content:
        return all((folder / n).read_bytes() == content.read(n) for n in content.namelist())


@contextmanager
def small_disk(folder: Path, size: str):
    """A disk of its own at a folder; gives a function that changes its size."""
    folder.mkdir(parents=True, exist_ok=True)

    def mount(options: str) -> subprocess.CompletedProcess:
        words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        return subprocess.run(words, capture_output=True, text=True)

    done = mount(f"size={size}")
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield lambda size: mount(f"remount,size={size}").check_returncode()
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def flip_byte(path: Path) -> None:
    """Changes a byte in the middle of a file, but not its time."""
    times, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def verify(story, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "bottomup.cli", "verify", *words]
    environment = os.environ | {"PYTHONPATH": str(story.folder / "src")}
    return subprocess.run(
        command, cwd=story.folder, env=environment, capture_output=True, text=True
    )


def test_a_connection_cut_at_every_tenth(served, story, account):
    with account.fault("download: connection cut at every tenth") as fault:
        size = (served.folder / "images.zip").stat().st_size
        tenths = [size * tenth // 10 for tenth in range(1, 10)]
        served.cut_at = list(tenths)
        assert fetch(story).wait() == 0, story.said
        starts = [int(asked[6:-1]) if asked else 0 for _, asked in served.asked[1:]]
        fault.happened(len(starts) == 9 and not served.cut_at, "nine transfers broken off")
        # What came since the last whole piece is asked for again.
        pieces = zip(starts, tenths, strict=True)
        assert all(0 <= tenth - start < CHUNK_BYTES for start, tenth in pieces), starts
        assert whole(story, served)


def test_the_disk_fills_up_during_a_download(served, story, account):
    with account.fault("download: disk full in the middle") as fault:
        archives = story.folder / "resources/archives"
        with small_disk(archives, "5m") as resize:
            served.pause_s = 0.1
            process = fetch(story)
            part = archives / "served/images.zip.part"
            story.wait_for(lambda: part.exists() and part.stat().st_size, "first bytes", process)
            (archives / "other").write_bytes(bytes(3 << 20))
            assert process.wait() == 1
            fault.happened("No space left on device" in story.said, "ENOSPC from the disk")
            fault.told(r"error: [^\n]*cannot be written to its end[^\n]*", story.said)
            got = part.stat().st_size
            fault.happened(got, f"{got} bytes kept")
            (archives / "other").unlink()
            resize("50m")
            assert fetch(story).wait() == 0, story.said
            assert served.asked[-1][1] == f"bytes={got}-"
            assert whole(story, served)


def test_a_corrupted_archive(served, story, account):
    with account.fault("download: corrupted archive") as fault:
        archive = served.folder / "images.zip"
        good = archive.read_bytes()
        flip_byte(archive)
        assert fetch(story).wait() == 1
        fault.happened(archive.read_bytes() != good, "one byte of the archive flipped")
        fault.told(r"error: [^\n]*came with sha256[^\n]*", story.said)
        assert not list((story.folder / "resources/datasets/served").rglob("*.jpg"))
        archive.write_bytes(good)
        assert fetch(story).wait() == 0, story.said
        assert whole(story, served)


def test_an_unpacked_file_goes_bad(served, story, account):
    with account.fault("data: an unpacked image goes bad on the disk") as fault:
        assert fetch(story).wait() == 0, story.said
        flip_byte(story.folder / "resources/datasets/served/images/03.jpg")
        said = verify(story, "--remove").stdout
        fault.happened("damaged (CRC" in said, "one byte of an image flipped")
        fault.told(r"[^\n]*03\.jpg: damaged[^\n]*", said)
        assert fetch(story).wait() == 0, story.said
        assert whole(story, served)


def test_the_disk_is_full_when_records_are_written(story, account):
    with account.fault("records: disk full") as fault:
        records = story.folder / "results/records"
        shutil.rmtree(records)
        with small_disk(records, "64k") as resize:
            words = ("--until", "write_records", "--retries", "0")
            assert story.here(*words).wait() == 1
            fault.happened(not list(records.rglob("*.tfrecord")), "no shard was finished")
            fault.told(r"error: [^\n]*cannot be written to its end[^\n]*", story.said)
            resize("50m")
            assert story.here(*words).wait() == 0, story.said
            assert len(list(records.rglob("*.tfrecord"))) == 2


def test_the_disk_is_full_when_a_state_is_saved(story, account):
    with account.fault("checkpoint: disk full") as fault:
        state = story.folder / "results/state"
        with small_disk(state, "200m") as resize:
            process = story.here("--retries", "0", TRAINED)
            story.wait_for_state(process)
            used = shutil.disk_usage(state).used
            resize(str(used + 20000))
            assert process.wait() == 1, story.said
            fault.happened("No space left on device" in story.said, "ENOSPC from the disk")
            fault.told(r"error: [^\n]*cannot be written to its end[^\n]*", story.said)
            resize("200m")
            assert story.here(TRAINED).wait() == 0, story.said
        fault.told(r"resumed at step \d+ of \d+", story.said)
        story.check_whole()


def test_a_record_shard_goes_bad(story, account):
    with account.fault("records: a shard goes bad") as fault:
        shard = next((story.folder / "results/records").rglob("*.tfrecord"))
        good = shard.read_bytes()
        flip_byte(shard)
        story.set_steps(6)
        assert story.here("--retries", "0", TRAINED).wait() == 1
        fault.happened(shard.read_bytes() != good, "one byte of a shard flipped")
        fault.told(r"error: [^\n]*the record shard is damaged[^\n]*", story.said)
        assert verify(story).returncode == 2
        assert verify(story, "--remove").returncode == 0
        assert story.here(TRAINED).wait() == 0, story.said
        assert shard.read_bytes() == good


def test_a_checkpoint_goes_bad(story, account):
    with account.fault("checkpoint: the last state goes bad") as fault:
        process = story.here(TRAINED)
        state = story.wait_for_state(process)
        earlier = state.with_name("state.earlier.npz")
        story.wait_for(earlier.exists, "earlier state", process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert state.exists()
        flip_byte(state)
        story.unlock()
        assert story.here(TRAINED).wait() == 0, story.said
        fault.happened("the training state is damaged" in story.said, "one byte flipped")
        fault.told(r"[^\n]*the training state is damaged[^\n]*", story.said)
        fault.told(r"resumed at step \d+ of \d+", story.said)
        story.check_whole()


def test_a_result_file_goes_bad(story, account):
    with account.fault("results: a result file goes bad") as fault:
        story.set_steps(6)
        assert story.here().wait() == 0, story.said
        results = story.folder / TEST / "segmentation.json"
        kept = {path.name: path.read_bytes() for path in results.parent.iterdir()}
        results.write_bytes(kept["segmentation.json"].replace(b"]", b" ]", 1))
        assert story.here("--retries", "0", f"{TEST}/metrics.csv").wait() == 1
        fault.happened(results.read_bytes() != kept["segmentation.json"], "a byte more in the file")
        fault.told(r"error: [^\n]*segmentation\.json: damaged[^\n]*", story.said)
        assert verify(story, "--remove").returncode == 0
        assert story.here().wait() == 0, story.said
        for name in ("keypoints.json", "segmentation.json", "metrics.csv"):
            assert (results.parent / name).read_bytes() == kept[name]


def test_two_runs_in_one_folder(story, account):
    with account.fault("two runs in one folder") as fault:
        first = story.here(TRAINED)
        story.wait_for_state(first)
        second = story.here(TRAINED)
        fault.happened(second.wait() == 1, f"second run {second.pid} refused")
        fault.told(r"Directory cannot be locked[^\n]*", story.said)
        assert first.wait() == 0, story.said
        story.check_whole()
        assert story.record["resumes"] == 0


def test_an_interrupted_test_goes_on_with_what_is_done(story, account):
    with account.fault("infer and decode: killed when one of two shards was decoded") as fault:
        story.set_steps(6)
        assert story.here("--until", "train_model").wait() == 0, story.said
        process = story.here()
        # Until Snakemake has taken note of it: then the fields of that shard go.
        story.wait_for(
            lambda: re.search(r"Removing temporary output \S+fields-", story.said),
            "decoded shard",
            process,
        )
        decoded = list((story.folder / TEST).glob("decoded-*.json"))
        os.killpg(process.pid, signal.SIGKILL)
        fault.happened(process.wait() == -signal.SIGKILL, "the processes got SIGKILL")
        kept = {path: path.read_bytes() for path in decoded}
        story.unlock()
        before = len(story.said)
        assert story.here().wait() == 0, story.said
        planned = story.said[before:].split("Select jobs")[0]
        for rule in ("infer_shard", "decode_shard"):
            count = int((re.search(rf"^{rule} +(\d+)$", planned, re.M) or [0, 0])[1])
            assert count <= 2 - len(kept), planned
        fault.told(r"infer_shard +1|decode_shard +1", planned)
        assert (story.folder / TEST / "metrics.csv").exists()
