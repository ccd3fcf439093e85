"""Every study that is described can be planned."""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from workflow_story import REPOSITORY, planned_jobs

from bottomup.bill import bill
from bottomup.catalogue import publish_modules
from bottomup.config import load_study
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


def billed_jobs(study: str) -> dict[str, int]:
    """The jobs that `bottomup bill` counts."""
    config = REPOSITORY / "config"
    weights = read_yaml(config / "weights.yaml")
    needs = {name: module.needs for name, module in publish_modules().items()}
    read = load_study(read_yaml(config / study), REPOSITORY, study)
    return bill(read, needs, weights).jobs


def test_the_papers_are_planned_in_seconds_without_a_network(tmp_path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    jobs = planned_jobs(plan(tmp_path, "--configfile", "config/papers.yaml"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Time of the processor: on a busy machine the clock on the wall says little.
    assert after.ru_utime - before.ru_utime < 30
    assert jobs["train_model"] == 93
    assert jobs["evaluate_results"] == 3 * 93
    assert jobs["fetch_archive"] == 3
    assert jobs == billed_jobs("papers.yaml")


@pytest.mark.parametrize("study", [name for name in STUDIES if name != "papers.yaml"])
def test_study_is_planned(tmp_path, study):
    jobs = planned_jobs(plan(tmp_path, "--configfile", f"config/{study}"))
    assert jobs["train_model"] >= 1
    assert jobs.get("evaluate_results", 0) + jobs.get("pack_submission", 0) >= 1
    assert jobs == billed_jobs(study)


def test_a_split_without_annotations_is_packed_and_not_scored(tmp_path):
    jobs = planned_jobs(plan(tmp_path, "--configfile", "config/papers_test_dev.yaml"))
    assert jobs["pack_submission"] == 24  # two networks, three seeds, two protocols, two tasks
    assert "evaluate_results" not in jobs


def test_any_table_is_made_by_name(tmp_path):
    named = "results/tables/personlab_keypoints.csv"
    jobs = planned_jobs(plan(tmp_path, named, "--configfile", "config/toy.yaml"))
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


@pytest.mark.parametrize("profile", ["slurm", "workstation"])
def test_a_study_is_planned_with_a_profile(tmp_path, profile):
    words = ("--configfile", "config/toy.yaml")
    here = planned_jobs(plan(tmp_path, *words))
    there = plan(tmp_path, *words, "--workflow-profile", str(REPOSITORY / "profiles" / profile))
    assert planned_jobs(there) == here


@pytest.mark.parametrize("profile", ["slurm", "workstation"])
def test_a_profile_repeats_what_makes_a_job_run_again(profile):
    default, other = (
        read_yaml(REPOSITORY / "profiles" / name / "config.yaml") for name in ("default", profile)
    )
    assert set(default["rerun-triggers"]) == {"input", "params", "software-env", "mtime"}
    for key in ("rerun-triggers", "rerun-incomplete", "keep-going", "show-failed-logs"):
        assert other[key] == default[key]


def test_the_cluster_profile_says_what_a_site_asks():
    text = (REPOSITORY / "profiles/slurm/config.yaml").read_text()
    profile = read_yaml(REPOSITORY / "profiles/slurm/config.yaml")
    for key in ("slurm_account", "qos", "slurm-efficiency-report"):
        assert f"# {key}:" in text
    assert {"slurm_partition", "mem_mb", "runtime", "tmpdir"} <= set(profile["default-resources"])
    assert profile["retries"] >= 1
    assert profile["resources"][0].startswith("field_shards=")
    assert set(profile["groups"].values()) <= set(profile["group-components"])
    on_gpu = {rule for rule, v in profile["set-resources"].items() if "gpu" in v.values()}
    inferring = {"infer_shard", "infer_samples", "infer_pairs", "impute_keypoints"}
    assert on_gpu == {"train_model", "decode_shard"} | inferring


def test_every_entry_of_the_cluster_profile_is_explained():
    explained = (REPOSITORY / "docs/cluster.md").read_text()
    profile = read_yaml(REPOSITORY / "profiles/slurm/config.yaml")
    assert [key for key in profile if f"`{key}`" not in explained] == []


def test_memory_doubles_with_every_attempt_of_a_job():
    for path in sorted((REPOSITORY / "workflow/rules").glob("*.smk")):
        for value in re.findall(r"^ +mem_mb=(.*),$", path.read_text(), re.M):
            assert value.startswith("growing("), path
