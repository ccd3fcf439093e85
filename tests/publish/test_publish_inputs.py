"""What jobs hand to tables and figures."""

from pathlib import Path

import pandas as pd
import pytest

import made_up_study
from bottomup.errors import InputError
from bottomup.publish.inputs import METRICS_COLUMNS, Inputs, read_metrics
from bottomup.publish.published import read
from bottomup.skeleton import COCO_PERSON

ROOT = Path(__file__).resolve().parents[2]


def test_metrics_files_are_joined(tmp_path):
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    whole = made_up_study.metrics()
    whole[:100].to_csv(paths[0], index=False)
    whole[100:].to_csv(paths[1], index=False)
    pd.testing.assert_frame_equal(read_metrics(paths), whole)


def test_a_metrics_file_of_undefined_values_stays_numeric(tmp_path):
    path = tmp_path / "a.csv"
    rows = made_up_study.metrics()
    rows[rows["n"] == 0].to_csv(path, index=False)
    assert read_metrics([path])["value"].dtype == float


def test_metrics_with_other_columns_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    pd.DataFrame({"AP": [1]}).to_csv(path, index=False)
    with pytest.raises(InputError, match=r"a\.csv: columns \['AP'\]"):
        read_metrics([path])


def test_names_of_digits_stay_names(tmp_path):
    path = tmp_path / "metrics.csv"
    values = {"seed": 0, "value": 0.5, "low": None, "high": None, "n": 3}
    names = {"experiment": "null", "dataset": "7", "split": "val", "protocol": "0801"}
    kind = {"task": "keypoints", "stratum": "all", "metric": "AP"}
    table = pd.DataFrame([values | names | kind])[list(METRICS_COLUMNS)]
    table.to_csv(path, index=False)
    row = read_metrics([path]).iloc[0]
    assert {name: row[name] for name in names} == names
    assert (row["value"], row["seed"]) == (0.5, 0)
    assert pd.isna(row["low"])


def test_plain_values_become_records():
    result = {
        **{"experiment": "full", "seed": 0, "dataset": "d", "split": "val", "protocol": "p"},
        **{"keypoints_json": "k.json", "segmentation_json": None, "joint_json": "j.json"},
        **{"annotations_path": "a.json", "images_dir": "images"},
        "skeleton": COCO_PERSON.to_dict(),
        "model": COCO_PERSON.to_dict(),
    }
    made = Inputs.from_plain(
        {
            "results": [result],
            "history": [{"experiment": "full", "seed": 1, "path": "history.csv"}],
            "strata": {"reduced": "strata.csv"},
            "expected": {"full": {"keypoints_AP": 0.5, "seeds": 3}},
            "published": "published.yaml",
        }
    )
    assert made.results[0].skeleton == made.results[0].model == COCO_PERSON
    assert made.results[0].images_dir == Path("images")
    assert made.history == {("full", 1): Path("history.csv")}
    assert made.expected["full"].seeds == 3
    assert made.published == Path("published.yaml")


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"metric": []}, "no 'metric'"),
        ({"expected": {"full": {"AP": 1}}}, "Expectation has no 'AP'"),
        ({"results": [{"experiment": "full"}]}, "Result: .*missing"),
    ],
)
def test_unknown_or_missing_values_are_refused(plain, message):
    with pytest.raises(InputError, match=message):
        Inputs.from_plain(plain)


def test_the_published_values_of_the_project_are_in_order():
    rows = read(ROOT / "config" / "published.yaml")
    best = rows["personlab_resnet152_multi_scale"]
    assert best["keypoints"][0]["values"]["AP"] == 0.687
    assert best["segmentation"][0]["values"]["AP"] == 0.417
    entries = [
        e for row in rows.values() for task in ("keypoints", "segmentation") for e in row[task]
    ]
    assert all(set(entry["sourced"]) <= set(entry["values"]) for entry in entries)
