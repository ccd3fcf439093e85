"""Two jobs never share a GPU; a job that asked for none sees none."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bottomup import device_claims
from bottomup.device_claims import claim, visible

SOURCE = Path(__file__).resolve().parents[1] / "src"
HOLD = """
import sys, time
from pathlib import Path
from bottomup.device_claims import claim
print(",".join(claim(int(sys.argv[1]), Path(sys.argv[2]))), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path):
    """Starts a job on a machine with the GPUs 0, 1 and 2; gives it and what it got."""
    started = []

    def job(count: int):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(count), str(tmp_path / "locks")],
            env=os.environ | {"PYTHONPATH": str(SOURCE), "CUDA_VISIBLE_DEVICES": "0,1,2"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield job
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def got(process) -> set[str]:
    return set(process.stdout.readline().strip().split(","))


def test_jobs_side_by_side_get_gpus_of_their_own(start):
    shares = [got(start(1)), got(start(1)), got(start(1))]
    assert sorted(set().union(*shares)) == ["0", "1", "2"]
    assert all(len(share) == 1 for share in shares)


def test_a_job_waits_until_enough_are_free_and_says_so(start):
    first = start(2)
    assert got(first) == {"0", "1"}
    second = start(2)
    said = second.stderr.readline()
    assert "waiting for 2 of the GPUs 0, 1, 2: other jobs hold them" in said
    third = start(1)
    assert got(third) == {"2"}
    first.stdin.close()
    assert got(second) == {"0", "1"}


def test_a_killed_job_gives_its_gpus_back(start):
    first = start(3)
    assert got(first) == {"0", "1", "2"}
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert got(start(3)) == {"0", "1", "2"}


@pytest.fixture
def environment(monkeypatch):
    held = []
    monkeypatch.setattr(device_claims, "_held", held)
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JAX_PLATFORMS", "")
    yield monkeypatch
    for file in held:
        file.close()


def test_who_asked_for_none_sees_none(environment, tmp_path):
    environment.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert claim(0, tmp_path) == ()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"
    assert not list(tmp_path.iterdir())


def test_more_than_there_are_is_all_there_are(environment, tmp_path):
    environment.setenv("CUDA_VISIBLE_DEVICES", "GPU-3f2a,GPU-77b1")
    assert claim(8, tmp_path) == ("GPU-3f2a", "GPU-77b1")


def test_what_slurm_gave_to_this_job_is_not_fought_for(environment, tmp_path):
    environment.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    environment.setenv("SLURM_JOB_ID", "7")
    assert claim(2, tmp_path) == ("0", "1")
    assert not list(tmp_path.iterdir())
    assert claim(1, tmp_path) == ("0",)
    environment.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert claim(1, tmp_path) == ("1",)  # two programs inside one job


def test_gpus_are_found_by_their_device_files(environment, tmp_path):
    for name in ("nvidia0", "nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert visible(tmp_path) == ("0", "2", "10")


def test_a_machine_without_gpus_has_nothing_to_claim(environment, tmp_path):
    environment.setenv("CUDA_VISIBLE_DEVICES", "")
    assert claim(1, tmp_path) == ()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
