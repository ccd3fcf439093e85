"""One person in an image or crop, by fields of one kind and of the other."""

from dataclasses import replace

import numpy as np
import pytest

from bottomup.decoding import DecoderSettings, decode
from bottomup.fields.grid import Frame, PairFields
from bottomup.single_person import decode_middle, decode_one, finder
from bottomup.skeleton import COCO_PERSON
from networks import save_run, small_network
from scenes import figure, scene


def test_the_best_of_several_people_is_taken():
    fields, settings, frame = scene([figure(90, 60, 240), figure(280, 90, 200)], masks=False)
    [best] = decode_one(fields, COCO_PERSON, settings, frame)
    everyone = decode(fields, COCO_PERSON, settings, frame)
    assert len(everyone) == 2
    assert (best.keypoints == everyone[0].keypoints).all()


def test_in_a_crop_the_one_in_the_middle_is_taken():
    # The neighbour is larger, whole and better; the person asked for hides their feet.
    hidden = figure(200, 100, 200, ("left_ankle", "right_ankle", "left_knee"))
    fields, settings, frame = scene([figure(60, 30, 340), hidden], masks=False)
    [best] = decode_one(fields, COCO_PERSON, settings, frame)
    [middle] = decode_middle(fields, COCO_PERSON, settings, frame)
    assert best.keypoints[0, 0] == pytest.approx(60, abs=3)
    assert middle.keypoints[0, :2] == pytest.approx(hidden[0, :2], abs=3)


def test_nobody_is_nobody():
    fields, settings, frame = scene([figure(90, 60, 240)], masks=False)
    empty = replace(fields, heatmap=np.zeros_like(fields.heatmap))
    assert decode_one(empty, COCO_PERSON, settings, frame) == []
    assert decode_middle(empty, COCO_PERSON, settings, frame) == []


def test_pair_fields_are_read_by_their_maxima():
    heatmap = np.zeros((4, 5, 17), np.float32)
    heatmap[1, 2, 0], heatmap[3, 4, 1] = 0.8, 0.4
    short = np.zeros((4, 5, 17, 2), np.float32)
    short[1, 2, 0] = (3, -2)
    pairwise = np.zeros((4, 5, 17 * 16, 2), np.float32)
    fields = PairFields(heatmap, short, pairwise, stride=8)
    [person] = decode_one(fields, COCO_PERSON, DecoderSettings(), Frame(2.0, 100, 100))
    first, second = (2 * 8 + 4 + 3, 8 + 4 - 2), (4 * 8 + 4, 3 * 8 + 4)
    assert 2 * person.keypoints[:2, :2] == pytest.approx(np.array([first, second]))
    assert person.keypoints[:2, 2] == pytest.approx([0.8, 0.4])
    assert person.score == pytest.approx(1.2 / 17)


def test_a_run_finds_keypoints_in_crops(tmp_path):
    built = small_network()
    for variable in built.trainable_variables:
        if variable.path.endswith("heatmap_convolution/bias"):
            variable.assign(np.full(variable.shape, 3.0))
    find, skeleton, crop_px = finder(save_run(built, tmp_path))
    assert (skeleton, crop_px) == (COCO_PERSON, 65)
    crops = np.random.default_rng(0).integers(0, 255, (3, crop_px, crop_px, 3)).astype(np.uint8)
    found = find(list(crops))
    assert [keypoints.shape for keypoints in found] == [(17, 3)] * 3
    assert all(np.isfinite(keypoints).all() for keypoints in found)
