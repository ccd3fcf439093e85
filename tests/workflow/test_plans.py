"""Every study that is described can be planned."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from workflow_story import REPOSITORY, planned_jobs

from bottomup.schema import read_yaml

NO_NETWORK = Path(__file__).parent / "no_network"
STUDIES = sorted(
    path.name for path in (REPOSITORY / "config").glob("*.yaml") if "study" in read_yaml(path)
)


def plan(folder: Path, *words: str) -> str:
    """What a dry run without a network says, in an empty folder."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run", "--directory", str(folder), *words],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(NO_NETWORK)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_papers_are_planned_in_seconds_without_a_network(tmp_path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    jobs = planned_jobs(plan(tmp_path, "--configfile", "config/papers.yaml"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Time of the processor: on a busy machine the clock on the wall says little.
    assert after.ru_utime - before.ru_utime < 30
    assert jobs["train_model"] == 42
    assert jobs["evaluate_results"] == 84
    assert jobs["fetch_archive"] == 3


@pytest.mark.parametrize("study", [name for name in STUDIES if name != "papers.yaml"])
def test_study_is_planned(tmp_path, study):
    jobs = planned_jobs(plan(tmp_path, "--configfile", f"config/{study}"))
    assert jobs["train_model"] >= 1
    assert jobs.get("evaluate_results", 0) + jobs.get("pack_submission", 0) >= 1


def test_a_split_without_annotations_is_packed_and_not_scored(tmp_path):
    jobs = planned_jobs(plan(tmp_path, "--configfile", "config/papers_test_dev.yaml"))
    assert jobs["pack_submission"] == 12  # two networks, three seeds, two protocols
    assert "evaluate_results" not in jobs


def test_any_table_is_made_by_name(tmp_path):
    named = "results/tables/personlab_keypoints.csv"
    jobs = planned_jobs(plan(tmp_path, "--configfile", "config/toy.yaml", named))
    assert jobs["make_table"] == 1
    assert "make_figure" not in jobs


def test_the_quickstart_is_the_default(tmp_path):
    named = plan(tmp_path, "--configfile", "config/config.yaml")
    assert planned_jobs(plan(tmp_path)) == planned_jobs(named)


def test_a_dataset_that_lies_here_is_neither_fetched_nor_written_to(tmp_path):
    local = tmp_path / "coco"
    for split in ("train", "val"):
        file = local / "annotations" / f"person_keypoints_{split}2017.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
    said = plan(
        tmp_path,
        *("--configfile", "config/papers.yaml"),
        *("--config", f"datasets={{coco2017: {{local: '{local}'}}}}"),
    )
    assert "fetch_archive" not in planned_jobs(said)
    assert sorted(path.name for path in local.rglob("*.json")) == [
        "person_keypoints_train2017.json",
        "person_keypoints_val2017.json",
    ]


def test_a_study_is_planned_for_a_cluster(tmp_path):
    words = ("--configfile", "config/toy.yaml")
    here = planned_jobs(plan(tmp_path, *words))
    there = plan(tmp_path, *words, "--workflow-profile", str(REPOSITORY / "profiles" / "slurm"))
    assert planned_jobs(there) == here


def test_the_cluster_profile_repeats_what_makes_a_job_run_again():
    default, slurm = (
        read_yaml(REPOSITORY / "profiles" / name / "config.yaml") for name in ("default", "slurm")
    )
    assert set(default["rerun-triggers"]) == {"input", "params", "software-env", "mtime"}
    for key in ("rerun-triggers", "rerun-incomplete", "keep-going", "show-failed-logs"):
        assert slurm[key] == default[key]
