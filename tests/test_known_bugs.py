"""Faults of the public re-implementations of PersonLab, and that they are not ours.

Each test is named for one fault that was found in their code. Most are tested at length elsewhere;
here they stand in one list.
"""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from bottomup.augment import Augmentation, augment, draw, middle
from bottomup.batches import RecordSet, fixed_batches
from bottomup.coco import check_disjoint, read_annotations
from bottomup.decoding import DecoderSettings, decode
from bottomup.decoding.peaks import find_peaks
from bottomup.errors import InputError
from bottomup.fields.grid import OVERLAP, Frame
from bottomup.fields.merge import merge_fields
from bottomup.inference import Predictor, fields_of_images
from bottomup.records import instance_map, write_records
from bottomup.skeleton import COCO_PERSON
from bottomup.systems.personlab import Options, targets
from bottomup.training import train
from networks import save_run, small_network
from people import make_coco
from scenes import figure, pixels, scene

NOSE = COCO_PERSON.keypoints.index("nose")
EDGES_TO_NOSE = np.flatnonzero(COCO_PERSON.directed_edges[:, 1] == NOSE)


def warped(augmentation, draws, size=(97, 129)):
    """Image, instance map and keypoints of one person after augmentation."""
    person = figure(64, 10, 80)
    batch = {
        "image": np.full((1, *size, 3), 90, np.uint8),
        "size": np.array([size], np.int32),
        "instance_map": pixels([person], *size)[None].astype(np.uint16),
        "keypoints": person[None, None],
        "draws": draws,
    }
    return [np.asarray(part) for part in augment(batch, augmentation, 129, COCO_PERSON)]


def goals_of(people, size=129, stride=8):
    people = np.asarray(people, np.float32).reshape(1, -1, 17, 3)
    instances = pixels(people[0], size, size)[None]
    found = targets(people, instances, COCO_PERSON, stride, Options(radius_px=12))
    return {name: np.asarray(value)[0] for name, value in found.items()}


def test_the_scale_of_augmentation_does_not_cancel():
    many = [warped(Augmentation((0.5, 1.5)), draw(0, step, 1))[1] for step in range(40)]
    areas = [np.count_nonzero(instances) for instances in many]
    assert max(areas) > 4 * min(areas)


@pytest.mark.parametrize("step", range(4))
def test_masks_are_not_fractional_after_a_rotation(step):
    _, instances, keypoints = warped(Augmentation((0.7, 1.3), 0.1, 30), draw(1, step, 1))
    assert set(np.unique(instances)) <= {0, 1}
    found = targets(keypoints, instances, COCO_PERSON, 8, Options(radius_px=12))
    assert 0 <= np.min(found["segmentation"]) <= np.max(found["segmentation"]) <= 1
    for name in ("heatmap", "short", "mid", "long", "segmentation"):
        assert set(np.unique(found[f"{name}_weight"])) <= {0, 1}


def test_offsets_to_unlabelled_keypoints_are_not_trained_to_zero():
    goals = goals_of([figure(64, 10, 100, missing=("nose",))])
    assert not goals["mid_weight"][..., EDGES_TO_NOSE].any()
    assert not goals["long_weight"][..., NOSE].any()
    assert goals["long_weight"][..., NOSE + 1].any()


def test_undetected_keypoints_do_not_lie_at_the_origin():
    fields, settings, frame = scene([figure(250, 150, 200, missing=("nose", "left_ankle"))])
    [found] = decode(fields, COCO_PERSON, settings, frame)
    assert not found.placed[NOSE]
    assert (found.keypoints[:, :2] > 100).all()


def test_keypoints_are_not_cut_to_whole_pixels():
    person = figure(200, 60, 250)
    person[:, :2] += (0.37, 0.62)
    fields, settings, frame = scene([person])
    [found] = decode(fields, COCO_PERSON, settings, frame)
    assert np.abs(found.keypoints[:, :2] - person[:, :2]).max() < 0.1


def test_scales_of_a_pyramid_are_merged_in_one_frame_for_images_that_are_not_square():
    person = figure(120, 40, 200)
    views = []
    for ratio in (1.0, 1.5):
        size = (round(280 * ratio) + 1, round(400 * ratio) + 1)
        fields, settings, _ = scene([person * [ratio, ratio, 1]], size=size)
        views.append((fields, ratio))
    merged = merge_fields(views, COCO_PERSON)
    [found] = decode(merged, COCO_PERSON, settings, Frame(1.0, 281, 401))
    assert np.abs(found.keypoints[:, :2] - person[:, :2]).max() < 2


