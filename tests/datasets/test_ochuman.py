"""OCHuman's own format becomes a COCO file; built from the format, not tried on the real file."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from bottomup.coco import person_mask, read_annotations
from bottomup.datasets import ochuman
from bottomup.datasets.source import first_image_id
from bottomup.errors import InputError
from bottomup.skeleton import OCHUMAN

FIRST = first_image_id("all")

NAMES = (
    *("right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("head", "neck", "right_ear", "left_ear", "nose", "right_eye", "left_eye"),
)


def square(left, top, side):
    return [left, top, left + side, top, left + side, top + side, left, top + side]


def person(**changes):
    keypoints = [value for k in range(19) for value in (k + 1, 2 * k, k % 4)]
    segms = {"outer": [square(4, 4, 20)], "inner": [square(8, 8, 4)], "height": 40, "width": 50}
    row = {"bbox": [2, 3, 32, 33], "keypoints": keypoints, "segms": segms, "max_iou": 0.6}
    return row | changes


def image(number, *people):
    name = f"{number:06d}"
    row = {"image_id": name, "file_name": f"{name}.jpg", "height": 40, "width": 50}
    return row | {"annotations": list(people)}


def content(*images):
    return {"keypoint_names": list(NAMES), "keypoint_visible": {}, "images": list(images)}


def converted(folder, written, split="all"):
    source, out = folder / "ochuman.json", folder / "out.json"
    source.write_text(json.dumps(written))
    ochuman.convert_split(SimpleNamespace(annotations=source, split=split), out)
    return read_annotations(out, OCHUMAN)


def test_a_person_in_the_order_of_the_skeleton(tmp_path):
    [only] = converted(tmp_path, content(image(3, person()))).persons[FIRST]
    for name, (x, y, visibility) in zip(OCHUMAN.keypoints, only.keypoints, strict=True):
        k = NAMES.index(name)
        shown = {0: 0, 1: 2, 2: 2, 3: 1}[k % 4]
        assert (x, y, visibility) == ((k + 1, 2 * k, shown) if shown else (0, 0, 0))
    assert only.bbox == (2, 3, 30, 30)
    assert only.area == 900


def test_holes_are_cut_out_of_masks(tmp_path):
    [only] = converted(tmp_path, content(image(3, person()))).persons[FIRST]
    mask = person_mask(only, 40, 50)
    expected = np.zeros((40, 50), bool)
    expected[4:24, 4:24] = True
    expected[8:12, 8:12] = False
    np.testing.assert_array_equal(mask, expected)


def test_people_without_keypoints_or_mask_are_left_out(tmp_path):
    parts = person(keypoints=None), person(segms=None), person(segms={"outer": [], "inner": []})
    found = converted(tmp_path, content(image(1, *parts), image(2, person(), *parts)))
    assert [picture.file_name for picture in found.images] == ["000002.jpg"]
    assert len(found.persons[FIRST]) == 1


def test_the_first_2500_images_by_id_are_val(tmp_path, monkeypatch):
    monkeypatch.setattr(ochuman, "VAL_IMAGES", 2)
    written = content(*(image(number, person()) for number in (9, 2, 7, 4)))
    names = {
        split: [i.file_name[5] for i in converted(tmp_path, written, split).images]
        for split in ("val", "test", "all")
    }
    assert names == {"val": ["2", "4"], "test": ["7", "9"], "all": ["2", "4", "7", "9"]}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ([], "no list 'images'"),
        ({"images": []}, "keypoint_names are"),
        (content(), "has 0 images"),
        (content(image(1, person(bbox=[1, 2]))), r"image 000001: bbox \[1, 2\]"),
        (content(image(1, person(keypoints=[1, 2]))), "2 numbers as keypoints"),
        (content({"annotations": [person()]}), "'image_id'"),
        (content(image(1, person(segms={"outer": [[1, 2, 3]]}))), r"segms\.outer has a polygon"),
    ],
)
def test_a_damaged_file_is_told(tmp_path, written, said):
    with pytest.raises(InputError, match=said):
        converted(tmp_path, written)
    assert not (tmp_path / "out.json").exists()


def test_an_unknown_split_and_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no split is called 'train'"):
        converted(tmp_path, content(image(1, person())), "train")
    with pytest.raises(InputError, match="place OCHuman's file there"):
        ochuman.convert_split(
            SimpleNamespace(annotations=tmp_path / "none.json", split="val"), tmp_path / "out.json"
        )
