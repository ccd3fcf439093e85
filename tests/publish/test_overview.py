"""What was run, what was expected, what came out."""

import csv
import dataclasses

import pytest

import made_up_study
from bottomup.publish import overview
from bottomup.publish.inputs import Inputs
from bottomup.publish.tables import NOT_MEASURED


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "overview.csv"
    overview.make(made_up_study.inputs(tmp_path), [path, tmp_path / "overview.md"])
    with path.open() as file:
        return {row["experiment"]: row for row in csv.DictReader(file)}


def test_one_row_for_each_experiment(rows):
    assert list(rows) == ["full", "reduced", "colour", "late"]


def test_a_row_says_what_ran_and_what_came_out(rows):
    row = rows["full"]
    assert (row["system"], row["backbone"], row["seeds"]) == ("personlab", "small_unet", "3")
    assert (row["steps"], row["training_images"], row["training_minutes"]) == ("650", "400", "11")
    assert float(row["keypoints_AP"]) == pytest.approx(0.62)
    assert row["keypoints_verdict"] == "within expectation"
    assert row["segmentation_verdict"] == "below expectation"


def test_only_the_test_that_is_judged_is_shown(rows):
    assert rows["full"]["protocol"] == "single"


def test_the_colour_baseline_stands_beside_the_others(rows):
    assert rows["full"]["keypoints_colour_baseline"] == "0.01"
    assert rows["colour"]["keypoints_colour_baseline"] == ""


def test_what_has_not_run_is_pending(rows):
    assert rows["late"]["system"] == ""
    assert rows["late"]["keypoints_verdict"] == "pending, 0 of 3 seeds"


def test_without_expectations_the_first_test_is_shown(tmp_path):
    path = tmp_path / "overview.csv"
    overview.make(Inputs(metrics=made_up_study.metrics()), [path])
    assert "full,,,,,,synthetic,val,single,3,0.62" in path.read_text()


def test_a_task_that_a_system_does_not_do_is_not_pending(tmp_path):
    inputs = made_up_study.inputs(tmp_path)
    without = inputs.metrics[inputs.metrics.task == "keypoints"]
    path = tmp_path / "overview.csv"
    overview.make(dataclasses.replace(inputs, metrics=without), [path])
    with path.open() as file:
        row = next(csv.DictReader(file))
    assert row["keypoints_verdict"] == "within expectation"
    assert row["segmentation_verdict"] == NOT_MEASURED
