"""What a network fills in, where it lands, how it is marked, and that labels stay."""

import json

import numpy as np
import PIL.Image
import pytest

import people
from bottomup.coco import read_annotations
from bottomup.errors import InputError
from bottomup.imputation import GREY, ImputationSettings, Window, impute, write_imputed
from bottomup.person import Image, Person
from bottomup.records import annotated_keypoints
from bottomup.skeleton import COCO_PERSON, CROWDPOSE, Skeleton

EVERYONE = ImputationSettings(largest_area_px=1e9, least_side_px=0, least_score=0.3)
NAMES = ("nose", "left_wrist", "right_wrist")
THREE = Skeleton("three", NAMES, (NAMES[:2], (NAMES[0], NAMES[2])), (0.1,) * 3)
CROP = 64


def bright_spot(crops):
    """A stand-in for a network: every keypoint is at the brightest pixel, with score .9."""
    found = []
    for crop in crops:
        y, x = np.unravel_index(crop.sum(axis=-1).argmax(), crop.shape[:2])
        found.append(np.tile([x, y, 0.9], (3, 1)))
    return found


def scene(tmp_path, keypoints, box, spot, size=(120, 160), area=100.0):
    """A COCO file of one person, and its image with a bright 3 x 3 spot."""
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[spot[1] - 1 : spot[1] + 2, spot[0] - 1 : spot[0] + 2] = 250
    PIL.Image.fromarray(pixels).save(tmp_path / "a.png")
    row = {"id": 7, "image_id": 1, "category_id": 1, "iscrowd": 0, "area": area}
    row |= {"bbox": box, "keypoints": np.ravel(keypoints).tolist(), "note": "kept"}
    image = {"id": 1, "file_name": "a.png", "height": size[0], "width": size[1]}
    category = {"id": 1, "name": "person", "keypoints": list(NAMES)}
    content = {"images": [image], "annotations": [row], "categories": [category]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    return path


NOTHING = np.zeros((3, 3))
HALF = [[50, 60, 2], [0, 0, 0], [40, 70, 1]]


def imputed(path, settings=EVERYONE, find=bright_spot, model=THREE, crop_px=CROP):
    annotations = read_annotations(path, THREE)
    filled = impute(annotations, path.parent, find, model, crop_px, settings)
    out = path.parent / "out.json"
    write_imputed(path, filled, THREE, {"run": "here"}, out)
    return read_annotations(out, THREE), json.loads(out.read_text())


@pytest.mark.parametrize("spot", [(50, 60), (30, 50), (75, 88)])
@pytest.mark.parametrize("crop_px", [33, 64, 257])
def test_a_keypoint_lands_where_it_is_in_the_image(tmp_path, spot, crop_px):
    path = scene(tmp_path, NOTHING, [25, 40, 60, 55], spot)
    annotations, _ = imputed(path, crop_px=crop_px)
    [person] = annotations.persons[1]
    # The brightest pixel of a crop is known to half of a crop's pixel.
    slack = 1.0 + 90 / crop_px
    assert np.abs(person.keypoints[:, :2] - spot).max() <= slack
    assert (person.keypoints[:, 2] == 1).all()
    assert person.imputed.all()


def test_labels_stay_and_only_what_was_missing_is_marked(tmp_path):
    annotations, content = imputed(scene(tmp_path, HALF, [25, 40, 60, 55], (50, 60)))
    [person] = annotations.persons[1]
    assert person.keypoints[[0, 2]].tolist() == [HALF[0], HALF[2]]
    assert person.imputed.tolist() == [False, True, False]
    assert person.labels.tolist() == HALF
    row = content["annotations"][0]
    assert (row["num_keypoints"], row["note"]) == (3, "kept")
    assert content["info"]["imputed_by"] == {"run": "here"}


def test_training_sees_what_was_filled_in(tmp_path):
    path = scene(tmp_path, NOTHING, [25, 40, 60, 55], (50, 60))
    before = read_annotations(path, THREE).persons[1]
    after = imputed(path)[0].persons[1]
    assert annotated_keypoints(before, THREE).shape == (0, 3, 3)
    assert (annotated_keypoints(after, THREE)[0, :, 2] > 0).all()


@pytest.mark.parametrize(
    "settings",
    [
        ImputationSettings(largest_area_px=99, least_side_px=0, least_score=0.3),
        ImputationSettings(largest_area_px=1e9, least_side_px=61, least_score=0.3),
        ImputationSettings(largest_area_px=1e9, least_side_px=0, least_score=0.95),
    ],
    ids=["too large", "too small", "not sure"],
)
def test_others_are_left_as_they_are(tmp_path, settings):
    path = scene(tmp_path, HALF, [25, 40, 60, 55], (50, 60))
    annotations, content = imputed(path, settings)
    assert annotations.persons[1][0].keypoints.tolist() == HALF
    assert "imputed" not in content["annotations"][0]


def test_what_lands_outside_the_image_stays_unlabelled(tmp_path):
    path = scene(tmp_path, NOTHING, [0, 40, 60, 55], (10, 60))
    left = lambda crops: [np.tile([0.0, 30, 0.9], (3, 1)) for _ in crops]  # noqa: E731
    assert not imputed(path, find=left)[0].persons[1][0].annotated


def test_nobody_found_fills_in_nothing(tmp_path):
    path = scene(tmp_path, NOTHING, [25, 40, 60, 55], (50, 60))
    annotations, _ = imputed(path, find=lambda crops: [None] * len(crops))
    assert not annotations.persons[1][0].annotated


def test_keypoints_are_found_by_name(tmp_path):
    names = ("tail", "right_wrist", "left_wrist")
    model = Skeleton("other", names, ((names[0], names[1]), (names[0], names[2])), (0.1,) * 3)
    path = scene(tmp_path, NOTHING, [25, 40, 60, 55], (50, 60))

    def find(crops):
        return [np.array([[9, 9, 1.0], [20, 20, 0.9], [40, 40, 0.8]]) for _ in crops]

    [person] = imputed(path, find=find, model=model)[0].persons[1]
    assert person.imputed.tolist() == [False, True, True]
    assert person.keypoints[2, 0] < person.keypoints[1, 0]
    strangers = Skeleton("strangers", ("tail",), (), (0.1,))
    with pytest.raises(InputError, match="no keypoint named as one of 'strangers'"):
        imputed(path, model=strangers)


def test_crowds_and_whole_people_are_not_looked_at(tmp_path):
    scenes = (("polygon", "crowd"), ("unannotated",), ("rle", "one_keypoint"))
    path, images = people.make_coco(tmp_path, scenes)
    annotations = read_annotations(path, COCO_PERSON)
    seen = []

    def find(crops):
        seen.extend(crops)
        return [np.tile([CROP / 2, CROP / 2, 1.0], (14, 1)) for _ in crops]

    filled = impute(annotations, images, find, CROWDPOSE, CROP, EVERYONE)
    persons = [p for group in annotations.persons.values() for p in group]
    wanted = {p.id for p in persons if not p.crowd and (p.keypoints[:, 2] == 0).any()}
    assert set(filled) == wanted
    assert len(seen) == len(wanted) > 1
    assert {crop.shape for crop in seen} == {(CROP, CROP, 3)}


def test_a_window_beyond_the_image_is_grey():
    person = Person(1, 1, np.zeros((3, 3)), None, 1.0, (0, 0, 10, 10), False)
    window = Window.around(person)
    assert (window.left, window.top, window.side) == (-2, -2, 15)
    crop = window.cut(PIL.Image.new("RGB", (160, 120), (255, 255, 255)), 15)
    assert tuple(crop[0, 0]) == GREY
    assert tuple(crop[14, 14]) == (255, 255, 255)
    assert window.to_image([[0, 0], [14, 14]], 15).tolist() == [[-2, -2], [12, 12]]


def test_flags_of_a_wrong_number_are_told(tmp_path):
    path = scene(tmp_path, HALF, [25, 40, 60, 55], (50, 60))
    people.edit_json(path, lambda content: content["annotations"][0].update(imputed=[1, 0]))
    with pytest.raises(InputError, match=r"imputed \[1, 0\]; give 0 or 1 for each of the 3"):
        read_annotations(path, THREE)
    assert Image(1, "a", 2, 3).regions is None
