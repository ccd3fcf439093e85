"""CrowdPose's files become COCO files that read, score and lose nothing."""

import json

import pytest

from bottomup.coco import read_annotations
from bottomup.datasets.crowdpose import AREA_SHARE, convert
from bottomup.errors import InputError
from bottomup.image_check import check_images
from bottomup.skeleton import CROWDPOSE

CONTENT = {
    "images": [{"id": 7, "file_name": "7.jpg", "height": 100, "width": 200, "crowdIndex": 0.5}],
    "annotations": [
        {
            "id": 3,
            "image_id": 7,
            "category_id": 1,
            "iscrowd": 0,
            "bbox": [10.0, 20.0, 30.0, 40.0],
            "num_keypoints": 1,
            "keypoints": [15, 25, 2, *[0] * 39],
        }
    ],
    "categories": [{"id": 1, "name": "person", "keypoints": list(CROWDPOSE.keypoints)}],
}


def converted(tmp_path, content):
    source, out = tmp_path / "source.json", tmp_path / "out.json"
    source.write_text(json.dumps(content))
    convert(source, out)
    return out


def test_a_person_gets_the_area_of_crowdposes_evaluation(tmp_path):
    annotations = read_annotations(converted(tmp_path, CONTENT), CROWDPOSE)
    [person] = annotations.persons[7]
    assert person.area == pytest.approx(AREA_SHARE * 30 * 40)
    assert person.labelled == 1
    assert person.segmentation is None


@pytest.mark.parametrize("box", [None, [1, 2, 3], [1, 2, "a", "b"], "box"])
def test_a_person_without_a_box_is_named(tmp_path, box):
    content = json.loads(json.dumps(CONTENT))
    content["annotations"][0]["bbox"] = box
    with pytest.raises(InputError, match="annotation 3 of image 7"):
        converted(tmp_path, content)
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("content", [[], {}, {"annotations": 3}, {"annotations": [3]}])
def test_another_file_is_refused(tmp_path, content):
    with pytest.raises(InputError, match="place CrowdPose's file"):
        converted(tmp_path, content)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="place CrowdPose's file there"):
        convert(tmp_path / "none.json", tmp_path / "out.json")


def test_the_real_sample_goes_round(shared_data, tmp_path):
    folder = shared_data / "importer-samples" / "crowdpose"
    source, out = folder / "test_crowdpose.json", tmp_path / "out.json"
    convert(source, out)
    annotations = read_annotations(out, CROWDPOSE)
    check_images(annotations.images, annotations.path, folder)
    rows = {row["id"]: row for row in json.loads(source.read_text())["annotations"]}
    persons = [person for group in annotations.persons.values() for person in group]
    assert {person.id for person in persons} == set(rows)
    for person in persons:
        # CrowdPose's own count leaves head and neck out.
        assert (person.keypoints[:12, 2] > 0).sum() == rows[person.id]["num_keypoints"]
        assert person.keypoints.reshape(-1).tolist() == rows[person.id]["keypoints"]
        assert list(person.bbox) == rows[person.id]["bbox"]
