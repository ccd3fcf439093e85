"""From fields to people by candidates, pairwise terms and the multicut."""

import json

import numpy as np
import pytest
from scipy.special import expit

from bottomup.decoding import DecoderSettings, decode
from bottomup.decoding.argmax import decode_single
from bottomup.decoding.multicut import group
from bottomup.decoding.multicut.candidates import Candidates, best_of_neighbours, find_candidates
from bottomup.decoding.multicut.features import FEATURES, features_of_pairs
from bottomup.decoding.multicut.graph import costs, linked_keypoints
from bottomup.decoding.multicut.poses import multicut_poses
from bottomup.decoding.multicut.settings import MulticutSettings
from bottomup.decoding.multicut.solver import SUPPRESSED
from bottomup.decoding.multicut.terms import PairwiseTerms, read_terms, write_terms
from bottomup.errors import InputError
from bottomup.fields.grid import Frame, PairFields
from bottomup.skeleton import COCO_PERSON, CROWDPOSE
from bottomup.systems import deepercut
from scenes import figure

STRIDE = 8


def simple_terms(skeleton=COCO_PERSON):
    """Probability one half where both predictions miss by 20 px together, for all pairs."""
    count, size = skeleton.num_keypoints, len(FEATURES)
    weights = np.zeros((count, count, size + 1))
    weights[..., 0] = weights[..., 2] = -0.25
    weights[..., -1] = 5
    shape = (count, count, size)
    ones = np.ones(shape)
    return PairwiseTerms(tuple(skeleton.keypoints), 0 * ones, ones, weights, ones[..., 0] > 0)


def ideal(people, size=(305, 401), radius_px=17.0):
    """What a perfect network says of people [person, 17, 3]."""
    people = np.asarray(people, np.float32).reshape(-1, 17, 3)
    padded = np.concatenate([people, np.zeros((1, 17, 3), np.float32)])
    options = deepercut.Options(radius_px=radius_px)
    empty = np.zeros((1, *size), np.int32)
    goals = deepercut.targets(padded[None], empty, COCO_PERSON, STRIDE, options)
    names = ("heatmap", "short", "pairwise")
    return PairFields(*(np.array(goals[name])[0] for name in names), STRIDE)


def settings(**values):
    return MulticutSettings(terms=simple_terms(), **values)


def decoded(fields, skeleton=COCO_PERSON, **values):
    decoder = DecoderSettings(multicut=settings(**values))
    return decode(fields, skeleton, decoder, Frame(0.5, 153, 201))


TWO = [figure(120, 40, 220), figure(250, 60, 200)]


@pytest.mark.parametrize("values", [{}, {"graph": "complete"}, {"stages": "three"},
                                    {"nms": "cells", "nms_radius_px": 40, "same_px": 37.5}],
                         ids=str)  # fmt: skip
def test_ideal_fields_decode_to_the_people(values):
    people = decoded(ideal(TWO), **values)
    assert len(people) == 2
    for found in people:
        assert found.placed.all()
        assert found.score == pytest.approx(1)
        assert found.mask is None
        errors = [np.abs(found.keypoints[:, :2] * 0.5 - p[:, :2]).max() for p in TWO]
        assert min(errors) < 0.01


def test_nobody_gives_no_people():
    assert decoded(ideal([])) == []


def test_a_missing_keypoint_stands_where_the_nearest_one_says():
    wrist = COCO_PERSON.keypoints.index("left_wrist")
    fields = ideal(TWO[:1])
    fields.heatmap[:, :, wrist] = 0
    person = decoded(fields)[0]
    assert not person.placed[wrist]
    assert person.keypoints[wrist, 2] == 0
    np.testing.assert_allclose(person.keypoints[wrist, :2] * 0.5, TWO[0][wrist, :2], atol=0.01)
    assert person.score == pytest.approx(16 / 17)


def test_suppressed_candidates_never_become_people():
    """Weak candidates that nobody's keypoints predict are nobody's, nor people of their own."""
    fields = ideal(TWO[:1])
    fields.heatmap[1, 5:45:6, :] = 0.3
    fields.pairwise[1] = 200
    found = decoded(fields)
    assert len(found) == 1
    kept = find_candidates(fields, COCO_PERSON, settings())
    members, person = group.group(kept, COCO_PERSON, settings())
    assert len(kept.scores) > 17
    assert (members.scores == 1).all()
    assert set(person) == {0}


def test_a_weak_candidate_that_fits_is_kept():
    fields = ideal(TWO[:1])
    ankle = COCO_PERSON.keypoints.index("left_ankle")
    fields.heatmap[:, :, ankle] *= 0.3
    person = decoded(fields)[0]
    assert person.placed[ankle]
    assert person.keypoints[ankle, 2] == pytest.approx(0.3)


