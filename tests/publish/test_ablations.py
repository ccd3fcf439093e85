"""Tests that differ in one setting are found by their settings alone."""

import json

import pytest

import made_up_study
from bottomup.publish import ablations
from bottomup.publish.inputs import Inputs
from bottomup.publish.tables import NOT_MEASURED

SINGLE = {"sides": [193], "flip": False, "refine": True, "decoder": {"assembly": "paper"}}


def study(folder, pyramid, subsets=None, **training):
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
    design = {"training": {name: [{"subset": subset}] for name, subset in (subsets or {}).items()}}
    return Inputs(metrics=metrics, runs=runs, protocols=protocols, design=design)


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


def test_experiments_of_other_subsets_are_compared_each_for_itself(tmp_path):
    inputs = study(tmp_path, {"flip": True}, {"full": "all", "reduced": "thinned"})
    rows = table_of(inputs, tmp_path)
    assert [(r["experiment"], r["value"]) for r in rows] == [
        (name, value) for name in ("full", "reduced") for value in ("no", "yes")
    ]


def test_trunks_from_published_weights_are_compared(tmp_path):
    initial = [{"trunk_file": f"resources/weights/resnet{depth}.h5"} for depth in (101, 152)]
    deeper = {"backbone_options": {"depth": 152}, "initial_weights": initial[1]}
    inputs = study(tmp_path, {"flip": True}, **deeper)
    of_full = inputs.runs["full", 0]
    settings = json.loads(of_full.read_text())["settings"]
    settings |= {"backbone_options": {"depth": 101}, "initial_weights": initial[0]}
    of_full.write_text(json.dumps({"settings": settings}))
    rows = [r for r in table_of(inputs, tmp_path) if r["varied"] == "trunk"]
    assert [r["value"] for r in rows] == ["small_unet, depth 101", "small_unet, depth 152"] * 2


def test_protocols_that_differ_in_two_settings_are_not_compared(tmp_path):
    inputs = study(tmp_path, {"flip": True, "refine": False}, crop=5, batch=6)
    assert table_of(inputs, tmp_path) == []


def test_experiments_that_differ_in_one_setting_are_compared(tmp_path):
    inputs = study(tmp_path, {"flip": True}, augmentation={"scale": [1.0, 1.0]})
    rows = [r for r in table_of(inputs, tmp_path) if r["varied"] == "scales in training"]
    assert [r["value"] for r in rows] == ["0.5, 1.5", "1.0, 1.0"] * 2
    assert rows[1]["keypoints change"] == "-.110"
