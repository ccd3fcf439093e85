"""A copy of the repository with a finished study, for stories about what runs again."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
COPIED = ("Snakefile", "workflow", "config", "profiles", "src", "envs")
STUBS = Path(__file__).parent / "stubs"
EXPERIMENT = """
based_on: toy
training: {steps: 6}
"""
PROTOCOL = """
sides: [257]
decoder: {}
"""
STUDY = """
study: story
experiments: [story]
protocols: [story]
publish:
  tables: [people_table]
  figures: []
"""


class Story:
    """A working copy in which files are edited and graphs are planned."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            if (REPOSITORY / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
            else:
                shutil.copy2(REPOSITORY / name, folder / name)
        (folder / "config" / "story.yaml").write_text(STUDY)
        (folder / "config" / "experiments" / "story.yaml").write_text(EXPERIMENT)
        (folder / "config" / "protocols" / "story.yaml").write_text(PROTOCOL)

    def snakemake(self, *words: str) -> subprocess.CompletedProcess:
        """Runs Snakemake with stand-ins for the computing modules (tests/workflow/stubs)."""
        python_path = str(STUBS)
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--configfile", "config/story.yaml", *words],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": python_path, "MPLBACKEND": "agg"},
            capture_output=True,
            text=True,
        )

    def run(self) -> None:
        done = self.snakemake("--cores", "2")
        assert done.returncode == 0, done.stdout + done.stderr

    def plan(self, *words: str) -> dict[str, int]:
        """The number of jobs by rule that Snakemake would run."""
        done = self.snakemake("--dry-run", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return planned_jobs(done.stdout + done.stderr)

    @contextmanager
    def edited(self, path: str, old: str, new: str) -> Iterator[None]:
        """Replaces text in a file for the length of a block."""
        file = self.folder / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new, 1))
        try:
            yield
        finally:
            file.write_text(text)

    @contextmanager
    def added(self, path: str, text: str) -> Iterator[None]:
        """Adds a file for the length of a block."""
        file = self.folder / path
        assert not file.exists()
        file.write_text(text)
        try:
            yield
        finally:
            file.unlink()


def planned_jobs(output: str) -> dict[str, int]:
    """The table "Job stats" of a dry run, without the rule `all` and the total."""
    table = output.partition("Job stats:")[2].partition("\n\n")[0]
    rows = re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)
    return {rule: int(jobs) for rule, jobs in rows if rule not in ("all", "total")}
