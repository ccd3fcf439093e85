"""AP by way of testing, side by side."""

import csv

import made_up_study
from bottomup.publish import by_protocol


def test_a_row_holds_one_experiment_by_all_protocols(tmp_path):
    outputs = [tmp_path / "table.csv", tmp_path / "table.md"]
    by_protocol.make(made_up_study.inputs(tmp_path), outputs)
    lines = [
        [cell.strip() for cell in line.strip("| \n").split("|")]
        for line in outputs[1].read_text().splitlines()
    ]
    assert lines[0] == ["task", "experiment", "tested on", "single", "pyramid"]
    assert lines[2] == [
        *("keypoints", "full", "synthetic val"),
        *(".620 ± .020 [.600, .640]", ".720 ± .020 [.700, .740]"),
    ]
    with outputs[0].open() as file:
        rows = list(csv.DictReader(file))
    chosen = [r for r in rows if (r["experiment"], r["protocol"]) == ("reduced", "pyramid")]
    assert [(r["task"], r["AP"], r["seeds"]) for r in chosen] == [
        ("keypoints", "0.61", "2"),
        ("segmentation", "0.61", "2"),
    ]
