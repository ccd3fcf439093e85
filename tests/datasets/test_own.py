"""Images and labels of one's own: what is read, and what is said of a mistake."""

import json

import pytest
from PIL import Image

from bottomup.coco import read_annotations
from bottomup.datasets.own import convert_split
from bottomup.datasets.source import Source, first_image_id
from bottomup.errors import InputError
from bottomup.image_check import check_images
from bottomup.skeleton import COCO_PERSON, CROWDPOSE, Skeleton

FIRST = first_image_id("train")

NAMES = ("head", "left_hand", "right_hand")
THREE = Skeleton("three", NAMES, (NAMES[:2], (NAMES[0], NAMES[2])), (0.1, 0.1, 0.1))
CSV = """\
image,person,keypoint,x,y,visibility
b.jpg,anna,head,20.5,10,2
b.jpg,anna,right_hand,30,40,1
b.jpg,ben,left_hand,60,30,
a.jpg,1,head,5,5,2
a.jpg,1,left_hand,25,45,2
c.jpg,,,,,
"""


def converted(text, tmp_path, skeleton=THREE, suffix=".csv", split="train", **settings):
    for name in "abc":
        Image.new("RGB", (80, 60)).save(tmp_path / f"{name}.jpg")
    source, out = tmp_path / f"labels{suffix}", tmp_path / "out.json"
    source.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    convert_split(Source(source, tmp_path, split, skeleton, settings), out)
    annotations = read_annotations(out, skeleton)
    check_images(annotations.images, annotations.path, tmp_path)
    return annotations


def test_every_labelled_keypoint_is_read(tmp_path):
    annotations = converted(CSV, tmp_path)
    assert [image.file_name for image in annotations.images] == ["a.jpg", "b.jpg", "c.jpg"]
    anna, ben = annotations.persons[FIRST + 1]
    assert anna.keypoints.tolist() == [[20.5, 10, 2], [0, 0, 0], [30, 40, 1]]
    assert ben.keypoints.tolist() == [[0, 0, 0], [60, 30, 2], [0, 0, 0]]
    assert annotations.persons[FIRST + 2] == ()


def test_the_box_of_a_person_has_a_margin_and_stays_inside(tmp_path):
    [person] = converted(CSV, tmp_path).persons[FIRST]
    # 20 x 40 px round the keypoints, 6 px more on each side, cut at the left and upper edge.
    assert person.bbox == (0, 0, 31, 51)
    assert person.area == pytest.approx(0.53 * 31 * 51)


def test_splits_share_no_image_id(tmp_path):
    ids = [{i.id for i in converted(CSV, tmp_path, split=split).images} for split in ("a", "b")]
    assert not ids[0] & ids[1]


