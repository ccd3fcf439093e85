"""What a study cost, from benchmark files; and where its runs come from."""

import json

from bottomup.publish import cost, provenance
from bottomup.publish.inputs import Inputs

HEADER = "s\th:m:s\tmax_rss\tcpu_time\n"


def benchmark(folder, path, seconds, memory, processors):
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{HEADER}{seconds}\t0:00:01\t{memory}\t{processors}\n")


def test_jobs_are_added_up_by_step(tmp_path):
    for n in range(2):
        name = f"runs/a/seed-{n}/weights.tsv"
        benchmark(tmp_path, name, 1800 * (n + 1), 2048 * (n + 1), 3600)
    benchmark(tmp_path, "runs/a/seed-0/toy-val/single/fields-00000-of-00001.tsv", 36, "-", "NA")
    cost.make(Inputs(benchmarks=tmp_path), [tmp_path / "cost.md", tmp_path / "cost.csv"])
    lines = (tmp_path / "cost.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]
    assert rows[2] == ["training", "2", "1.50", "2.00", "1:00:00", "4.0 GiB"]
    assert rows[3] == ["inference", "1", "0.01", "0.00", "0:00:36", "\N{EN DASH}"]
    assert rows[4][:3] == ["all", "3", "1.51"]
    assert (tmp_path / "cost.csv").read_text().splitlines()[1].startswith("training,2,1.5,2,3600")


def test_a_study_that_has_not_run_costs_nothing(tmp_path):
    cost.make(Inputs(benchmarks=tmp_path), [tmp_path / "cost.csv"])
    assert (tmp_path / "cost.csv").read_text() == "step,jobs\n"


def test_runs_say_where_they_come_from(tmp_path):
    record = {
        "python": "3.11.7",
        "packages": {"keras": "3.15.1", "numpy": "2.4.6", "jax": None},
        "git": {"commit": "0123456789abcdef", "dirty": True},
        "device": {"backend": "tensorflow", "name": "cpu", "count": 1},
        "outputs": {"results/weights.keras": "fedcba9876543210"},
        "seconds": 90.0,
        "resumes": 2,
    }
    (tmp_path / "run.json").write_text(json.dumps(record))
    inputs = Inputs(runs={("a", 3): tmp_path / "run.json"})
    provenance.make(inputs, [tmp_path / "provenance.csv"])
    row = (tmp_path / "provenance.csv").read_text().splitlines()[1]
    assert row == (
        'a,3,0123456789ab with changes,1 x cpu,tensorflow,"keras 3.15.1, numpy 2.4.6",3.11.7,'
        "1.5 min,2 times,fedcba987654"
    )
