"""DeeperCut's targets, heads and losses: where cells lie, who counts, in which units."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import fields_reference
from bottomup import intermediate, network
from bottomup.augment import Augmentation, scale_factors
from bottomup.errors import InputError
from bottomup.fields.grid import CROWD, UNANNOTATED, cell_count, cell_xy
from bottomup.losses import huber
from bottomup.network import CellConvolution
from bottomup.skeleton import COCO_PERSON, Skeleton
from bottomup.systems import deepercut
from bottomup.systems.deepercut import Options, heads, losses, targets
from bottomup.training_step import TrainingStep
from protocols import check_system
from scenes import figure, pixels

TOY = Skeleton(
    name="toy",
    keypoints=("nose", "left_hand", "right_hand"),
    edges=(("nose", "left_hand"), ("nose", "right_hand")),
    sigmas=(0.1, 0.1, 0.1),
)
SIDE, STRIDE = 33, 8


def run(keypoints, instance_map=None, radius_px=9.0, **more):
    keypoints = np.asarray(keypoints, np.float32).reshape(-1, 3, 3)
    if instance_map is None:
        instance_map = np.zeros((SIDE, SIDE), np.int32)
    found = targets(
        keypoints[None], instance_map[None], TOY, STRIDE, Options(radius_px=radius_px), **more
    )
    return {name: np.asarray(value)[0] for name, value in found.items()}


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_targets_equal_the_reference(seed):
    generator = np.random.default_rng(seed)
    keypoints = np.concatenate(
        [generator.uniform(-4, SIDE + 3, (3, 3, 2)), generator.integers(0, 3, (3, 3, 1))], -1
    ).astype(np.float32)
    marks = np.array([0, 1, 2, CROWD, UNANNOTATED, 1 | UNANNOTATED])
    instance_map = marks[generator.integers(0, len(marks), (SIDE, SIDE))].astype(np.int32)
    found = run(keypoints, instance_map)
    expected = fields_reference.pair_targets(keypoints, instance_map, TOY, STRIDE, 9.0)
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-3, err_msg=name)


def test_cells_lie_between_the_nodes():
    assert cell_count(33, 8) == 4
    assert cell_xy(2, 2, 8).tolist() == [[[4, 4], [12, 4]], [[4, 12], [12, 12]]]
    found = run([[12, 20, 2], [0, 0, 0], [0, 0, 0]], radius_px=1)
    assert np.argwhere(found["heatmap"][..., 0]).tolist() == [[2, 1]]
    assert found["short"][2, 1, 0].tolist() == [0, 0]


def test_the_radius_grows_with_the_scale():
    person = [[16, 16, 2], [0, 0, 0], [0, 0, 0]]
    counts = [
        int(run(person, radius_px=5, scale=scale)["heatmap"].sum())
        for scale in (1.0, np.float32([1.2]), np.float32([2.6]))
    ]
    assert counts == [0, 4, 12]


def test_the_scale_is_that_of_the_augmentation():
    draws = np.float32([[0, 0, 0, 0, 0], [0.5, 0, 0, 0, 0]])
    found = scale_factors(draws, Augmentation(scale=(0.85, 1.15)))
    np.testing.assert_allclose(found, [0.85, 1.0], rtol=1e-6)


def test_a_pair_has_the_number_that_the_skeleton_says():
    person = [[4, 4, 2], [28, 4, 2], [4, 28, 2]]
    found = run(person, radius_px=1)["pairwise"]
    pairs = TOY.ordered_pairs.tolist()
    assert found[0, 0, pairs.index([0, 1])].tolist() == [24, 0]
    assert found[0, 0, pairs.index([0, 2])].tolist() == [0, 24]
    assert found[0, 3, pairs.index([1, 0])].tolist() == [-24, 0]


def test_an_unlabelled_keypoint_teaches_no_pair():
    found = run([[4, 4, 2], [28, 4, 0], [4, 28, 2]], radius_px=1)
    pairs = TOY.ordered_pairs.tolist()
    assert found["pairwise_weight"][0, 0, pairs.index([0, 1])] == 0
    assert found["pairwise_weight"][0, 0, pairs.index([0, 2])] == 1


def test_huber_is_a_square_and_then_a_line():
    offsets = tf.constant([[[5.0, 0.0]], [[20.0, -30.0]], [[9.0, 9.0]]])
    weights = tf.constant([[1.0], [1.0], [0.0]])
    # In units of 10: errors .5, 0, 2, 3 give .125, 0, 1.5, 2.5; the last vector has no weight.
    assert float(huber(offsets, tf.zeros((3, 1, 2)), weights, 10.0)) == pytest.approx(4.125 / 4)


def test_losses_are_in_units_of_refinement_and_deviation():
    statistics = {"mean": [[0, 0]] * 6, "deviation": [[2, 4]] * 6}
    options = Options(pairwise_statistics=statistics)
    goals = run([[16, 16, 2], [20, 20, 2], [0, 0, 0]])
    goals = {name: tf.constant(value[None], tf.float32) for name, value in goals.items()}
    outputs = {name: goals[name] for name in ("heatmap", "short", "pairwise")}
    assert float(losses(outputs, goals, options)["short"]) == 0
    moved = outputs | {name: outputs[name] + 2.0 for name in ("short", "pairwise")}
    found = losses(moved, goals, options)
    assert float(found["short"]) == pytest.approx(0.5 * (2 / math.sqrt(53)) ** 2)
    # An error of 2 px is one deviation along x and half a one along y.
    assert float(found["pairwise"]) == pytest.approx((0.5 + 0.125) / 2)


def test_channels_and_first_values():
    mean, deviation = np.arange(544).reshape(272, 2), np.full((272, 2), 7.0)
    options = Options(pairwise_statistics={"mean": mean.tolist(), "deviation": deviation.tolist()})
    found = heads(COCO_PERSON, options)
    assert {name: head.channels for name, head in found.items()} == {
        "heatmap": 17,
        "short": 34,
        "pairwise": 544,
    }
    features = keras.Input((4, 4, 3))
    model = keras.Model(features, network.output_of(found["pairwise"], features, "pairwise"))
    first = model(np.zeros((1, 4, 4, 3), np.float32))
    assert first.shape == (1, 6, 6, 272, 2)
    np.testing.assert_allclose(first[0, 2, 3], mean, atol=1e-3)


def test_statistics_of_another_skeleton_are_refused():
    with pytest.raises(InputError, match="measure them on a dataset with this skeleton"):
        heads(TOY, Options(pairwise_statistics={"mean": [[0, 0]], "deviation": [[1, 1]]}))


def test_statistics_that_nobody_measured_are_refused():
    with pytest.raises(InputError, match="train through the workflow"):
        Options.from_dict({"pairwise_statistics": "subset"})


def test_a_cell_looks_where_it_lies():
    """The weight of the nodes that a cell sees, under an even kernel, is centred on the cell."""
    layer = CellConvolution(1, kernel_initializer="ones", use_bias=False)
    # One node at a time: which cells does it reach, with what weight? Bilinear taps 1 3 3 1.
    layer.build((1, 5, 5, 1))
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype(np.float32)
    layer.kernel.assign(taps[..., None, None])
    seen = np.stack([layer(np.eye(25)[n].reshape(1, 5, 5, 1))[0, ..., 0] for n in range(25)])
    nodes = np.stack(np.meshgrid(np.arange(5), np.arange(5)), -1).reshape(25, 2) * 16.0
    for i, j in np.ndindex(8, 8):
        weights = seen[:, i, j]
        np.testing.assert_allclose(weights @ nodes / weights.sum(), [8 * j + 4, 8 * i + 4])


def test_the_network_comes_back_from_disk(tmp_path):
    built = network.build("deepercut", {}, "pixel", {}, 8, TOY.to_dict())
    image = np.random.default_rng(0).uniform(0, 255, (1, 65, 33, 3)).astype(np.float32)
    built.save(tmp_path / "weights.keras")
    loaded = keras.saving.load_model(tmp_path / "weights.keras", compile=False)
    for name, value in built(image).items():
        assert value.shape[1:3] == (8, 4)
        np.testing.assert_array_equal(loaded(image)[name], value)


def test_intermediate_supervision_is_of_the_heatmap_alone():
    arguments = ("pixel", {"features": 8}, 8, TOY.to_dict())
    fields = network.build("deepercut", {}, *arguments)
    values = {
        "system": "deepercut",
        "backbone": "pixel",
        "output_stride": 8,
        "crop": 65,
        "intermediate": {"layer": "dense_2", "weight": 0.5},
    }
    model = intermediate.supervised(fields, values, TOY)
    assert set(model.output) == {"heatmap", "short", "pairwise", "intermediate_heatmap"}
    outputs = model(np.zeros((1, 65, 65, 3), np.float32))
    goals = targets(np.zeros((1, 1, 3, 3), np.float32), np.zeros((1, 65, 65), np.int32), TOY, 8,
                    Options())  # fmt: skip
    parts = intermediate.losses(outputs, goals, deepercut, Options())
    assert set(parts) == set(model.output)


def test_system_protocol():
    people = np.stack([figure(30, 10, 70), figure(70, 8, 80)]).astype(np.float32)
    keypoints = np.stack([people, people * np.float32([0.9, 0.9, 1])]).astype(np.float32)
    scenes = keypoints, np.stack([pixels(each, 97, 97) for each in keypoints])
    check_system("deepercut", {"radius_px": 8}, COCO_PERSON, scenes)


def test_the_training_step_scales_the_disks(monkeypatch):
    values = {
        "system": "deepercut",
        "output_stride": 8,
        "crop": 65,
        "augmentation": {"scale": [0.5, 1.5]},
    }
    fields = network.build("deepercut", {}, "pixel", {"features": 8}, 8, TOY.to_dict())
    step = TrainingStep(fields, values, TOY)
    seen = {}
    monkeypatch.setattr(deepercut, "pair_targets", lambda *a: seen.update(radius=a[-1]) or {})
    step.goals(None, None, np.float32([[0.25, 0, 0, 0, 0], [1, 0, 0, 0, 0]]))
    np.testing.assert_allclose(np.ravel(seen["radius"]), [17 * 0.75, 17 * 1.5])
