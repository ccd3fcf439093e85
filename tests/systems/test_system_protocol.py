"""What every system must do, and what each has of its own."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from bottomup import lookup
from bottomup.correction import FIRST
from bottomup.decoding import DecoderSettings, decode
from bottomup.fields.grid import UNANNOTATED, Frame
from bottomup.fields.merge import flip_fields
from bottomup.oracle import OracleSettings, ideal_fields
from bottomup.skeleton import COCO_PERSON
from bottomup.systems import multiposeseg, poseplusseg
from networks import small_network
from protocols import check_ideal_fields, check_system
from scenes import figure, pixels

SMALL = {
    "personlab": {"distance": True},
    "poseplusseg": {"correction_channels": 8},
    "multiposeseg": {"branch_channels": 8},
}
OTHERS = [  # as released
    ("poseplusseg", {"correction_channels": 0, "centroid": False}),
    ("multiposeseg", {"branch_channels": 0}),
]


def two_people():
    return [figure(30, 10, 70), figure(70, 8, 80)]


@pytest.fixture(scope="module")
def scenes():
    people = np.stack(two_people()).astype(np.float32)
    keypoints = np.stack([people, people * [0.9, 0.9, 1]]).astype(np.float32)
    return keypoints, np.stack([pixels(each, 97, 97) for each in keypoints])


@pytest.mark.parametrize(("name", "options"), [*SMALL.items(), *OTHERS], ids=str)
def test_system_protocol(name, options, scenes):
    check_system(name, {"radius_px": 8, "sub_cells": 2, **options}, COCO_PERSON, scenes)


@pytest.mark.parametrize("name", SMALL)
def test_ideal_fields_decode_to_the_people(name):
    check_ideal_fields(name, [figure(120, 40, 300), figure(280, 60, 280)])


def test_every_system_with_fields_is_under_test():
    assert set(SMALL) <= set(lookup.names("systems"))


def test_the_centroid_is_the_mean_of_what_is_labelled():
    person = figure(90, 30, 120, missing=("nose", "left_ankle"))
    instances = pixels([person], 193, 193)
    instances[:16, :16] = 1 | UNANNOTATED
    options = poseplusseg.Options(radius_px=12)
    goals = poseplusseg.targets(person[None, None], instances[None], COCO_PERSON, 8, options)
    centre = person[person[:, 2] > 0, :2].mean(0)
    weight = np.asarray(goals["centroid_weight"])[0, ..., 0]
    offsets = np.asarray(goals["centroid"])[0, :, :, 0]
    node_map = instances[::8, ::8]
    np.testing.assert_array_equal(weight > 0, node_map == 1)
    i, j = np.argwhere(node_map == 1)[3]
    np.testing.assert_allclose(offsets[i, j] + [8 * j, 8 * i], centre, atol=1e-3)
    assert not offsets[weight == 0].any()


def test_a_person_without_keypoints_inside_has_no_centroid():
    instances = np.ones((1, 33, 33), np.int32)
    nobody = np.zeros((1, 1, 17, 3), np.float32)
    goals = poseplusseg.targets(nobody, instances, COCO_PERSON, 8, poseplusseg.Options())
    assert not np.asarray(goals["centroid_weight"]).any()
    assert np.isfinite(np.asarray(goals["centroid"])).all()


def test_the_correction_begins_as_none():
    options = {"radius_px": 12, "sub_cells": 2, "correction_channels": 4}
    image = np.random.default_rng(0).uniform(0, 255, (1, 65, 65, 3)).astype(np.float32)
    fields = small_network(system="poseplusseg", system_options=options)(image)
    firsts = [name for name in fields if name.startswith(FIRST)]
    assert sorted(firsts) == [FIRST + n for n in ("centroid", "heatmap", "segmentation", "short")]
    for name in firsts:
        np.testing.assert_allclose(fields[name], fields[name.removeprefix(FIRST)], atol=1e-6)


def test_a_network_of_each_system_can_be_saved(tmp_path):
    image = np.random.default_rng(0).uniform(0, 255, (1, 65, 65, 3)).astype(np.float32)
    for name, options in SMALL.items():
        options = {"radius_px": 12, "sub_cells": 2, **options}
        built = small_network(system=name, system_options=options)
        built.save(tmp_path / f"{name}.keras")
        loaded = keras.saving.load_model(tmp_path / f"{name}.keras", compile=False)
        for field, value in built(image).items():
            np.testing.assert_array_equal(loaded(image)[field], value)


def test_long_offsets_see_both_branches_and_masks_only_their_own():
    options = {"radius_px": 12, "branch_channels": 4}
    network = small_network(system="multiposeseg", system_options=options, backbone="small_unet")
    image = np.random.default_rng(0).uniform(0, 255, (1, 65, 65, 3)).astype(np.float32)
    before = {name: np.asarray(value) for name, value in network(image).items()}
    last = network.get_layer("pose_branch_2_convolution")
    last.set_weights([np.zeros_like(weights) for weights in last.get_weights()])
    after = {name: np.asarray(value) for name, value in network(image).items()}
    changed = {name for name in before if not np.allclose(before[name], after[name])}
    assert changed == {"heatmap", "short", "mid", "long"}
    assert set(multiposeseg.POSE_HEADS + multiposeseg.MERGED_HEADS) == changed


def test_masks_follow_the_centroid_and_not_the_long_offsets():
    people = [figure(120, 40, 300), figure(230, 60, 280)]
    settings = OracleSettings(
        system="poseplusseg",
        long_side=401,
        output_stride=8,
        decoder=DecoderSettings(assembly="paper"),
    )
    frame, instances = Frame.fit(401, 401, 401), pixels(people, 401, 401)
    fields = ideal_fields(np.asarray(people), instances, frame, COCO_PERSON, settings)
    garbage = np.random.default_rng(0).uniform(-99, 99, fields.long.shape).astype(np.float32)
    good = decode(fields, COCO_PERSON, settings.decoder, frame)
    same = decode(replace(fields, long=garbage), COCO_PERSON, settings.decoder, frame)
    assert [one.mask for one in same] == [one.mask for one in good]
    bad = replace(fields, centroid=-fields.centroid)
    worse = decode(bad, COCO_PERSON, settings.decoder, frame)
    assert [one.mask for one in worse] != [one.mask for one in good]


def test_centroids_are_mirrored_with_their_image():
    person = figure(100, 40, 300)
    settings = OracleSettings(system="poseplusseg", long_side=401, output_stride=8)
    frame = Frame.fit(401, 401, 401)
    instances = pixels([person], 401, 401)
    mirrored = person * [-1, 1, 1] + [400, 0, 0]
    mirrored = mirrored[COCO_PERSON.flip_keypoints].astype(np.float32)
    fields, other = (
        ideal_fields(keypoints[None], instance_map, frame, COCO_PERSON, settings)
        for keypoints, instance_map in ((person, instances), (mirrored, instances[:, ::-1]))
    )
    flipped = flip_fields(fields, COCO_PERSON)
    np.testing.assert_allclose(flipped.centroid, other.centroid, atol=1e-3)
