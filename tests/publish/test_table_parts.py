"""The tables of single people and of MPII's rules."""

import csv

import pandas as pd
import pytest

from bottomup.publish import multi_person, single_person
from bottomup.publish.inputs import METRICS_COLUMNS, Expectation, Inputs
from bottomup.publish.published import find

PUBLISHED = """
rows:
  paper:
    model: Paper, ResNet
    source: Somebody et al., ECCV 2016
    single_person:
      - {split: MPII test, values: {"PCKh@0.5": 0.885, "PCKh@0.5:wrist": 0.844}}
    multi_person_pckh:
      - {split: MPII test, values: {mAP: 0.7, "AP:wrist": 0.593}}
"""
VALUES = {
    "single_person": {
        "PCKh@0.5": (0.8, 300),
        "PCKh@0.5:nose": (0.9, 100),
        "PCKh@0.5:left_wrist": (0.7, 100),
        "PCKh@0.5:right_wrist": (0.8, 100),
        "PCKh@0.5:wrist": (0.75, 200),
        "PCKh_AUC": (0.5, 300),
        "PCK@0.2": (0.6, 300),
        "PCK@0.2:wrist": (0.1, 200),
    },
    "multi_person_pckh": {"mAP": (0.4, 50), "AP:nose": (0.5, 90), "AP:wrist": (0.3, 80)},
    "keypoints": {"AP": (0.33, 60)},
}


@pytest.fixture
def inputs(tmp_path):
    rows = [
        ("deeper", seed, "mpii", "val", "single", task, "all", name, value, None, None, n)
        for seed in (0, 1)
        for task, values in VALUES.items()
        for name, (value, n) in values.items()
    ]
    published = tmp_path / "published.yaml"
    published.write_text(PUBLISHED)
    expected = {"deeper": Expectation(seeds=3, published={"single": "paper"})}
    metrics = pd.DataFrame(rows, columns=METRICS_COLUMNS)
    return Inputs(metrics=metrics, expected=expected, published=published)


def read(module, inputs, tmp_path):
    module.make(inputs, [tmp_path / "t.csv", tmp_path / "t.md"])
    with (tmp_path / "t.csv").open() as file:
        [row] = csv.DictReader(file)
    titles, _, cells = (tmp_path / "t.md").read_text().splitlines()
    shown = dict(zip(titles.split("|"), cells.split("|"), strict=True))
    return row, {title.strip(): cell.strip() for title, cell in shown.items()}


def test_single_people(inputs, tmp_path):
    row, shown = read(single_person, inputs, tmp_path)
    assert (row["PCKh@0.5"], row["PCKh@0.5:wrist"], row["n"]) == ("0.8", "0.75", "300")
    assert "PCKh@0.5:left_wrist" not in row
    assert row["COCO_AP"] == "0.33"
    assert row["published_PCKh@0.5:wrist"] == "0.844"
    assert (shown["PCKh@0.5"], shown["nose"], shown["wrist"]) == (
        ".800 ± .000", ".900 ± .000", ".750 ± .000",
    )  # fmt: skip
    assert shown["seeds"] == "2 of 3"
    assert shown["published wrist"] == ".844"
    assert "as recalled" in shown["published source"]


def test_several_people(inputs, tmp_path):
    row, shown = read(multi_person, inputs, tmp_path)
    assert (row["mAP"], row["AP:wrist"], row["COCO_AP"]) == ("0.4", "0.3", "0.33")
    assert shown["COCO AP"] == ".330 ± .000"
    assert shown["published mAP"] == ".700"


def test_without_measurements_the_tables_say_so(tmp_path):
    single_person.make(Inputs(), [tmp_path / "t.md"])
    assert "nothing yet" in (tmp_path / "t.md").read_text()


def test_published_values_are_those_of_the_repository():
    from bottomup.schema import SCHEMAS

    path = SCHEMAS.parents[1] / "config" / "published.yaml"
    single = find(path, "deepercut_single", "single_person", "val")
    assert (single.split, single.values["PCKh@0.5"]) == ("MPII test", 0.885)
    multi = find(path, "deepercut_multi", "multi_person_pckh", "val")
    assert multi.values["mAP"] == 0.7
    assert single.certainty() == multi.certainty() == "as recalled"
