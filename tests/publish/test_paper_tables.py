"""The papers' tables from made-up metrics: every cell by hand."""

from pathlib import Path

import pytest

import made_up_study
from bottomup.errors import InputError
from bottomup.publish import numbers, personlab_keypoints, personlab_segmentation, poseplusseg
from bottomup.publish.inputs import Inputs
from bottomup.publish.paper_table import paper_table
from bottomup.publish.tables import NOT_MEASURED
from bottomup.schema import read_yaml

METRICS = ("AP", "AP50")
PUBLISHED = Path(__file__).parents[2] / "config" / "published.yaml"


@pytest.fixture
def inputs(tmp_path):
    return made_up_study.inputs(tmp_path)


def test_a_finished_experiment_stands_beside_the_published_row(inputs):
    table = paper_table(inputs, "keypoints", ["paper_single"], METRICS)
    (numbers,), (shown,) = table.numbers, table.shown
    assert shown == {
        "model": "Paper, ResNet",
        "published on": "test-dev",
        "published AP": ".665",
        "published AP50": ".880",
        "source": "Somebody et al., ECCV 2018",
        "certainty": "AP sourced, others as recalled",
        "experiment": "full",
        "tested on": "synthetic val",
        "protocol": "single",
        "measured AP": ".620 ± .020 [.600, .640] (n = 40)",
        "measured AP50": ".670 ± .020 (n = 40)",
        "seeds": "3",
        "verdict": "within expectation",
    }
    assert numbers["published_AP"] == 0.665
    assert numbers["measured_AP"] == pytest.approx(0.62)
    assert (numbers["measured_AP_low"], numbers["n_AP"]) == (pytest.approx(0.60), 40)
    assert numbers["seeds"] == 3


def test_measured_values_stand_beside_the_published_ones_of_their_split(inputs):
    table = paper_table(inputs, "segmentation", ["paper_single"], METRICS)
    by_split = {row["published on"]: row for row in table.shown}
    assert by_split["val"]["published AP"] == ".387"
    assert by_split["val"]["measured AP"].startswith(".620 ± .020")
    assert by_split["test-dev"]["measured AP"] == NOT_MEASURED
    assert by_split["test-dev"]["verdict"] == "measured on another split"


def test_missing_seeds_are_pending_and_missing_experiments_are_told(inputs):
    metrics = inputs.metrics[inputs.metrics["seed"] < 2]
    late = Inputs(metrics=metrics, expected=inputs.expected, published=inputs.published)
    (row,) = paper_table(late, "keypoints", ["paper_single"], METRICS).shown
    assert (row["seeds"], row["verdict"]) == ("2 of 3", "pending, 2 of 3 seeds")
    none = Inputs(metrics=metrics.iloc[:0], expected=inputs.expected, published=inputs.published)
    (row,) = paper_table(none, "keypoints", ["paper_single"], METRICS).shown
    assert (row["seeds"], row["verdict"]) == ("0 of 3", "pending, 0 of 3 seeds")
    alone = Inputs(published=inputs.published)
    (row,) = paper_table(alone, "keypoints", ["paper_single"], METRICS).shown
    assert (row["measured AP"], row["verdict"]) == (NOT_MEASURED, "not in this study")


def test_published_and_measured_never_share_a_column(inputs):
    header = set(paper_table(inputs, "keypoints", ["paper_single"], METRICS).numbers[0])
    assert {"published_AP", "measured_AP", "published_source", "published_certainty"} <= header
    assert "AP" not in header


@pytest.mark.parametrize("module", [personlab_keypoints, personlab_segmentation, poseplusseg])
def test_tables_of_papers_find_every_row_in_the_published_file(module, tmp_path):
    outputs = [tmp_path / f"table.{suffix}" for suffix in ("csv", "md", "tex", "html")]
    module.make(Inputs(published=PUBLISHED), outputs)
    shown = outputs[1].read_text()
    rows = read_yaml(PUBLISHED)["rows"]
    assert all(rows[row]["model"] in shown for row in module.ROWS)
    assert all(path.stat().st_size for path in outputs)


def test_an_unknown_row_is_told(inputs):
    with pytest.raises(InputError, match="did you mean 'paper_single'"):
        paper_table(inputs, "keypoints", ["paper_singel"], METRICS)


def test_numbers_are_macros_of_letters(inputs, tmp_path):
    outputs = [tmp_path / "numbers.tex", tmp_path / "numbers.csv"]
    numbers.make(inputs, outputs)
    text, listed = (path.read_text() for path in outputs)
    assert r"\newcommand{\fullSyntheticValSingleKeypointsAP}{.620} %" in text
    assert r"\newcommand{\fullSyntheticValSingleKeypointsAPSpread}{.020} %" in text
    assert r"\newcommand{\fullSyntheticValSingleKeypointsAPInterval}{[.600, .640]} %" in text
    assert r"\newcommand{\fullSyntheticValSingleKeypointsAPSeeds}{3} %" in text
    assert r"\newcommand{\publishedPaperSingleTestDevKeypointsAPFiveZero}{.880} %" in text
    assert text.count("newcommand") == listed.count("\n") - 1
    names = [line.split("{\\")[1].split("}")[0] for line in text.splitlines()[1:]]
    assert all(name.isalpha() for name in names)
    assert len(set(names)) == len(names)


def test_two_numbers_of_one_name_are_refused():
    found = [("a", "1", "first"), ("a", "2", "second")]
    with pytest.raises(InputError, match="both 'first' and 'second'"):
        numbers.check_names(found)
