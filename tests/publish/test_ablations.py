"""Tests that differ in one setting are found by their settings alone."""

import json

import pytest

import made_up_study
from bottomup.publish import ablations
from bottomup.publish.inputs import Inputs
from bottomup.publish.tables import NOT_MEASURED

SINGLE = {"sides": [193], "flip": False, "refine": True, "decoder": {"assembly": "paper"}}


def study(folder, pyramid, **training):
    """Two experiments by two protocols; `training` is what the second experiment differs in."""
    runs = {}
    for experiment in ("full", "reduced"):
        settings = {"backbone": "small_unet", "augmentation": {"scale": [0.5, 1.5]}}
        settings |= training if experiment == "reduced" else {}
        runs[experiment, 0] = folder / f"{experiment}.json"
        runs[experiment, 0].write_text(json.dumps({"settings": settings}))
    metrics = made_up_study.metrics()
    metrics = metrics[metrics["experiment"] != "colour"]
    protocols = {"single": SINGLE, "pyramid": SINGLE | pyramid}
    return Inputs(metrics=metrics, runs=runs, protocols=protocols)


def table_of(inputs, tmp_path):
    path = tmp_path / "ablations.md"
    ablations.make(inputs, [path])
    rows = [
        [c.strip() for c in line.strip("|\n ").split("|")] for line in path.read_text().splitlines()
    ]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


@pytest.mark.parametrize(
    ("change", "title", "value"),
    [
        ({"sides": [193, 257]}, "input sides", "193, 257"),
        ({"flip": True}, "mirrored too", "yes"),
        ({"refine": False}, "offsets refined, testing", "no"),
        ({"decoder": {"assembly": "linked"}}, "assembly", "linked"),
    ],
)
def test_protocols_that_differ_in_one_setting_are_compared(tmp_path, change, title, value):
    rows = table_of(study(tmp_path, change, backbone="resnet"), tmp_path)
    of_full = [r for r in rows if r["experiment"] == "full" and r["varied"] == title]
    assert [r["value"] for r in of_full][1] == value
    assert of_full[0]["keypoints change"] == NOT_MEASURED
    assert of_full[1]["keypoints change"] == "+.100"
    assert of_full[1]["keypoints AP"] == ".720 ± .020 [.700, .740]"
    assert (of_full[1]["n"], of_full[1]["seeds"]) == ("40", "3")


def test_protocols_that_differ_in_two_settings_are_not_compared(tmp_path):
    inputs = study(tmp_path, {"flip": True, "refine": False}, crop=5, batch=6)
    assert table_of(inputs, tmp_path) == []


def test_experiments_that_differ_in_one_setting_are_compared(tmp_path):
    inputs = study(tmp_path, {"flip": True}, augmentation={"scale": [1.0, 1.0]})
    rows = [r for r in table_of(inputs, tmp_path) if r["varied"] == "scales in training"]
    assert [r["value"] for r in rows] == ["0.5, 1.5", "1.0, 1.0"] * 2
    assert rows[1]["keypoints change"] == "-.110"
