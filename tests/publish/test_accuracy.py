"""The keypoint and segmentation tables of a made-up study."""

import csv

import pytest

import made_up_study
from bottomup.errors import InputError
from bottomup.publish import keypoints, segmentation
from bottomup.publish.inputs import Inputs


@pytest.fixture
def study(tmp_path):
    return made_up_study.inputs(tmp_path)


def made(module, study, folder):
    outputs = [folder / f"table.{suffix}" for suffix in ("csv", "md", "tex")]
    module.make(study, outputs)
    with outputs[0].open() as file:
        return list(csv.DictReader(file)), outputs[1].read_text(), outputs[2].read_text()


def cells(markdown, number):
    """Title to text of one row of a Markdown table."""
    lines = [line.strip("| \n").split("|") for line in markdown.splitlines()]
    titles, row = lines[0], lines[2 + number]
    return {t.strip(): c.strip() for t, c in zip(titles, row, strict=True)}


def test_golden_row_of_the_keypoint_table(study, tmp_path):
    rows, markdown, latex = made(keypoints, study, tmp_path)
    assert cells(markdown, 0) == {
        "experiment": "full",
        "tested on": "synthetic val",
        "protocol": "single",
        "seeds": "3",
        "persons": "40",
        "AP": ".620 ± .020 [.600, .640]",
        "AP50": ".670 ± .020",
        "AP75": ".670 ± .020",
        "APm": ".670 ± .020",
        "APl": "no such object (n = 0)",
        "AR": ".670 ± .020",
        "expected AP": ".630 ± .030",
        "verdict": "within expectation",
        "published AP": ".665",
        "published AP50": ".880",
        "published source": "Paper, ResNet, test-dev: Somebody et al., ECCV 2018; "
        "AP sourced, others as recalled",
    }
    assert rows[0]["AP"] == "0.62"
    assert rows[0]["APl"] == ""
    assert r".620 $\pm$ .020 [.600, .640]" in latex


def test_rows_follow_the_study(study, tmp_path):
    rows, _, _ = made(keypoints, study, tmp_path)
    order = [(row["experiment"], row["protocol"]) for row in rows]
    pairs = [(e, p) for e in made_up_study.AP for p in made_up_study.PROTOCOLS]
    assert order == [*pairs, ("late", "single")]


def test_published_values_stand_beside_the_protocol_that_names_them(study, tmp_path):
    rows, _, _ = made(keypoints, study, tmp_path)
    assert [row["published_AP"] for row in rows] == ["0.665", *[""] * 6]
    assert float(rows[0]["AP"]) == pytest.approx(0.62)


def test_published_values_of_the_same_split_are_preferred(study, tmp_path):
    rows, markdown, _ = made(segmentation, study, tmp_path)
    assert rows[0]["published_AP"] == "0.387"
    assert cells(markdown, 0)["published source"].endswith("as recalled")


def test_without_published_rows_there_are_no_such_columns(study, tmp_path):
    unnamed = Inputs(metrics=study.metrics, published=study.published)
    rows, markdown, _ = made(keypoints, unnamed, tmp_path)
    assert "published" not in markdown
    assert "published_AP" not in rows[0]


def test_an_experiment_with_missing_seeds_is_pending(study, tmp_path):
    _, markdown, _ = made(keypoints, study, tmp_path)
    assert cells(markdown, 2)["verdict"] == "pending, 2 of 3 seeds"
    assert cells(markdown, 2)["seeds"] == "2 of 3"
    assert cells(markdown, 6)["verdict"] == "pending, 0 of 3 seeds"


def test_segmentation_below_expectation(study, tmp_path):
    rows, _, _ = made(segmentation, study, tmp_path)
    assert rows[0]["verdict"] == "below expectation"
    assert set(segmentation.METRICS) <= set(rows[0])


def test_an_unknown_published_row_is_refused(study, tmp_path):
    study.published.write_text(made_up_study.PUBLISHED.replace("paper_single", "paper_singel"))
    with pytest.raises(InputError, match=r"no published row 'paper_single'; did you mean"):
        made(keypoints, study, tmp_path)


def test_the_same_inputs_give_the_same_bytes(study, tmp_path):
    assert made(keypoints, study, tmp_path) == made(keypoints, study, tmp_path)


def test_an_empty_study_gives_an_empty_table(tmp_path):
    rows, _, _ = made(keypoints, Inputs(), tmp_path)
    assert rows == []