def test_a_network_sees_the_same_numbers_in_training_and_in_use(tmp_path):
    built = small_network()
    image = np.random.default_rng(0).integers(0, 256, (129, 129, 3)).astype(np.uint8)
    batch = {
        "image": image[None],
        "size": np.array([[129, 129]], np.int32),
        "instance_map": np.zeros((1, 129, 129), np.uint16),
        "keypoints": np.zeros((1, 1, 17, 3), np.float32),
        "draws": middle(1),
    }
    trained_on, _, _ = augment(batch, Augmentation(), 129, COCO_PERSON)
    in_training = np.asarray(built(trained_on)["heatmap"])[0]
    predictor = Predictor.load(save_run(built, tmp_path))
    [(fields, _)] = fields_of_images(predictor, [image], {"sides": [129], "flip": False})
    in_use = np.log(fields.heatmap) - np.log1p(-fields.heatmap)
    np.testing.assert_allclose(in_use, in_training, atol=1e-3)


def test_statistics_of_batch_norm_move_in_training_and_hold_in_use(tmp_path):
    annotations, images = make_coco(tmp_path, (1, 2), size=(97, 97))
    records = tmp_path / "train.tfrecord"
    write_records(annotations, COCO_PERSON, images, records, 0, 1)
    (tmp_path / "images.txt").write_text("1\n2\n")
    settings = {
        **{"system": "personlab", "system_options": {"radius_px": 10}},
        **{"backbone": "small_unet", "output_stride": 8, "crop": 97},
        "training": {"steps": 2, "batch": 1, "learning_rate": 0.001},
    }
    images_txt, out = tmp_path / "images.txt", tmp_path / "out"
    train(settings, [records], images_txt, COCO_PERSON, 0, out, tmp_path / "state")
    fields = keras.saving.load_model(out / "weights.keras", compile=False)
    means = [v for v in fields.non_trainable_variables if v.path.endswith("moving_mean")]
    assert means
    assert all(np.abs(np.asarray(mean)).max() > 0 for mean in means)
    pair = np.random.default_rng(0).uniform(0, 255, (2, 97, 97, 3)).astype(np.float32)
    alone, beside = fields(pair[:1])["short"], fields(pair)["short"]
    np.testing.assert_allclose(np.asarray(alone)[0], np.asarray(beside)[0], atol=1e-3)


def test_poses_and_masks_come_from_one_call():
    fields, settings, frame = scene([figure(x, 60, 250) for x in (100, 300)])
    found = decode(fields, COCO_PERSON, settings, frame)
    assert [one.mask["size"] for one in found] == [[401, 401], [401, 401]]


def test_more_than_63_people_and_one_who_is_covered_have_their_numbers(tmp_path):
    path, _ = make_coco(tmp_path, (70,), size=(700, 700), write_images=False)
    [persons] = read_annotations(path, COCO_PERSON).persons.values()
    indices = instance_map(persons, 700, 700)
    assert {value for value in np.unique(indices) if 0 < value < 4096} == set(range(1, 71))
    covered = instance_map([*persons, persons[-1]], 700, 700)
    assert (covered[indices == 70] == OVERLAP).all()


def test_what_is_tested_on_is_not_trained_on(tmp_path):
    path, _ = make_coco(tmp_path, write_images=False)
    with pytest.raises(InputError, match="share image id"):
        check_disjoint(path, path)


def test_overlaps_teach_no_long_offsets_and_refinement_starts_from_its_target():
    left, right = figure(56, 10, 100), figure(72, 10, 100)
    overlap = pixels([left, right], 129, 129)[::8, ::8] == OVERLAP
    goals = goals_of([left, right])
    assert overlap.any()
    assert not goals["long_weight"][overlap].any()
    # A mid offset that ends 3 px off its target is put right by the target's short offset.
    fields, _, _ = scene([figure(200, 60, 250)], garbage=0)
    node = np.rint(figure(200, 60, 250)[:, :2] / 8).astype(int)
    for edge, (start, end) in enumerate(COCO_PERSON.directed_edges):
        column, row = node[start]
        reached = np.array([column, row]) * 8 + fields.mid[row, column, edge]
        assert np.abs(reached - figure(200, 60, 250)[end, :2]).max() < 4


def test_a_grey_photograph_is_read_as_three_channels(tmp_path):
    path, images = make_coco(tmp_path, (1,))
    [row] = json.loads(path.read_text())["images"]
    grey = np.full((row["height"], row["width"], 1), 77, np.uint8)
    (images / row["file_name"]).write_bytes(tf.io.encode_jpeg(grey).numpy())
    records = tmp_path / "train.tfrecord"
    write_records(path, COCO_PERSON, images, records, 0, 1)
    [batch] = fixed_batches(RecordSet.read([records]), [row["id"]], 17, 1)
    read = batch["image"].numpy()[0, : row["height"], : row["width"]]
    assert read.shape[-1] == 3
    assert (read == 77).all()


def test_a_plateau_is_one_peak():
    accumulators = np.zeros((17, 40, 40, 3), np.float32)
    accumulators[3, 10:13, 20:22, 0] = 0.2
    touched = np.flatnonzero(accumulators[..., 0]).astype(np.int32)
    _, keypoints, _ = find_peaks(accumulators, touched, DecoderSettings())
    assert keypoints.tolist() == [3]
