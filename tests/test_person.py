"""One row of a COCO file: each wrong value is named with its file, image and annotation."""

from pathlib import Path

import numpy as np
import pytest

import people
from bottomup.errors import InputError
from bottomup.person import Image, read_image, read_person
from bottomup.skeleton import COCO_PERSON

PATH = Path("annotations.json")
IMAGE = Image(7, "seven.jpg", 120, 160)


def row(**changes) -> dict:
    """A good annotation with some keys changed; ... removes a key."""
    generator = np.random.default_rng(0)
    good = people.make_person(generator, "polygon", [20, 10, 60, 90], (120, 160), COCO_PERSON)
    merged = good | {"id": 3, "image_id": 7, "category_id": 1} | changes
    return {key: value for key, value in merged.items() if value is not ...}


def read(**changes):
    return read_person(row(**changes), IMAGE, COCO_PERSON, PATH)


def refusal(**changes) -> str:
    with pytest.raises(InputError) as caught:
        read(**changes)
    message = str(caught.value)
    assert message.startswith("annotations.json: annotation 3 of image 7 has ")
    return message


def image_refusal(**changes) -> str:
    good = {"id": 7, "file_name": "seven.jpg", "height": 120, "width": 160}
    with pytest.raises(InputError) as caught:
        read_image({key: v for key, v in (good | changes).items() if v is not ...}, PATH)
    return str(caught.value)


@pytest.mark.parametrize("value", [..., None, "7", 7.0, True])
def test_image_id(value):
    assert "give every image a whole number" in image_refusal(id=value)


@pytest.mark.parametrize("value", [..., None, "", 5])
def test_file_name(value):
    assert "image 7 has file_name" in image_refusal(file_name=value)


@pytest.mark.parametrize("key", ["height", "width"])
@pytest.mark.parametrize("value", [..., 0, -3, 1.5, "120", 10**9])
def test_image_sides(key, value):
    assert f"image 7 has {key} " in image_refusal(**{key: value})


def test_annotation_without_area():
    assert "no 'area'; give the person's area" in refusal(area=...)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "12", None, [3]])
def test_area_that_is_no_area(value):
    assert "has area " in refusal(area=value)


def test_area_zero_is_legal():
    assert read(area=0).area == 0


@pytest.mark.parametrize("value", [..., 2, "no", None])
def test_iscrowd(value):
    assert "give 0 or 1" in refusal(iscrowd=value)


def test_keypoints_not_a_multiple_of_three():
    assert "50 numbers in 'keypoints'" in refusal(keypoints=[0] * 50)


def test_keypoints_of_another_skeleton():
    assert "keypoints of skeleton 'coco_person', 51 numbers" in refusal(keypoints=[0] * 42)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "3", None, [1]])
def test_keypoints_that_are_no_numbers(value):
    assert "give a list of finite numbers" in refusal(keypoints=[value] + [0] * 50)


@pytest.mark.parametrize("value", [None, 5, "0" * 51, {}])
def test_keypoints_that_are_no_list(value):
    assert "give a list of finite numbers" in refusal(keypoints=value)


@pytest.mark.parametrize("value", [3, -1, 0.5])
def test_visibility(value):
    keypoints = [0] * 51
    keypoints[5] = value
    assert "at keypoint 'left_eye'" in refusal(keypoints=keypoints)


def test_unlabelled_keypoints_lose_their_place():
    person = read(keypoints=[9, 8, 0] + [0] * 45 + [20, 30, 1])
    assert person.keypoints[0].tolist() == [0, 0, 0]
    assert person.keypoints[16].tolist() == [20, 30, 1]


def test_labelled_keypoints_outside_the_image_are_kept():
    person = read(keypoints=[-2.5, 125, 2] + [0] * 48)
    assert person.keypoints[0].tolist() == [-2.5, 125, 2]


@pytest.mark.parametrize(
    "bbox", [[160, 10, 5, 5], [10, 120, 5, 5], [-9, 10, 9, 5], [10, -9, 5, 8], [500, 500, 1, 1]]
)
def test_person_outside_the_image(bbox):
    assert "outside the image of 160 x 120 (width x height)" in refusal(bbox=bbox)


@pytest.mark.parametrize("bbox", [[-9, 10, 10, 5], [159.5, 10, 50, 5], [0, 0, 0, 0]])
def test_person_that_touches_the_image_is_legal(bbox):
    assert list(read(bbox=bbox).bbox) == bbox


@pytest.mark.parametrize("bbox", [..., None, [1, 2, 3], [1, 2, -3, 4], [1, 2, float("nan"), 4]])
def test_bbox_that_is_no_box(bbox):
    assert "give x, y, width, height" in refusal(bbox=bbox)


def test_run_lengths_of_the_wrong_size():
    rle = people.box_rle([20, 10, 60, 90], (160, 120))
    assert "run lengths of size [160, 120], but the image is [120, 160]" in refusal(
        segmentation=rle
    )


def test_person_without_segmentation_is_legal():
    assert read(segmentation=...).segmentation is None
