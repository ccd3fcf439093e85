"""AI Challenger's 14 keypoints, as they are and in the places of COCO's 17."""

import json

import numpy as np
import pytest
from PIL import Image

from bottomup.augment import Augmentation, middle, move_keypoints, transforms
from bottomup.coco import read_annotations
from bottomup.datasets.ai_challenger import convert_split
from bottomup.datasets.source import Source, first_image_id
from bottomup.errors import InputError
from bottomup.image_check import check_images
from bottomup.skeleton import AI_CHALLENGER, AI_CHALLENGER_AS_COCO, COCO_PERSON

FIRST = first_image_id("train")

NAMES = AI_CHALLENGER.keypoints
FACE = COCO_PERSON.keypoints[:5]
UNUSED = ("right_eye", "left_ear", "right_ear")


def entry(**changes):
    """One image of two people in the official form."""
    flat = [value for k in range(14) for value in (10 + k, 20 + 2 * k, 1)]
    flat[5], flat[8] = 2, 3
    return {
        "image_id": "054d",
        "human_annotations": {"human1": [8, 15, 30, 60], "human2": [40, 10, 60, 70]},
        "keypoint_annotations": {"human1": flat, "human2": [0, 0, 3] * 14},
    } | changes


def converted(content, tmp_path, skeleton=AI_CHALLENGER, images=None, **settings):
    source, out = tmp_path / "source.json", tmp_path / "out.json"
    source.write_text(json.dumps(content))
    folder = images or tmp_path
    if not images:
        Image.new("RGB", (80, 100)).save(tmp_path / "054d.jpg")
    convert_split(Source(source, folder, "train", skeleton, settings), out)
    annotations = read_annotations(out, skeleton)
    check_images(annotations.images, annotations.path, folder)
    return annotations


def test_visibility_becomes_cocos(tmp_path):
    first, second = converted([entry()], tmp_path).persons[FIRST]
    assert first.keypoints[:, 2].tolist() == [2, 1, 0, *[2] * 11]
    assert first.keypoints[3].tolist() == [13, 26, 2]
    assert first.bbox == (8, 15, 22, 45)
    assert not second.annotated


def test_cocos_body_is_found_by_name(tmp_path):
    first = converted([entry()], tmp_path, COCO_PERSON, unlabelled=FACE).persons[FIRST][0]
    labels = dict(zip(COCO_PERSON.keypoints, first.keypoints.tolist(), strict=True))
    assert [labels[name][2] for name in FACE] == [0] * 5
    for k, name in enumerate(NAMES[:12]):
        if name != "right_wrist":
            assert labels[name][:2] == [10 + k, 20 + 2 * k]


def test_neck_and_head_fill_the_places_of_nose_and_left_eye(tmp_path):
    first = converted([entry()], tmp_path, AI_CHALLENGER_AS_COCO, unlabelled=UNUSED).persons[FIRST][
        0
    ]
    assert first.keypoints[0].tolist() == [10 + 13, 20 + 26, 2]
    assert first.keypoints[1].tolist() == [10 + 12, 20 + 24, 2]
    assert AI_CHALLENGER_AS_COCO.keypoints[2:] == COCO_PERSON.keypoints[2:]


def mirrored(person, skeleton):
    """The keypoints [keypoint, 3] as training mirrors them, in an image of 101 px."""
    draws = middle(1)
    draws[0, 2] = 0.9
    moves = transforms(draws, np.array([[101, 101]]), 101, Augmentation(flip=True))
    moved = move_keypoints(person.keypoints[None, None], moves, 101, skeleton)
    return np.asarray(moved)[0, 0]


def test_a_mirrored_head_stays_in_its_place(tmp_path):
    skeleton = AI_CHALLENGER_AS_COCO
    person = converted([entry()], tmp_path, skeleton, unlabelled=UNUSED).persons[FIRST][0]
    moved = mirrored(person, skeleton)
    head, empty = skeleton.keypoints.index("head_top"), skeleton.keypoints.index("right_eye")
    assert moved[head] == pytest.approx([100 - 22, 44, 2], abs=1e-3)
    assert moved[empty, 2] == 0
    left, right = (skeleton.keypoints.index(f"{side}_knee") for side in ("left", "right"))
    assert moved[left] == pytest.approx([100 - 17, 34, 2], abs=1e-3)
    assert moved[right] == pytest.approx([100 - 20, 40, 2], abs=1e-3)
    # The pitfall: under COCO's names the head would move into the empty place of the right eye.
    wrong = mirrored(person, COCO_PERSON)
    assert (wrong[head, 2], wrong[empty, 2]) == (0, 2)


@pytest.mark.parametrize("form", ["official", "coco"])
def test_the_real_sample_goes_round(shared_data, tmp_path, form):
    folder = shared_data / "importer-samples" / "aic"
    sample = json.loads((folder / "test_aic.json").read_text())
    content = sample if form == "coco" else official(sample)
    annotations = converted(content, tmp_path, images=folder)
    persons = [person for group in annotations.persons.values() for person in group]
    assert len(annotations.images) == len(sample["images"]) == 3
    assert len(persons) == len(sample["annotations"]) == 9
    wanted = {tuple(row["keypoints"]): row["bbox"] for row in sample["annotations"]}
    for person in persons:
        x, y, width, height = wanted.pop(tuple(person.keypoints.reshape(-1).astype(int).tolist()))
        assert person.bbox == pytest.approx((x, y, width, height), abs=1.0)
    assert not wanted


def official(sample):
    """The sample in the form in which AI Challenger published it."""
    entries = []
    for image in sample["images"]:
        boxes, keypoints = {}, {}
        for number, row in enumerate(sample["annotations"]):
            if row["image_id"] == image["id"]:
                x, y, width, height = row["bbox"]
                triples = np.reshape(row["keypoints"], (14, 3))
                triples[:, 2] = 3 - triples[:, 2]
                boxes[f"human{number}"] = [x, y, x + width, y + height]
                keypoints[f"human{number}"] = triples.reshape(-1).tolist()
        name = image["file_name"].removesuffix(".jpg")
        entries.append(
            {"image_id": name, "human_annotations": boxes, "keypoint_annotations": keypoints}
        )
    return entries


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "holds no list of images"),
        ("text", "holds no list of images"),
        ([{"image_id": "054d"}], "entry 0 is no image of AI Challenger"),
        ([entry(keypoint_annotations={"human1": [1, 2, 3]})], "human1 has keypoints"),
        ([entry(keypoint_annotations={"human1": [1, 2, 9] * 14})], "visibility 1, 2 or 3"),
        ([entry(keypoint_annotations={"human9": [1, 2, 3] * 14})], "is no image of"),
    ],
)
def test_other_files_are_refused(tmp_path, content, said):
    with pytest.raises(InputError, match=said):
        converted(content, tmp_path)


def test_an_upside_down_box_gives_way_to_the_keypoints(tmp_path):
    boxes = {"human1": [30, 60, 8, 15], "human2": [0, 0, 0, 0]}
    [person] = converted([entry(human_annotations=boxes)], tmp_path).persons[FIRST]
    x, y, width, height = person.bbox
    assert max(x - 10, y - 20) < 0
    assert min(x + width - 23, y + height - 46) > 0


def test_cocos_face_must_be_said_to_be_unlabelled(tmp_path):
    with pytest.raises(InputError, match="'nose', which is not annotated there"):
        converted([entry()], tmp_path, COCO_PERSON)
