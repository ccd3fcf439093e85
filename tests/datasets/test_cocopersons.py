"""COCOPersons: who is kept, by the rule, and that nothing else changes."""

import json
import zipfile

import pytest

from bottomup.coco import read_annotations
from bottomup.datasets.cocopersons import convert
from bottomup.errors import InputError
from bottomup.skeleton import COCO_PERSON

OUTLINE = [[1, 1, 3, 1, 3, 3]]
LABELLED = [5, 5, 2] + [0] * 48


def person(number, image, **changes):
    row = {"id": number, "image_id": image, "category_id": 1, "iscrowd": 0, "num_keypoints": 1}
    row |= {"keypoints": LABELLED, "segmentation": OUTLINE, "area": 4.0, "bbox": [1, 1, 2, 2]}
    return row | changes


ROWS = [
    person(1, 1),
    person(2, 1, keypoints=[0] * 51),
    person(3, 2, segmentation=[]),
    person(4, 2, segmentation=[[1, 1, 3, 3]]),
    person(5, 3, iscrowd=1, segmentation={"size": [20, 20], "counts": [0, 400]}),
    person(6, 4, segmentation={"size": [20, 20], "counts": [0, 400]}),
    person(7, 5, category_id=2),
]


def converted(folder, rows):
    images = [{"id": i, "file_name": f"{i}.jpg", "height": 20, "width": 20} for i in range(1, 7)]
    categories = [{"id": 1, "name": "person"}]
    source, out = folder / "source.json", folder / "out.json"
    source.write_text(
        json.dumps({"images": images, "annotations": rows, "categories": categories, "info": 3})
    )
    convert(source, out)
    return out


def test_persons_with_keypoints_and_mask_are_kept(tmp_path):
    out = converted(tmp_path, ROWS)
    content = json.loads(out.read_text())
    assert content["annotations"] == [ROWS[0], ROWS[5]]
    assert [image["id"] for image in content["images"]] == [1, 4]
    assert content["info"] == 3
    assert read_annotations(out, COCO_PERSON).persons.keys() == {1, 4}


def test_a_file_with_nobody_to_keep_is_refused(tmp_path):
    with pytest.raises(InputError, match="nobody has both"):
        converted(tmp_path, ROWS[1:3])
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("text", ["{}", "[]", '{"images": [], "annotations": 3}', "x"])
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / "source.json").write_text(text)
    with pytest.raises(InputError, match=r"source\.json: (has|holds|is) no |must be a list"):
        convert(tmp_path / "source.json", tmp_path / "out.json")


def test_real_annotations(shared_data, tmp_path):
    archive = shared_data / "coco-sample" / "annotations" / "annotations_trainval2017.zip"
    with zipfile.ZipFile(archive) as opened:
        path = opened.extract("annotations/person_keypoints_val2017.json", tmp_path)
    convert(path, tmp_path / "out.json")
    before, after = (read_annotations(p, COCO_PERSON) for p in (path, tmp_path / "out.json"))
    for image in before.images:
        kept = [p.id for p in before.persons[image.id] if p.annotated and p.segmentation]
        assert [p.id for p in after.persons.get(image.id, ())] == kept
    assert all(after.persons[image.id] for image in after.images)
