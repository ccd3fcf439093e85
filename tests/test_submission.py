"""Archives for COCO's evaluation server."""

import json
import zipfile

import pytest
from pycocotools.coco import COCO

import people
from bottomup.coco import keypoint_result, read_annotations, segmentation_result
from bottomup.coco_results import silence
from bottomup.errors import InputError
from bottomup.skeleton import COCO_PERSON
from bottomup.submission import write_submission
from test_evaluation import noisy_rows, write

PREFIXES = {"keypoints": "person_keypoints", "segmentation": "detections"}


@pytest.fixture
def split(tmp_path):
    """Annotations, and the same split as the public sees it."""
    path, _ = people.make_coco(tmp_path, (1, 2, 0, 3))
    content = json.loads(path.read_text())
    del content["annotations"]
    public = tmp_path / "image_info_test-dev2017.json"
    public.write_text(json.dumps(content))
    return read_annotations(path, COCO_PERSON), public


def packed(split, tmp_path, task):
    annotations, public = split
    results = write(tmp_path, task, noisy_rows(annotations, task))
    out = tmp_path / f"{PREFIXES[task]}_test-dev2017_alg_results.zip"
    write_submission(results, public, task, out)
    return out, json.loads(results.read_text())


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("keypoints", "person_keypoints_test-dev2017_alg_results"),
        ("segmentation", "detections_test-dev2017_alg_results"),
    ],
)
def test_archives_hold_one_file_of_the_servers_name(split, tmp_path, task, name):
    out, rows = packed(split, tmp_path, task)
    assert out.name == f"{name}.zip"
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == [f"{name}.json"]
        assert archive.testzip() is None
        sent = json.loads(archive.read(f"{name}.json"))
    assert [row["image_id"] for row in sent] == [row["image_id"] for row in rows]
    assert {row["category_id"] for row in sent} == {1}
    truth = COCO()
    truth.dataset = json.loads(split[1].read_text()) | {"annotations": []}
    with silence():
        truth.createIndex()
        assert len(truth.loadRes(sent).anns) == len(rows)


def test_keypoints_are_sent_with_a_visibility_of_one(split, tmp_path):
    out, rows = packed(split, tmp_path, "keypoints")
    with zipfile.ZipFile(out) as archive:
        sent = json.loads(archive.read(archive.namelist()[0]))
    assert set(sent[0]["keypoints"][2::3]) == {1}
    assert sent[0]["keypoints"][0::3] == rows[0]["keypoints"][0::3]
    assert sent[0]["score"] == rows[0]["score"]


def test_archives_are_the_same_bytes_each_time(split, tmp_path):
    first = packed(split, tmp_path, "keypoints")[0].read_bytes()
    assert packed(split, tmp_path, "keypoints")[0].read_bytes() == first


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (keypoint_result(999, [[1, 2, 3]] * 17, 1.0), "999, which is not in the split"),
        (keypoint_result(1, [[1, 2, 3]] * 5, 1.0), "keypoints of a wrong form"),
    ],
)
def test_what_the_server_would_refuse_is_refused(split, tmp_path, row, words):
    results = write(tmp_path, "bad", [row])
    with pytest.raises(InputError, match=words):
        write_submission(results, split[1], "keypoints", tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_a_mask_of_another_size_is_refused(split, tmp_path):
    row = segmentation_result(1, {"size": [3, 3], "counts": "9"}, 1.0)
    results = write(tmp_path, "bad", [row])
    with pytest.raises(InputError, match="image 1"):
        write_submission(results, split[1], "segmentation", tmp_path / "out.zip")


def test_no_result_at_all_is_told(split, tmp_path):
    results = write(tmp_path, "none", [])
    with pytest.raises(InputError, match="nobody was found"):
        write_submission(results, split[1], "keypoints", tmp_path / "out.zip")
