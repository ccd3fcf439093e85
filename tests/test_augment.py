"""Image, keypoints and instance map move together, and the scale really varies."""

import numpy as np
import pytest

from bottomup.augment import Augmentation, augment, draw, middle, transforms, warp
from bottomup.skeleton import COCO_PERSON

CROP = 65


def one_person(size=(48, 64), xy=(40.0, 20.0), keypoint="left_wrist"):
    """A batch of one grey image with a bright 3 x 3 spot at one labelled keypoint."""
    height, width = size
    image = np.full((1, height, width, 3), 60, np.uint8)
    x, y = int(xy[0]), int(xy[1])
    image[0, y - 1 : y + 2, x - 1 : x + 2] = 255
    instances = np.zeros((1, height, width), np.uint16)
    instances[0, y - 4 : y + 5, x - 4 : x + 5] = 1
    keypoints = np.zeros((1, 1, 17, 3), np.float32)
    keypoints[0, 0, COCO_PERSON.keypoints.index(keypoint)] = (*xy, 2)
    sizes = np.array([[height, width]], np.int32)
    return {"image": image, "size": sizes, "instance_map": instances, "keypoints": keypoints}


def brightest(image):
    """Centroid (x, y) of the bright spot in a float image [y, x, 3]."""
    spot = np.clip(np.asarray(image)[..., 0] - 150, 0, None)
    y, x = np.mgrid[: spot.shape[0], : spot.shape[1]]
    return np.array([(spot * x).sum(), (spot * y).sum()]) / spot.sum()


@pytest.mark.parametrize("step", range(8))
def test_spot_and_keypoint_land_on_each_other(step):
    augmentation = Augmentation((0.7, 1.3), 0.1, 30, flip=True)
    batch = {**one_person(), "draws": draw(1, step, 1)}
    image, instances, keypoints = augment(batch, augmentation, CROP, COCO_PERSON)
    labelled = np.asarray(keypoints)[0, 0][np.asarray(keypoints)[0, 0, :, 2] > 0]
    assert len(labelled) == 1
    np.testing.assert_allclose(brightest(image[0]), labelled[0, :2], atol=0.35)
    y, x = np.nonzero(np.asarray(instances)[0])
    np.testing.assert_allclose([x.mean(), y.mean()], labelled[0, :2], atol=0.75)


def test_a_flipped_left_wrist_is_a_right_wrist():
    draws = middle(1)
    draws[0, 2] = 0.9
    batch = {**one_person(), "draws": draws}
    _, _, keypoints = augment(batch, Augmentation(flip=True), CROP, COCO_PERSON)
    right = COCO_PERSON.keypoints.index("right_wrist")
    x, y, visibility = np.asarray(keypoints)[0, 0, right]
    assert visibility == 2
    assert x == pytest.approx((CROP - 1) - 40 * 64 / 63, abs=1e-3)
    assert y == pytest.approx(20 * 64 / 63 + (64 - 47 * 64 / 63) / 2, abs=1e-3)


def test_middle_draws_fit_the_longer_side_exactly():
    moves = transforms(
        middle(1), np.array([[48, 64]]), CROP, Augmentation((0.5, 1.5), 0.2, 25, True)
    )
    corners = np.array([[0, 23.5], [63, 23.5]]) - np.asarray(moves.centre)[0]
    moved = corners @ np.asarray(moves.turn)[0].T + np.asarray(moves.target)[0]
    np.testing.assert_allclose(moved, [[0, 32], [64, 32]], atol=1e-4)


def test_scale_spreads_over_its_whole_range():
    sizes = np.tile([[48, 64]], (500, 1))
    moves = transforms(draw(0, 0, 500), sizes, CROP, Augmentation(scale=(0.5, 1.5)))
    turn = np.asarray(moves.turn)
    scale = np.sqrt(np.abs(turn[:, 0, 0] * turn[:, 1, 1] - turn[:, 0, 1] * turn[:, 1, 0])) * 63 / 64
    assert scale.min() < 0.55
    assert scale.max() > 1.45
    assert np.std(scale) == pytest.approx(1 / np.sqrt(12), rel=0.1)


def test_keypoints_outside_the_crop_become_unlabelled():
    batch = {**one_person(xy=(61.0, 20.0)), "draws": middle(1)}
    _, _, keypoints = augment(batch, Augmentation(scale=(3.0, 3.0)), CROP, COCO_PERSON)
    assert not np.asarray(keypoints).any()


def test_instance_map_stays_integral():
    batch = {**one_person(), "draws": draw(3, 3, 1)}
    batch["instance_map"][0, :, 30:] |= 16384 + 8192
    _, instances, _ = augment(batch, Augmentation((0.6, 1.4), 0.1, 30, True), CROP, COCO_PERSON)
    assert set(np.unique(instances)) <= {0, 1, 24576, 24577}


def test_padding_of_a_small_image_is_grey():
    moves = transforms(middle(1), np.array([[48, 64]]), CROP, Augmentation())
    warped = np.asarray(warp(np.zeros((1, 48, 64, 3), np.uint8), moves, CROP, "bilinear", 127.0))
    assert warped.shape == (1, CROP, CROP, 3)
    assert warped[0, 0, 32, 0] == 127
    assert warped[0, 32, 32, 0] == 0


@pytest.mark.parametrize(("interpolation", "fill"), [("bilinear", 127.0), ("nearest", 0.0)])
def test_the_fused_warp_is_the_same(interpolation, fill):
    images = np.random.default_rng(0).integers(0, 20000, (3, 48, 64, 2)).astype(np.uint16)
    sizes = np.array([[48, 64], [40, 64], [48, 30]], np.int32)
    moves = transforms(draw(0, 0, 3), sizes, CROP, Augmentation((0.5, 1.5), 0.2, 30, True))
    plain, fused = (
        np.asarray(warp(images, moves, CROP, interpolation, fill, fused)) for fused in (False, True)
    )
    close = np.isclose(plain, fused, atol=0.05)
    # A rounding error may decide which pixel is the nearest.
    assert close.mean() > (0.999 if interpolation == "nearest" else 0.99999)


def test_draws_depend_on_seed_and_step_alone():
    np.testing.assert_array_equal(draw(5, 7, 4), draw(5, 7, 4))
    assert not np.array_equal(draw(5, 7, 4), draw(5, 8, 4))
    assert not np.array_equal(draw(5, 7, 4), draw(6, 7, 4))