def test_the_best_of_two_people_at_one_place_counts():
    """Soft-NMS: keypoints near those of a better person add nothing."""
    near = [figure(120, 40, 220), figure(123, 40, 220)]
    found = decoded(ideal(near), nms_radius_px=0.5, same_px=1)
    assert found[0].score > 0.9
    assert all(other.score < 0.2 for other in found[1:])


def test_neighbours_by_refined_places_and_by_cells():
    """Two people far nearer than 40 px are told apart by refined places and not by cells."""
    near = [figure(120, 40, 220), figure(126, 40, 220)]
    by_place = find_candidates(ideal(near), COCO_PERSON, settings(nms_radius_px=3))
    assert len(by_place.scores) == 34
    by_cell = find_candidates(ideal(near), COCO_PERSON, settings(nms="cells", nms_radius_px=40))
    assert len(by_cell.scores) == 17


def test_best_of_neighbours_keeps_the_first_of_each():
    xy = np.float32([[0, 0], [3, 0], [9, 0], [11, 0], [30, 0]])
    assert best_of_neighbours(xy, np.float32(5), 10).tolist() == [0, 2, 4]
    assert best_of_neighbours(xy, np.float32(5), 2).tolist() == [0, 2]


def test_features_by_hand():
    """d at (0, 0) predicts e 10 px to the right, where it is 10 px below; e predicts d exactly."""
    found = features_of_pairs(
        np.float32([[0, 0]]), np.float32([[0, 0]]), np.float32([[10, 0]]),
        np.float32([[0, 10]]), np.float32([[0, 10]]), np.float32([[0, -10]]),
    )  # fmt: skip
    expected = [np.sqrt(200), np.pi / 2, 0, 0]
    np.testing.assert_allclose(found[0], [*expected, *np.exp(-np.array(expected))], atol=1e-6)


def test_angles_wrap():
    found = features_of_pairs(
        np.float32([[0, 0]]), np.float32([[0, 0]]), np.float32([[-10, 1]]),
        np.float32([[-10, -1]]), np.float32([[-10, -1]]), np.float32([[10, 1]]),
    )  # fmt: skip
    assert found[0, 1] == pytest.approx(2 * np.arctan(0.1), abs=1e-5)


def two_candidates(keypoints, places, predicted):
    places = np.float32(places)
    all_predicted = np.zeros((2, 17, 2), np.float32)
    for n, offset in enumerate(predicted):
        all_predicted[n, keypoints[1 - n]] = offset
    return Candidates(np.array(keypoints), np.float32([0.8, 0.5]), places, places, all_predicted)


def test_costs_equal_the_logistic_term():
    generator = np.random.default_rng(0)
    terms = simple_terms()
    terms.weights[5, 7] = generator.normal(0, 1, 9)
    terms.low[5, 7], terms.high[5, 7] = generator.normal(0, 1, 8), generator.normal(8, 1, 8)
    pair = two_candidates((5, 7), [[3, 4], [30, 9]], [[20, 7], [-25, 2]])
    unary, join = costs(pair, COCO_PERSON, MulticutSettings(terms=terms))
    p = np.float64(pair.scores)
    np.testing.assert_allclose(unary, np.log((1 - p) / p), atol=1e-6)
    features = features_of_pairs(
        pair.cells[:1], pair.places[:1], pair.predicted[:1, 7],
        pair.cells[1:], pair.places[1:], pair.predicted[1:, 5],
    )  # fmt: skip
    scaled = (features - terms.low[5, 7]) / (terms.high[5, 7] - terms.low[5, 7])
    together = expit(scaled @ terms.weights[5, 7, :8] + terms.weights[5, 7, 8])
    assert join[0, 1] == join[1, 0] == pytest.approx(np.log((1 - together) / together)[0])
    assert terms.probability(5, 7, features) == pytest.approx(together)


def test_candidates_of_one_keypoint_cost_their_distance():
    pair = two_candidates((5, 5), [[0, 0], [30, 40]], [[0, 0], [0, 0]])
    published = MulticutSettings(terms=simple_terms(), same_px=37.5)
    assert costs(pair, COCO_PERSON, published)[1][0, 1] == pytest.approx(0.2 * 50 - 7.5)


def test_the_sparse_graph_is_the_published_one():
    linked = linked_keypoints(COCO_PERSON, MulticutSettings())
    assert np.triu(linked, 1).sum() == 40
    names = COCO_PERSON.keypoints.index
    assert linked[names("right_hip"), names("right_ankle")]
    assert not linked[names("nose"), names("left_ankle")]
    assert linked_keypoints(COCO_PERSON, MulticutSettings(graph="complete")).all()


