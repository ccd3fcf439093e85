"""PersonLab's targets equal their slow reference, and obey the rules of who counts where."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fields_reference
from bottomup.fields.grid import CROWD, OVERLAP, UNANNOTATED
from bottomup.skeleton import Skeleton
from bottomup.systems.personlab import Options, targets

TOY = Skeleton(
    name="toy",
    keypoints=("nose", "left_hand", "right_hand"),
    edges=(("nose", "left_hand"), ("nose", "right_hand")),
    sigmas=(0.1, 0.1, 0.1),
)
SIDE, STRIDE = 25, 8


def run(keypoints, instance_map, radius_px=9.0, sub_cells=1, stride=STRIDE):
    keypoints = np.asarray(keypoints, np.float32).reshape(-1, TOY.num_keypoints, 3)
    options = Options(radius_px=radius_px, sub_cells=sub_cells, distance=True)
    found = targets(keypoints[None], np.asarray(instance_map)[None], TOY, stride, options)
    return {name: np.asarray(value)[0] for name, value in found.items()}


def empty_map():
    return np.zeros((SIDE, SIDE), np.int32)


def person(nose=(0, 0, 0), left_hand=(0, 0, 0), right_hand=(0, 0, 0)):
    return np.array([nose, left_hand, right_hand], np.float32)


@st.composite
def scenes(draw):
    seed = draw(st.integers(0, 2**31))
    persons = draw(st.integers(1, 5))
    generator = np.random.default_rng(seed)
    keypoints = np.zeros((persons, TOY.num_keypoints, 3), np.float32)
    whole = draw(st.booleans())
    span = generator.uniform(-6, SIDE + 5, keypoints[..., :2].shape)
    keypoints[..., :2] = np.round(span) if whole else span
    keypoints[..., 2] = generator.integers(0, 3, keypoints.shape[:2])
    if persons > 1 and draw(st.booleans()):
        keypoints[1] = keypoints[0]
    blocks = generator.integers(0, persons + 1, (5, 5)).astype(np.int32)
    flags = generator.choice([0, 0, 0, CROWD, UNANNOTATED, CROWD | UNANNOTATED, OVERLAP], (5, 5))
    blocks = np.where(flags & OVERLAP, OVERLAP, blocks | flags)
    instance_map = np.kron(blocks, np.ones((5, 5), np.int32)).astype(np.int32)
    return keypoints, instance_map, draw(st.sampled_from([4.0, 9.0, 30.0]))


@settings(max_examples=25, deadline=None)
@given(scene=scenes(), sub_cells=st.sampled_from([1, 2, 4]), stride=st.sampled_from([4, 8, 12]))
def test_equal_the_reference_on_any_scene(scene, sub_cells, stride):
    keypoints, instance_map, radius_px = scene
    found = run(keypoints, instance_map, radius_px, sub_cells, stride)
    expected = fields_reference.targets(keypoints, instance_map, TOY, stride, radius_px, sub_cells)
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-4, err_msg=name)


def test_odd_strides_equal_the_reference_too():
    instance_map = np.random.default_rng(1).integers(0, 2, (28, 28)).astype(np.int32)
    found = run(person(nose=(13, 4, 2)), instance_map, 9.0, 3, 9)
    expected = fields_reference.targets(person(nose=(13, 4, 2))[None], instance_map, TOY, 9, 9.0, 3)
    np.testing.assert_allclose(found["segmentation"], expected["segmentation"], atol=1e-5)


def test_offsets_of_one_person_by_hand():
    found = run(person(nose=(9, 6, 2), left_hand=(20, 15, 1)), empty_map() + 1)
    assert found["heatmap"][1, 1].tolist() == [1, 0, 0]
    assert found["short"][1, 1, 0].tolist() == [1, -2]
    assert found["mid"][1, 1, 0].tolist() == [12, 7]
    assert found["mid_weight"][1, 1].tolist() == [1, 0, 0, 0]
    assert found["long"][3, 0, 1].tolist() == [20, -9]
    assert found["long_weight"][3, 0].tolist() == [1, 1, 0]


def test_the_disk_includes_its_rim():
    found = run(person(nose=(8, 8, 2)), empty_map(), radius_px=8.0)
    assert found["heatmap"][..., 0].tolist() == [[0, 1, 0, 0], [1, 1, 1, 0], [0, 1, 0, 0], [0] * 4]


def test_a_node_between_two_people_belongs_to_the_nearer():
    found = run([person(nose=(2, 8, 2)), person(nose=(13, 8, 2))], empty_map(), radius_px=32.0)
    assert found["short"][1, :, 0, 0].tolist() == [2, 5, -3, -11]


def test_the_first_person_wins_an_exact_tie():
    first = person(nose=(4, 8, 2), left_hand=(1, 1, 2))
    second = person(nose=(12, 8, 2), left_hand=(20, 20, 2))
    found = run([first, second], empty_map())
    assert found["short"][1, 1, 0].tolist() == [-4, 0]
    assert found["mid"][1, 1, 0].tolist() == [-7, -7]


def test_the_loser_of_a_tie_lends_no_neighbour():
    nearer = person(nose=(9, 8, 2))
    farther = person(nose=(12, 8, 2), left_hand=(20, 20, 2))
    found = run([nearer, farther], empty_map())
    assert found["heatmap"][1, 1, 0] == 1
    assert found["mid_weight"][1, 1, 0] == 0


@pytest.mark.parametrize(
    "keypoint", [(8, 8, 0), (-1, 8, 2), (8, 24.5, 2), (30, 8, 1)], ids=lambda k: str(k)
)
def test_unlabelled_or_outside_keypoints_leave_no_trace(keypoint):
    found = run(person(nose=keypoint, left_hand=(8, 8, 2)), empty_map() + 1)
    assert found["heatmap"][..., 0].sum() == 0
    assert found["mid_weight"].sum() == 0
    assert found["long_weight"][..., 0].sum() == 0


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize(
    ("pixel", "heatmap_weight", "long_weight", "covered", "segmentation_weight"),
    [
        (0, 1, 0, 0, 1),
        (1, 1, 1, 1, 1),
        (CROWD, 0, 0, 1, 0),
        (CROWD | 1, 0, 0, 1, 0),
        (UNANNOTATED, 0, 0, 1, 1),
        (UNANNOTATED | CROWD, 0, 0, 1, 0),
        (OVERLAP, 1, 0, 1, 1),
        (OVERLAP | UNANNOTATED, 0, 0, 1, 1),
        (OVERLAP | CROWD, 0, 0, 1, 0),
    ],
    ids=lambda value: str(value),
)
def test_who_counts_where(
    pixel, heatmap_weight, long_weight, covered, segmentation_weight, labelled
):
    nose = (8, 8, 2 if labelled else 0)
    found = run(person(nose=nose, left_hand=(10, 10, 2)), empty_map() + pixel)
    node = {name: value[1, 1] for name, value in found.items()}
    assert node["heatmap_weight"].tolist() == [heatmap_weight]
    assert node["long_weight"][0] == (long_weight and labelled)
    assert node["segmentation"].tolist() == [covered]
    assert node["segmentation_weight"].tolist() == [segmentation_weight]
    assert node["short_weight"][0] == labelled
    assert node["mid_weight"][0] == labelled


def test_sub_cells_run_row_by_row_and_stop_at_the_border():
    instance_map = empty_map()
    instance_map[:, :8] = 1
    found = run(person(), instance_map, sub_cells=2)
    assert found["segmentation"][1, 1].tolist() == [0.875, 0, 0.875, 0]
    assert found["segmentation_weight"][0, 0].tolist() == [0, 0, 0, 1]
    assert found["segmentation_weight"][3, 3].tolist() == [1, 0, 0, 0]


def test_sub_cells_must_divide_the_stride():
    with pytest.raises(ValueError, match="sub_cells 3 does not divide the output stride 8"):
        run(person(), empty_map(), sub_cells=3)


def test_people_of_one_image_stay_out_of_the_others():
    keypoints = np.stack([person(nose=(8, 8, 2))[None], person(nose=(16, 16, 2))[None]])
    instance_map = np.ones((2, SIDE, SIDE), np.int32)
    options = Options(radius_px=9.0, distance=True)
    together = targets(keypoints, instance_map, TOY, STRIDE, options)
    for image in range(2):
        alone = run(keypoints[image], instance_map[image])
        for name, value in alone.items():
            np.testing.assert_array_equal(np.asarray(together[name])[image], value)
