"""The same command twice gives the same bytes."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from workflow_story import Story

EXPERIMENT = "based_on: toy\ntraining: {deterministic: true, validation_images: 0}\n"
STUDY = """
study: twice
experiments: [twice]
protocols: [single_scale_257]
publish: {tables: [overview, keypoints, segmentation, people_table], figures: []}
"""


def run(folder: Path) -> dict[str, bytes]:
    """A study from its first job to its last; returns tables and result files by name."""
    folder.mkdir()
    Story(folder)
    (folder / "config" / "twice.yaml").write_text(STUDY)
    (folder / "config" / "experiments" / "twice.yaml").write_text(EXPERIMENT)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--configfile", "config/twice.yaml", "--cores", "2"],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = folder / "results"
    files = [*results.glob("tables/*"), *results.rglob("keypoints.json")]
    files += [*results.rglob("segmentation.json"), *results.rglob("metrics.csv")]
    return {str(file.relative_to(results)): file.read_bytes() for file in files}


@pytest.mark.long
def test_the_same_command_twice_gives_equal_tables_and_results(tmp_path):
    first = run(tmp_path / "first")
    second = run(tmp_path / "second")
    assert len(first) == 4 * 5 + 3
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    with (tmp_path / "first/results/tables/overview.reproduce.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert {"keypoints_AP", "segmentation_AP", "steps"} <= {line["column"] for line in lines}
    assert all(line["command"].startswith("snakemake --cores all") for line in lines)
    assert all(line["config_digest"] and line["run_digests"] for line in lines)
