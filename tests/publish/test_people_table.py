"""AP by number of people."""

import csv

import made_up_study
from bottomup.publish import people_table


def test_each_stratum_has_its_cell(tmp_path):
    outputs = [tmp_path / "people.csv", tmp_path / "people.md"]
    people_table.make(made_up_study.inputs(tmp_path), outputs)
    first = outputs[1].read_text().splitlines()[2]
    cells = [cell.strip() for cell in first.strip("|").split("|")]
    assert cells == [
        *("keypoints", "full", "synthetic val", "single"),
        ".620 ± .020 [.600, .640] (n = 40)",
        "no such object (n = 0)",
        ".620 ± .020 [.600, .640] (n = 10)",
        ".620 ± .020 [.600, .640] (n = 30)",
    ]


def test_both_tasks_are_in_the_numbers(tmp_path):
    path = tmp_path / "people.csv"
    people_table.make(made_up_study.inputs(tmp_path), [path])
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 3 * 2 * len(made_up_study.PERSONS)
    [cell] = [
        row
        for row in rows
        if (row["task"], row["experiment"], row["protocol"], row["stratum"])
        == ("segmentation", "reduced", "pyramid", "people=2")
    ]
    assert float(cell["AP"]) == 0.61
    assert cell["persons"] == "30"
