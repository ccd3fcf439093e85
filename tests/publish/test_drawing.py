"""Poses and masks on an image."""

import numpy as np
import pytest

import people
from bottomup.coco import read_annotations
from bottomup.decoding.decode import Detection
from bottomup.publish.drawing import (
    COLOURS,
    GREY,
    Drawn,
    annotated,
    detected,
    draw_people,
    read_pixels,
)
from bottomup.rle import segmentation_rle
from bottomup.skeleton import Skeleton

PAIR = Skeleton("pair", ("top", "bottom"), (("top", "bottom"),), (0.1, 0.1))
GROUND = np.full((40, 60, 3), 100, np.uint8)


def changed(picture, ground=GROUND):
    return (np.asarray(picture).astype(int) != ground).any(-1)


def test_an_edge_is_drawn_between_its_keypoints():
    drawn = changed(draw_people(GROUND, [Drawn(xy=np.array([[10, 5], [10, 35]]))], PAIR))
    assert drawn[5:36, 10].all()
    assert not drawn[:, 20:].any()


def test_keypoints_that_are_not_shown_and_their_edges_are_left_out():
    person = Drawn(xy=np.array([[10, 5], [10, 35]]), shown=np.array([True, False]))
    drawn = changed(draw_people(GROUND, [person], PAIR))
    assert drawn[5, 10]
    assert not drawn[12:].any()


def test_hidden_keypoints_are_hollow():
    person = Drawn(xy=np.array([[10, 5], [40, 5]]), faint=np.array([True, False]))
    alone = Skeleton("pair", ("top", "bottom"), (("top", "bottom"),), (0.1, 0.1))
    picture = draw_people(GROUND, [person], alone, enlarge=4)
    assert picture[22, 42].min() > 240
    assert tuple(picture[22, 162]) == COLOURS[0]


def test_a_mask_is_tinted_and_outlined_in_the_colour_of_its_person():
    mask = np.zeros(GROUND.shape[:2], bool)
    mask[10:20, 30:50] = True
    picture = draw_people(GROUND, [Drawn(mask=mask)], PAIR)
    assert (changed(picture) == mask).all()
    assert tuple(picture[10, 30]) == COLOURS[0]
    assert tuple(picture[15, 40]) == tuple(round(60 + 0.4 * c) for c in COLOURS[0])


def test_people_have_different_colours_and_the_first_lies_on_top():
    first, second = np.zeros((2, *GROUND.shape[:2]), bool)
    first[10:20, 10:30] = second[15:25, 20:40] = True
    picture = draw_people(GROUND, [Drawn(mask=first), Drawn(mask=second)], PAIR)
    assert tuple(picture[10, 10]) == tuple(picture[19, 25]) == COLOURS[0]
    assert tuple(picture[24, 39]) == COLOURS[1]


def test_enlarging_keeps_places():
    mask = np.zeros(GROUND.shape[:2], bool)
    mask[10:20, 30:50] = True
    picture = draw_people(GROUND, [Drawn(mask=mask)], PAIR, enlarge=3)
    assert picture.shape == (120, 180, 3)
    ground = np.full(picture.shape, 100)
    assert (changed(picture, ground) == mask.repeat(3, 0).repeat(3, 1)).all()


def test_poses_on_large_photographs_are_drawn_in_place():
    photograph = np.full((2100, 2000, 3), 100, np.uint8)
    picture = draw_people(photograph, [Drawn(xy=np.array([[500, 100], [500, 900]]))], PAIR)
    rows, columns = np.nonzero(changed(picture, photograph))
    assert (rows.min(), rows.max()) == (pytest.approx(100, abs=20), pytest.approx(900, abs=20))
    assert columns.mean() == pytest.approx(500, abs=1)


def test_nobody_leaves_the_image_as_it_is():
    assert (draw_people(GROUND, [], PAIR) == GROUND).all()


@pytest.mark.parametrize(("kind", "colour"), [("polygon", None), ("crowd", GREY)])
def test_annotated_people(tmp_path, kind, colour):
    path, images_dir = people.make_coco(tmp_path, [(kind,)])
    annotations = read_annotations(path, people.COCO_PERSON)
    image = annotations.images[0]
    person = annotations.persons[image.id][0]
    drawn = annotated(person, image)
    assert drawn.colour == colour
    assert drawn.shown.sum() == person.labelled
    pixels = read_pixels(images_dir / image.file_name)
    x, y, width, height = (int(value) for value in person.bbox)
    inside = changed(draw_people(pixels, [drawn], people.COCO_PERSON), pixels)
    assert inside[y : y + height, x : x + width].mean() > 0.9


def test_detected_people():
    mask = np.zeros((40, 60), np.uint8)
    mask[10:20, 30:50] = 1
    polygon = [[30, 10, 50, 10, 50, 20, 30, 20]]
    keypoints = np.array([[35, 12, 0.5], [45, 18, 0.1]], np.float32)
    placed = np.array([True, False])
    detection = Detection(keypoints, placed, 0.7, segmentation_rle(polygon, 40, 60))
    drawn = detected(detection)
    assert (drawn.mask == mask).all()
    assert drawn.faint.tolist() == [False, True]
    assert detected(detection, masks=False).mask is None
    assert detected(detection, poses=False).xy is None