def test_the_sparse_graph_of_another_skeleton_spans_two_edges():
    names = CROWDPOSE.keypoints.index
    linked = linked_keypoints(CROWDPOSE, MulticutSettings())
    assert linked[names("head"), names("left_shoulder")]
    assert not linked[names("head"), names("left_elbow")]


def test_the_stages_go_from_head_to_feet():
    assert [len(stage) for stage in group.stages(COCO_PERSON)] == [7, 4, 6]
    assert group.stages(CROWDPOSE)[0] == ["left_shoulder", "right_shoulder", "head", "neck"]


def test_three_stages_keep_the_best_candidate_of_each_keypoint():
    pair = two_candidates((5, 5), [[0, 0], [2, 0]], [[0, 0], [0, 0]])
    members, person = group.group(pair, COCO_PERSON, settings(stages="three"))
    assert members.scores.tolist() == [pytest.approx(0.8)]
    assert person.tolist() == [0]
    assert SUPPRESSED not in person


def test_terms_come_back_from_their_file(tmp_path):
    generator = np.random.default_rng(0)
    count = CROWDPOSE.num_keypoints
    above = np.triu(np.ones((count, count), int), 1)
    low, high = generator.normal(0, 1, (2, count, count, 8))
    weights = generator.normal(0, 1, (count, count, 9))
    terms = PairwiseTerms(tuple(CROWDPOSE.keypoints), low, high, weights, 7 * above)
    write_terms(tmp_path / "terms.json", terms)
    found = read_terms(tmp_path / "terms.json")
    assert found.fits(CROWDPOSE)
    a, b = np.nonzero(above)
    for name in ("low", "high", "weights", "samples"):
        np.testing.assert_array_equal(getattr(found, name)[a, b], getattr(terms, name)[a, b])
    rows = json.loads((tmp_path / "terms.json").read_text())["terms"]
    assert rows[0]["pair"] == ["left_shoulder", "right_shoulder"]


def test_settings_read_the_terms_of_a_file(tmp_path):
    path = tmp_path / "terms.json"
    write_terms(path, simple_terms())
    found = DecoderSettings.from_dict({"multicut": {"terms": str(path), "graph": None}})
    assert found.multicut.graph == "sparse"
    assert found.multicut.terms.fits(COCO_PERSON)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"terms": "nowhere.json"}, "nowhere.json"),
        ({"grph": "sparse"}, "multicut.'grph' is unknown"),
        ({"graph": "dense"}, "use one of"),
    ],
)
def test_wrong_settings_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        DecoderSettings.from_dict({"multicut": values})


def test_grouping_without_terms_is_refused():
    with pytest.raises(InputError, match="needs pairwise terms"):
        decode(ideal(TWO), COCO_PERSON, DecoderSettings(), Frame(1, 305, 401))


def test_terms_of_another_skeleton_are_refused():
    other = MulticutSettings(terms=simple_terms(CROWDPOSE))
    with pytest.raises(InputError, match="learn them for this run"):
        multicut_poses(ideal(TWO), COCO_PERSON, other)


@pytest.mark.parametrize("name", ["heatmap", "short", "pairwise"])
def test_wrong_fields_are_refused(name):
    fields = ideal(TWO)
    getattr(fields, name)[3, 3] = np.nan
    with pytest.raises(InputError, match=f"field {name} holds values that are not finite"):
        decoded(fields)
    fields = PairFields(fields.heatmap[:, :, :3], fields.short, fields.pairwise, STRIDE)
    with pytest.raises(InputError, match="field heatmap has shape"):
        decoded(fields)


def test_a_single_person_is_read_at_the_highest_cells():
    fields = ideal(TWO[:1])
    fields.heatmap[...] *= 0.4
    fields.heatmap[:, 40:] = 0.1
    found = decode_single(fields, COCO_PERSON)
    np.testing.assert_allclose(found[:, :2], TWO[0][:, :2], atol=0.01)
    np.testing.assert_allclose(found[:, 2], 0.4)


def test_a_single_keypoint_is_the_cell_centre_plus_its_refinement():
    count = COCO_PERSON.num_keypoints
    fields = PairFields(
        np.zeros((3, 4, count), np.float32),
        np.full((3, 4, count, 2), [2, -1], np.float32),
        np.zeros((3, 4, count * (count - 1), 2), np.float32),
        STRIDE,
    )
    fields.heatmap[2, 1, 9] = 0.7
    assert decode_single(fields, COCO_PERSON)[9].tolist() == pytest.approx([14, 19, 0.7])
