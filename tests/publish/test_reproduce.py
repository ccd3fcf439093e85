"""Each cell of a table says how to get its number again."""

import csv
import json

from bottomup.publish.reproduce import write_reproduction


def test_a_difference_names_its_control_and_one_seed_alone_itself(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text(
        "experiment,control,seed,difference,published_AP\nthinned,uniform,,0.1,0.7\nthinned,,1,0.2,\n"
    )
    tests = []
    for name, seed in (("thinned", 0), ("thinned", 1), ("uniform", 0)):
        run = tmp_path / f"{name}-{seed}.json"
        run.write_text(json.dumps({"digest": "d"}))
        place = {"dataset": "toy", "split": "val", "protocol": "single"}
        tests.append({"experiment": name, "seed": seed, **place, "run": str(run), "digest": "c"}
                     | {"command": f"make {name} {seed}"})  # fmt: skip
    write_reproduction(table, tests, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [(line["column"], line["command"]) for line in lines] == [
        ("difference", "make thinned 0 && make thinned 1 && make uniform 0"),
        ("difference", "make thinned 1"),
    ]


def test_a_cell_names_the_runs_and_commands_behind_it(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("experiment,protocol,AP,AP_low\nfull,single,0.5,\n,published,0.7,\n")
    tests = []
    for seed in (0, 1):
        run = tmp_path / f"{seed}.json"
        record = {"git": {"commit": "abc", "dirty": False}, "digest": f"weights{seed}"}
        run.write_text(json.dumps(record))
        for protocol in ("single", "pyramid"):
            tests.append(
                {"experiment": "full", "seed": seed, "dataset": "toy", "split": "val"}
                | {"protocol": protocol, "run": str(run), "digest": "config"}
                | {"command": f"snakemake seed-{seed}-{protocol}"}
            )
    write_reproduction(table, tests, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as file:
        (line,) = csv.DictReader(file)
    assert (line["row"], line["column"], line["value"]) == ("1", "AP", "0.5")
    assert (line["dataset"], line["split"], line["seeds"]) == ("toy", "val", "0 1")
    assert (line["commit"], line["changed"]) == ("abc", "False")
    assert (line["config_digest"], line["run_digests"]) == ("config", "weights0 weights1")
    assert line["command"] == "snakemake seed-0-single && snakemake seed-1-single"
