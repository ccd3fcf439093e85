"""A small study of one training, run by real Snakemake processes, here or on a cluster."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from workflow_story import Story

STEPS = 80
EXPERIMENT = """
based_on: toy
crop: 65
training: {{steps: {steps}, batch: 1, checkpoint_every: 5, log_every: 5}}
"""
STUDY = """
study: killed
experiments: [killed]
protocols: [single_scale_257]
publish: {tables: [people_table], figures: []}
"""
RUN = "results/runs/killed/seed-0"
SECONDS = 900  # that a machine with much else to do may take for anything


class TrainingStory:
    """A working copy with the study `killed`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.output = folder / "output.txt"
        self.started: list[subprocess.Popen] = []

    @classmethod
    def prepare(cls, folder: Path) -> "TrainingStory":
        """A new copy, in which everything before the training is done."""
        folder.mkdir()
        Story(folder)
        made = cls(folder)
        (folder / "config" / "killed.yaml").write_text(STUDY)
        made.set_steps(STEPS)
        assert made.here("--until", "write_records", "draw_subset").wait() == 0, made.said
        return made

    def set_steps(self, steps: int) -> None:
        text = EXPERIMENT.format(steps=steps)
        (self.folder / "config" / "experiments" / "killed.yaml").write_text(text)

    @property
    def said(self) -> str:
        """What all commands so far have said, in order."""
        return self.output.read_text() if self.output.exists() else ""

    @property
    def log(self) -> str:
        path = self.folder / "results/logs/runs/killed/seed-0/weights.log"
        return path.read_text() if path.exists() else ""

    @property
    def weights(self) -> Path:
        return self.folder / RUN / "weights.keras"

    @property
    def record(self) -> dict:
        return json.loads((self.folder / RUN / "run.json").read_text())

    @property
    def logged_steps(self) -> list[int]:
        rows = (self.folder / RUN / "history.csv").read_text().splitlines()[1:]
        return [int(row.split(",")[0]) for row in rows]

    def here(self, *words: str, study: str = "killed") -> subprocess.Popen:
        """Starts Snakemake on this machine."""
        return self._start(os.environ, "--cores", "2", *words, study=study)

    def on(self, cluster, *words: str, study: str = "killed") -> subprocess.Popen:
        """Starts Snakemake with the cluster's profile, but looks at its jobs every few seconds."""
        profile = ("--workflow-profile", "profiles/slurm", "--latency-wait", "20")
        soon = ("--slurm-init-seconds-before-status-checks", "3")
        return self._start(cluster.environment, *profile, *soon, *words, study=study)

    def unlock(self) -> None:
        assert self.here("--unlock").wait() == 0, self.said

    def _start(self, environment, *words: str, study: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "snakemake", "--configfile", f"config/{study}.yaml"]
        with self.output.open("a") as output:
            process = subprocess.Popen(
                [*command, *words],
                cwd=self.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # A shell that starts the tests in the background makes them ignore interrupts.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                env={k: v for k, v in environment.items() if k != "PYTHONPATH"},
            )
        self.started.append(process)
        return process

    def end(self) -> None:
        """Kills what still runs of the commands that were started here."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def wait_for(self, is_so: Callable[[], object], what: str, process=None):
        """Waits until something is so and returns it; fails if the process ends before."""
        deadline = time.monotonic() + SECONDS
        while not (found := is_so()):
            assert process is None or process.poll() is None, f"ended before {what}:\n{self.said}"
            assert time.monotonic() < deadline, f"no {what}:\n{self.said}\n{self.log}"
            time.sleep(0.2)
        return found

    def wait_for_state(self, process) -> Path:
        pattern = "results/state/killed/seed-0/*/state.npz"
        found = self.wait_for(lambda: list(self.folder.glob(pattern)), "saved state", process)
        return found[0]

    def holder(self) -> dict | None:
        """Who holds the folder of the training's state."""
        for path in self.folder.glob("results/state/killed/seed-0/*/lock.json"):
            try:
                return json.loads(path.read_text())
            except (OSError, ValueError):
                return None
        return None

    def slurm_logs(self) -> str:
        files = sorted((self.folder / "results/logs/slurm").rglob("*.log"))
        return "\n".join(file.read_text(errors="replace") for file in files)

    def check_whole(self, steps: int = STEPS) -> None:
        """The training came to its end, step by step, once."""
        assert self.record["steps"] == steps
        assert self.logged_steps == sorted(set(self.logged_steps))
        assert self.logged_steps[-1] == steps


def sentence(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text[-4000:]
    return found[0]
