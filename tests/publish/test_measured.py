"""Values over seeds, and verdicts."""

import pytest

import made_up_study
from bottomup.publish.inputs import Expectation
from bottomup.publish.measured import Measured, each_test, measure, verdict

TEST = {"experiment": "full", "dataset": "synthetic", "split": "val", "protocol": "single"}


def rows_of(experiment, protocol="single"):
    for test, rows in each_test(made_up_study.metrics(), "keypoints"):
        if (test["experiment"], test["protocol"]) == (experiment, protocol):
            return rows
    raise LookupError(experiment)


def test_seeds_are_averaged_with_their_spread():
    measured = measure(rows_of("full"), "AP")
    assert measured.value == pytest.approx(0.62)
    assert measured.spread == pytest.approx(0.02)
    assert (measured.low, measured.high) == (pytest.approx(0.60), pytest.approx(0.64))
    assert (measured.seeds, measured.n) == (3, 40)
    assert measured.text() == ".620 ± .020 [.600, .640]"


def test_one_seed_has_no_spread():
    assert measure(rows_of("colour"), "AP").text() == ".010 [-0.010, .030]"


def test_a_metric_without_persons_says_so():
    measured = measure(rows_of("full"), "APl")
    assert measured.text() == "no such object (n = 0)"
    assert measured.n == 0


def test_a_metric_that_was_not_computed_is_none():
    assert measure(rows_of("full"), "AR1") is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.60, "within expectation"),
        (0.63, "within expectation"),
        (0.57, "within expectation"),
        (0.569, "below expectation"),
        (0.631, "above expectation"),
    ],
)
def test_verdicts(value, words):
    measured = Measured(value, None, None, None, 40, 1)
    assert verdict(measured, "keypoints", Expectation(keypoints_AP=0.6), TEST) == words


def test_missing_seeds_are_pending():
    measured = Measured(0.6, None, None, None, 40, 2)
    expectation = Expectation(keypoints_AP=0.6, seeds=3)
    assert verdict(measured, "keypoints", expectation, TEST) == "pending, 2 of 3 seeds"
    assert verdict(None, "keypoints", expectation, TEST) == "pending, 0 of 3 seeds"


def test_an_expectation_speaks_of_its_own_task_and_test_only():
    measured = Measured(0.6, None, None, None, 40, 1)
    expectation = Expectation(keypoints_AP=0.6, protocol="single")
    assert verdict(measured, "segmentation", expectation, TEST) == "none stated"
    elsewhere = TEST | {"protocol": "pyramid"}
    assert verdict(measured, "keypoints", expectation, elsewhere) == "none stated"
