"""A training that is killed, or runs out of time, goes on where it was, through Snakemake."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from workflow_story import Story

STEPS = 100
EXPERIMENT = f"""
based_on: toy
training: {{steps: {STEPS}, batch: 1, checkpoint_every: 5, log_every: 5}}
"""
STUDY = "study: killed\nexperiments: [killed]\nprotocols: [single_scale_257]\n"
WEIGHTS = "results/runs/killed/seed-0/weights.keras"
SECONDS_TO_START = 240


@pytest.fixture
def copy(tmp_path):
    made = Story(tmp_path)
    (tmp_path / "config" / "killed.yaml").write_text(STUDY)
    (tmp_path / "config" / "experiments" / "killed.yaml").write_text(EXPERIMENT)
    return made.folder


def snakemake(folder, *words):
    command = [sys.executable, "-m", "snakemake", "--configfile", "config/killed.yaml"]
    return subprocess.Popen(
        [*command, *words, "--cores", "2", WEIGHTS],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A shell that starts the tests in the background makes them ignore interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )


def wait_for_state(folder, process):
    deadline = time.monotonic() + SECONDS_TO_START
    while not list(folder.glob("results/state/killed/seed-0/*/state.npz")):
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline, "no state was saved"
        time.sleep(0.2)


def log_of(folder):
    return (folder / "results/logs/runs/killed/seed-0/weights.log").read_text()


@pytest.mark.long
@pytest.mark.parametrize(
    "blow", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda blow: blow.name
)
def test_a_killed_training_is_resumed(copy, blow):
    first = snakemake(copy)
    wait_for_state(copy, first)
    os.killpg(first.pid, blow)
    said, _ = first.communicate()
    assert ("to be continued: stopped at step" in log_of(copy)) == (blow != signal.SIGKILL), said
    assert not (copy / WEIGHTS).exists(), "the training had ended before it was killed"
    snakemake(copy, "--unlock").communicate()
    second = snakemake(copy)
    said, _ = second.communicate()
    assert second.returncode == 0, said
    assert "resumed at step" in said
    assert f"step {STEPS}/{STEPS}" in said
    assert (copy / WEIGHTS).exists()


@pytest.mark.long
def test_a_training_stops_before_its_time_is_over_and_goes_on(copy):
    experiment = copy / "config" / "experiments" / "killed.yaml"
    experiment.write_text(EXPERIMENT.replace(f"steps: {STEPS}", "steps: 100000"))
    first = snakemake(copy, "--set-resources", "train_model:wall_minutes=1")
    said, _ = first.communicate()
    assert first.returncode == 1
    found = re.search(
        r"to be continued: stopped at step (\d+) of 100000, its 1 minutes are over; the state is "
        "saved, and the same command goes on from there",
        said,
    )
    assert found, said
    assert not (copy / WEIGHTS).exists()
    second = snakemake(copy, "--set-resources", "train_model:wall_minutes=1")
    said, _ = second.communicate()
    assert f"resumed at step {found[1]} of 100000" in said