def test_one_file_serves_two_splits(tmp_path):
    held_out = {"split": "val", "share": 0.5, "seed": 3}
    parts = [
        {i.file_name for i in converted(CSV, tmp_path, split=split, held_out=held_out).images}
        for split in ("train", "val")
    ]
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] == {"a.jpg", "b.jpg", "c.jpg"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("20.5", "twenty", r"labels\.csv, line 2: x is 'twenty'; give a number of pixels"),
        ("20.5", "nan", "line 2: x is 'nan'"),
        ("30,40,1", "30,40,7", "line 3: visibility is '7'; give 1"),
        ("left_hand,60", "lefthand,60", "line 4: keypoint 'lefthand' is not in skeleton 'three'"),
        ("b.jpg,ben", ",ben", "line 4: the cell 'image' is empty"),
        ("b.jpg,ben,left_hand", "b.jpg,anna,head", "line 4: 'head' of person 'anna'.* twice"),
        ("60,30,", "60,30", "line 4: has more or fewer cells"),
        ("60,30,", "600,30,", "person 'ben' on 'b.jpg' lies outside the image of 80 x 60"),
        ("keypoint,x", "joint,x", "has no column 'keypoint'"),
        ("visibility", "colour", "has a column 'colour'"),
        ("c.jpg", "d.jpg", r"d\.jpg: is annotated, and cannot be read as an image"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path, old, new, said):
    assert old in CSV
    with pytest.raises(InputError, match=said):
        converted(CSV.replace(old, new, 1), tmp_path)
    assert not (tmp_path / "out.json").exists()


def test_a_missing_file_is_told(tmp_path):
    source = Source(tmp_path / "none.csv", tmp_path, "train", THREE)
    with pytest.raises(InputError, match=r"none\.csv: cannot be read as CSV"):
        convert_split(source, tmp_path / "out.json")


def coco(names=("Right Hand", "head"), **changes):
    """JSON without sizes, boxes and areas, its keypoints in another order."""
    row = {"id": 4, "image_id": 9, "category_id": 5, "keypoints": [30, 40, 1, 20, 10, 2]}
    return {
        "images": [{"id": 9, "file_name": "a.jpg"}],
        "annotations": [row | changes],
        "categories": [{"id": 5, "name": "person", "keypoints": list(names)}],
    }


def test_json_is_completed_and_put_in_order(tmp_path):
    annotations = converted(coco(), tmp_path, suffix=".json", unlabelled=["left_hand"])
    assert (annotations.images[0].height, annotations.images[0].width) == (60, 80)
    [person] = annotations.persons[9]
    assert person.keypoints.tolist() == [[20, 10, 2], [0, 0, 0], [30, 40, 1]]
    assert person.id == 4
    assert person.bbox == (15.5, 5.5, 19, 39)


def test_what_json_says_stays(tmp_path):
    said = {"bbox": [1, 2, 30, 40], "area": 77, "segmentation": [[1, 2, 30, 2, 30, 40]]}
    content = coco(**said)
    [person] = converted(content, tmp_path, suffix=".json", unlabelled=["left_hand"]).persons[9]
    assert (person.bbox, person.area) == ((1, 2, 30, 40), 77)
    assert person.segmentation == said["segmentation"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "needs the lists 'images' and 'annotations'"),
        (coco() | {"categories": []}, "'categories' must hold 'person'"),
        (coco(image_id=3), r"annotations\[0\] is of image 3, which is not in 'images'"),
        (coco(keypoints=[1, 2]), r"annotations\[0\] has keypoints \[1, 2\]"),
        (coco(keypoints=[0] * 6), "has no bbox and no labelled keypoint"),
        (coco(("tail", "head")), "keypoint 'tail' is not in skeleton 'three'"),
        (coco() | {"images": [{"file_name": "a.jpg"}]}, "needs a whole number as id"),
        (coco() | {"images": [{"id": 9, "file_name": 7}]}, "and a file_name; add them"),
        (
            coco() | {"images": [{"id": 9, "file_name": f"{n}.jpg"} for n in "ab"]},
            "image id 9 is there twice",
        ),
        ([coco()], "needs the lists 'images' and 'annotations'"),
    ],
)
def test_a_mistake_in_json_is_told(tmp_path, content, said):
    with pytest.raises(InputError, match=said):
        converted(content, tmp_path, suffix=".json", unlabelled=["left_hand"])


def test_keypoints_that_nobody_wants_are_left_out_if_said(tmp_path):
    content = coco(("tail", "head"))
    options = {"unlabelled": ["left_hand", "right_hand"], "left_out": ["tail"]}
    [person] = converted(content, tmp_path, suffix=".json", **options).persons[9]
    assert person.keypoints[:, 2].tolist() == [2, 0, 0]


def test_a_real_coco_like_file_stays_as_it_is(shared_data, tmp_path):
    folder = shared_data / "importer-samples" / "crowdpose"
    source = folder / "test_crowdpose.json"
    convert_split(Source(source, folder, "train", CROWDPOSE), tmp_path / "out.json")
    annotations = read_annotations(tmp_path / "out.json", CROWDPOSE)
    rows = {row["id"]: row for row in json.loads(source.read_text())["annotations"]}
    persons = [person for group in annotations.persons.values() for person in group]
    assert {person.id for person in persons} == set(rows)
    assert all(p.keypoints.reshape(-1).tolist() == rows[p.id]["keypoints"] for p in persons)


def test_another_order_of_coco_is_found_by_name(tmp_path):
    names = COCO_PERSON.keypoints[::-1]
    flat = [value for k in range(17) for value in (10 + k, 20, 2)]
    content = coco(names, keypoints=flat)
    [person] = converted(content, tmp_path, COCO_PERSON, ".json").persons[9]
    assert person.keypoints[:, 0].tolist() == [26 - k for k in range(17)]
