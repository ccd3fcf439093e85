"""Five keypoints through the whole graph with DeeperCut: statistics, terms, multicut, results."""

import csv
import json
import os
import subprocess
import sys

import pytest
from workflow_story import REPOSITORY

pytest.importorskip("sklearn", reason="pairwise terms are fitted by scikit-learn")


@pytest.mark.long
def test_the_toy_study_of_deepercut_is_computed(tmp_path):
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--directory", str(tmp_path)]
    done = subprocess.run(
        [*command, "--configfile", "config/toy_deepercut.yaml"],
        cwd=REPOSITORY,
        env=os.environ | {"MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = tmp_path / "results"
    with (results / "subsets/toy_full/pairwise_statistics.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 20
    run = results / "runs/toy_deepercut/seed-0"
    options = json.loads((run / "run.json").read_text())["network"]["system_options"]
    assert len(options["pairwise_statistics"]["mean"]) == 20
    for protocol in ("single_scale_257", "pyramid_flip_257"):
        terms = json.loads((run / f"pairwise/{protocol}/terms.json").read_text())
        assert len(terms["terms"]) == 10
        assert (run / f"pairwise/{protocol}/calibration.png").is_file()
        with (run / f"toy-val/{protocol}/metrics.csv").open() as file:
            tasks = {row["task"] for row in csv.DictReader(file)}
        assert tasks == {"keypoints", "single_person", "multi_person_pckh"}
    assert (results / "figures/overlays.png").is_file()
