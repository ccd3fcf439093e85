"""AP by subset, people and seed, and differences to controls, against values worked out by hand."""

import csv
import json
import math

import numpy as np
import pytest
from PIL import Image

import made_up_study
from bottomup.coco import keypoint_result, read_annotations
from bottomup.publish import bias_by_people, bias_differences, bias_effect
from bottomup.publish.differences import CROWD, by_people, differences, summary
from bottomup.publish.inputs import Expectation, Inputs, Result
from bottomup.skeleton import COCO_PERSON
from people import make_coco


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch):
    monkeypatch.setattr("bottomup.publish.differences.RESAMPLES", 60)


PAIR = {"experiment": "thinned", "control": "control"}


def write_results(folder, annotations, found):
    """Results that find whom `found` chooses, at their places; nobody's mask."""
    folder.mkdir(parents=True)
    rows = [
        keypoint_result(image.id, person.keypoints, 0.9)
        for image in annotations.images
        for person in annotations.persons[image.id]
        if found(len(annotations.persons[image.id]))
    ]
    (folder / "keypoints.json").write_text(json.dumps(rows))
    (folder / "segmentation.json").write_text("[]")
    return {f"{task}_json": folder / f"{task}.json" for task in ("keypoints", "segmentation")}


@pytest.fixture
def inputs(tmp_path):
    """The control finds everybody; the thinned one, with seed 0, nobody who is alone."""
    path, images_dir = make_coco(tmp_path, (1, 1, 2, 3, 0), write_images=False)
    annotations = read_annotations(path, COCO_PERSON)
    results = []
    for name, seed, found in (
        ("thinned", 0, lambda people: people > 1),
        ("thinned", 1, lambda people: True),
        ("control", 0, lambda people: True),
        ("control", 1, lambda people: True),
        ("control", 2, lambda people: False),
    ):
        files = write_results(tmp_path / f"{name}-{seed}", annotations, found)
        place = (name, seed, "synthetic", "val", "single")
        skeletons = {"skeleton": COCO_PERSON, "model": COCO_PERSON}
        places = {"annotations_path": path, "images_dir": images_dir}
        joint = {"joint_json": files["keypoints_json"]}
        results.append(Result(*place, **files, **joint, **places, **skeletons))
    return Inputs(results=results, design={"comparisons": [PAIR]})


def test_differences_by_hand(inputs):
    found = {(e.task, e.stratum): e for e in differences(inputs)}
    single = found["keypoints", "people=1"]
    assert single.by_seed == pytest.approx({0: -1, 1: 0})
    assert (single.value, single.spread) == pytest.approx((-0.5, math.sqrt(0.5)))
    assert (single.low, single.high) == pytest.approx((-0.5, -0.5))
    assert single.answer == "worse"
    for stratum in ("people=2", "people=3-4", CROWD):
        same = found["keypoints", stratum]
        assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
        assert same.answer == "no difference shown"
    assert math.isnan(found["keypoints", "people=9+"].value)
    assert found["segmentation", "all"].value == 0


def test_resamples_are_paired(inputs):
    """Unpaired, images drawn differently for the two would spread the difference of equals."""
    rows = {(e.task, e.stratum): e for e in differences(inputs)}
    overall = rows["keypoints", "all"]
    assert overall.low < overall.value < overall.high <= 0
    assert rows["keypoints", "people=2"].high == 0


def test_the_table_of_differences(inputs, tmp_path):
    outputs = [tmp_path / "table.csv", tmp_path / "table.md"]
    bias_differences.make(inputs, outputs)
    with outputs[0].open() as file:
        rows = list(csv.DictReader(file))
    [single] = [r for r in rows if (r["task"], r["stratum"]) == ("keypoints", "people=1")]
    assert (single["seeds"], float(single["difference"])) == ("2", -0.5)
    assert "-.500 ± 0.707 [-.500, -.500]" in outputs[1].read_text()
    assert "no such object (n = 0)" in outputs[1].read_text()


def test_a_study_without_comparisons_has_an_empty_table(tmp_path):
    bias_differences.make(Inputs(), [tmp_path / "table.csv"])
    assert (tmp_path / "table.csv").read_text().startswith("task,experiment,control")


def test_the_figure_of_differences(inputs, tmp_path):
    for given, name in ((inputs, "some"), (Inputs(), "none")):
        bias_effect.make(given, [tmp_path / f"{name}.png"])
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert len(np.unique(np.asarray(picture).reshape(-1, 4), axis=0)) > 5


def test_crowds_are_all_images_with_three_people_or_more():
    groups = {"all": [1, 2, 3, 4, 5], "people=0": [5], "people=1": [1], "people=2": [2]}
    found = by_people(groups | {"people=3-4": [4], "people=9+": [3], "crowding=0-0.1": [1]})
    assert found[CROWD] == [3, 4]
    assert "people=0" not in found
    assert "crowding=0-0.1" not in found


def test_interval_and_p_of_resamples():
    found = summary(np.linspace(-0.1, 0.3, 1001))
    assert (found["low"], found["high"]) == pytest.approx((-0.09, 0.29))
    assert found["p"] == pytest.approx(2 * 252 / 1002, abs=0.003)
    assert all(math.isnan(value) for value in summary(np.array([np.nan])).values())


def test_every_seed_mean_and_spread_are_in_the_table(tmp_path):
    given = made_up_study.inputs(tmp_path)
    training = {
        "full": [{"subset": "all_images", "steps": 50}],
        "reduced": [{"subset": "thin30", "steps": 20}, {"subset": "thin50", "steps": 30}],
        "colour": [{"subset": "all_images", "steps": 5}],
    }
    expected = {**given.expected, "reduced": Expectation(published={"single": "silent"})}
    given.published.write_text(given.published.read_text() + "  silent: {model: M, source: S}\n")
    given = Inputs(
        metrics=given.metrics,
        expected=expected,
        published=given.published,
        design={"training": training},
    )
    outputs = [tmp_path / "bias.csv", tmp_path / "bias.md"]
    bias_by_people.make(given, outputs)
    with outputs[0].open() as file:
        rows = list(csv.DictReader(file))
    chosen = [
        row
        for row in rows
        if (row["task"], row["experiment"], row["protocol"], row["stratum"])
        == ("keypoints", "full", "single", "people=2")
    ]
    assert [(row["seed"], float(row["AP"])) for row in chosen] == [
        ("0", 0.6),
        ("1", 0.62),
        ("2", 0.64),
    ]
    assert {(float(row["mean"]), row["spread"]) for row in chosen} == {(0.62, "0.02")}
    assert {row["published_AP"] for row in chosen} == {"0.665"}
    lines = [line.split("|") for line in outputs[1].read_text().splitlines()]
    cells = [[cell.strip() for cell in line] for line in lines]
    [reduced] = [c for c in cells if c[1:3] == ["keypoints", "reduced"] and "single" in c[5]]
    assert reduced[3:5] == ["thin30, then thin50", "50"]
    assert reduced[6] == ".510 ± .014 (.500, .520)"
    assert reduced[-2] == "none published"
