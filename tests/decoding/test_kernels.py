"""Every kernel of the decoder equals its slow reference, on random and on hostile input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as rle_tools

import decoding_reference as reference
from bottomup.decoding import linked, links, masks, peaks, scores, tree, votes
from bottomup.decoding.settings import DecoderSettings
from bottomup.fields.grid import Fields, by_channel
from bottomup.rle import rle_mask
from bottomup.skeleton import Skeleton

TOY = Skeleton(
    name="toy",
    keypoints=("nose", "left_hand", "right_hand"),
    edges=(("nose", "left_hand"), ("nose", "right_hand")),
    sigmas=(0.05, 0.1, 0.1),
)
SETTINGS = DecoderSettings(radius_px=12.0, seed_radius_px=6.0, hough_bin_px=2.0)
STRIDE = 8


def random_fields(seed: int, rows: int = 5, columns: int = 6, whole: bool = False) -> Fields:
    """Random fields; `whole` offsets land on few places, so that votes coincide."""
    generator = np.random.default_rng(seed)

    def offsets(channels):
        values = generator.uniform(-20, 20, (rows, columns, channels, 2))
        if whole:
            nodes = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1) * STRIDE
            goals = generator.integers(-1, 4, (rows, columns, channels, 2)) * 9
            values = goals - nodes[:, :, None]
        return values.astype(np.float32)

    heatmap = generator.choice([0, 0.02, 0.3, 0.9, 1], (rows, columns, 3)).astype(np.float32)
    segmentation = generator.uniform(0, 1, (rows, columns)).astype(np.float32)
    return Fields(heatmap, offsets(3), offsets(4), offsets(3), segmentation, STRIDE)


ANY_FIELDS = st.builds(
    random_fields,
    seed=st.integers(0, 2**31),
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    whole=st.booleans(),
)
SLOW = settings(max_examples=40, deadline=None)


def found_peaks(fields):
    accumulators, touched = votes.cast_votes(fields, SETTINGS)
    return peaks.find_peaks(accumulators, touched, SETTINGS), accumulators


def asked(fields):
    """Peaks, the label of every bin, and the reach of a peak."""
    (xy, keypoints, masses), accumulators = found_peaks(fields)
    reach_px = 5.0
    labels = links.label_bins(xy, keypoints, accumulators.shape[:3], 2.0, reach_px)
    return (xy, keypoints, masses), labels, reach_px


@SLOW
@given(fields=ANY_FIELDS)
def test_votes(fields):
    accumulators, touched = votes.cast_votes(fields, SETTINGS)
    np.testing.assert_allclose(accumulators, reference.hough(fields, SETTINGS), atol=1e-4)
    np.testing.assert_array_equal(np.sort(touched), np.flatnonzero(accumulators[..., 0]))


@SLOW
@given(fields=ANY_FIELDS)
def test_peaks(fields):
    (xy, keypoints, masses), accumulators = found_peaks(fields)
    expected = reference.peaks(accumulators, SETTINGS, peaks.MERGE_BINS)
    found = sorted(zip(masses, keypoints, *xy.T, strict=True))
    assert len(found) == len(expected)
    # Equal masses may come in any order.
    if len({round(float(m), 5) for m in masses}) == len(masses):
        np.testing.assert_allclose(found, sorted(expected), atol=1e-3)
    np.testing.assert_allclose(masses, [one[0] for one in expected], atol=1e-5)


@SLOW
@given(fields=ANY_FIELDS)
def test_labels_of_bins(fields):
    (xy, keypoints, _), labels, reach_px = asked(fields)
    expected = reference.labels(xy / 2.0, keypoints, labels.shape, reach_px / 2.0)
    assert (labels != expected).mean() < 1e-3  # float32 may decide an exact tie the other way


@SLOW
@given(fields=ANY_FIELDS)
def test_mid_links(fields):
    (xy, keypoints, _), labels, _ = asked(fields)
    found = links.mid_links(fields, xy, keypoints, labels, 2.0, TOY.directed_edges, SETTINGS)
    for p, k in enumerate(keypoints):
        nodes = reference.voters(fields, p, xy[p], k, labels, 2.0, SETTINGS)
        assert found.asked[p] == len(nodes)
        for e, (start, end) in enumerate(TOY.directed_edges):
            if start == k:
                check_answer(found, p, end, fields.mid[:, :, e], nodes, labels)


@SLOW
@given(fields=ANY_FIELDS)
def test_long_links(fields):
    (xy, keypoints, _), labels, _ = asked(fields)
    found = links.long_links(fields, xy, keypoints, labels, 2.0, SETTINGS)
    for p, k in enumerate(keypoints):
        nodes = reference.mask_nodes(fields, p, xy[p], k, labels, 2.0, SETTINGS)
        assert found.asked[p] == len(nodes)
        for target in range(3):
            if target != k:
                check_answer(found, p, target, fields.long[:, :, target], nodes, labels)


def check_answer(found, p, target, field, nodes, labels):
    peak, share, xy = reference.answer(field, nodes, STRIDE, labels, target, 2.0)
    assert found.peak[p, target] == peak
    assert found.agreement[p, target] == pytest.approx(share, abs=1e-5)
    if nodes:
        np.testing.assert_allclose(found.xy[p, target], xy, atol=1e-3)


@SLOW
@given(fields=ANY_FIELDS)
def test_tree(fields):
    found, _ = found_peaks(fields)
    places, placed = tree.assemble_tree(fields, found, TOY, SETTINGS)
    expected = reference.tree(fields, found, TOY.directed_edges, SETTINGS.seed_radius_px)
    assert placed.all()
    np.testing.assert_allclose(places, expected.reshape(places.shape), rtol=1e-4, atol=1e-2)


def test_a_weak_peak_takes_no_place_from_a_strong_one():
    """Peaks: a head, a weak foot that it points at and is pointed at by, and a strong foot."""
    keypoints = np.array([0, 1, 1])
    found = links.Links(
        peak=np.array([[-1, 1], [0, -1], [0, -1]]),
        agreement=np.array([[0, 1], [1, 0], [1, 0]], np.float32),
        xy=np.zeros((3, 2, 2), np.float32),
        asked=np.array([5, 5, 5]),
    )
    for sureness, foot in (((1, 0.1, 1), 2), ((1, 1, 1), 1)):
        members, owner = linked._single(keypoints, 2)
        pairs = linked._pairs(
            keypoints, np.array(sureness, np.float32), found, np.float32(0.5), np.float32(1)
        )
        linked._join(pairs, np.ones(len(pairs), bool), members, owner)
        assert members[owner[0]].tolist() == [0, foot]


def test_a_peak_that_only_far_nodes_voted_for_leads_on_by_the_offsets_under_it():
    rows, columns = 12, 30
    shape = (rows, columns, 3, 2)
    heatmap = np.zeros((rows, columns, 3), np.float32)
    short, long = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    heatmap[5, 5, 0] = 0.9
    short[5, 5, 0] = 100, 0  # farther than any window looks
    mid = np.tile(np.float32([[16, 24], [16, 24], [-8, 32], [-8, 32]]), (rows, columns, 1, 1))
    fields = Fields(heatmap, short, mid, long, np.ones((rows, columns), np.float32), STRIDE)
    accumulators, touched = votes.cast_votes(fields, SETTINGS)
    found = peaks.find_peaks(accumulators, touched, SETTINGS)
    shape = accumulators.shape[:3]
    places, placed = linked.assemble_linked(fields, found, TOY, SETTINGS, shape)
    assert placed.tolist() == [[True, False, False]]
    nose = np.array([5 * STRIDE + 100, 5 * STRIDE])
    edges = TOY.directed_edges
    steps = {int(target): mid[0, 0, e] for e, (source, target) in enumerate(edges) if source == 0}
    np.testing.assert_allclose(places[0], [nose, nose + steps[1], nose + steps[2]], atol=0.5)


@SLOW
@given(fields=ANY_FIELDS)
def test_linked_people_own_each_peak_once(fields):
    found, accumulators = found_peaks(fields)
    places, placed = linked.assemble_linked(fields, found, TOY, SETTINGS, accumulators.shape[:3])
    assert np.isfinite(places).all()
    for xy, k in zip(found[0], found[1], strict=True):
        owners = (placed[:, k] & (places[:, k] == xy).all(-1)).sum()
        assert owners >= 1


@SLOW
@given(fields=ANY_FIELDS, seed=st.integers(0, 2**31), scale=st.floats(0.1, 200))
def test_expected_oks(fields, seed, scale):
    _, accumulators = found_peaks(fields)
    places = np.random.default_rng(seed).uniform(-10, 60, (2, 3, 2)).astype(np.float32)
    scales = np.array([scale, 20], np.float32)
    found = scores.keypoint_scores(fields, accumulators, places, scales, TOY.sigmas, SETTINGS)
    for n, k in np.ndindex(2, 3):
        expected = reference.expected_oks(
            fields, places[n, k], k, scales[n], 2 * TOY.sigmas[k], SETTINGS
        )
        assert found[n, k] == pytest.approx(expected, abs=1e-3)


def test_the_exponential_of_scores():
    x = -np.concatenate([np.linspace(0, 80, 5001), [1e4, np.inf]]).astype(np.float32)
    found = [scores._exponential(value) for value in x]
    np.testing.assert_allclose(found, np.exp(x.astype(float)), rtol=1e-5, atol=1e-37)
    assert scores._exponential(np.float32(0)) == 1
    # A keypoint without any support hides no other person's.
    assert scores._exponential(np.float32(-200)) == scores._exponential(np.float32(-np.inf)) == 0


@SLOW
@given(seed=st.integers(0, 2**31), people=st.integers(0, 8))
def test_soft_nms(seed, people):
    generator = np.random.default_rng(seed)
    places = generator.integers(0, 12, (people, 3, 2)).astype(np.float32)
    values = generator.choice([0, 0.2, 0.5, 1], (people, 3)).astype(np.float32)
    order, totals = scores.soft_nms(places, values, 5.0)
    best_first = np.argsort(-values.sum(1), kind="stable")
    expected = reference.soft_nms(places[best_first], values[best_first], 5.0)
    np.testing.assert_allclose(totals, np.sort(expected)[::-1], atol=1e-6)
    assert sorted(order) == list(range(people))


@SLOW
@given(fields=ANY_FIELDS, seed=st.integers(0, 2**31), people=st.integers(0, 4))
def test_node_owners(fields, seed, people):
    generator = np.random.default_rng(seed)
    places = generator.integers(-1, 4, (people, 3, 2)).astype(np.float32) * 9
    weights = generator.choice([0, 0.5, 1], (people, 3)).astype(np.float32)
    scales = generator.uniform(10, 60, people).astype(np.float32)
    inside = fields.segmentation >= 0.5
    found = np.zeros(inside.shape, np.int16)
    masks._assign(
        by_channel(fields.long), np.float32(STRIDE), inside, places, weights, scales,
        np.float32(0.4), found, np.zeros(inside.shape, np.float32),
    )  # fmt: skip
    for i, j in np.ndindex(inside.shape):
        expected = 0
        if inside[i, j]:
            expected = reference.owner(fields, i, j, places, weights, scales, 0.4, masks.FAR)
        assert found[i, j] == expected


@SLOW
@given(seed=st.integers(0, 2**31), people=st.integers(0, 4))
def test_strays(seed, people):
    generator = np.random.default_rng(seed)
    owners = generator.integers(0, people + 1, (5, 6)).astype(np.int16)
    errors = generator.choice([0.01, 0.02, 0.1, 0.3], owners.shape).astype(np.float32)
    expected = reference.strays(owners, errors, masks.STRAY, masks.STRAY_FLOOR)
    masks._drop_strays(owners, errors, people + 1)
    np.testing.assert_array_equal(owners, expected)


@SLOW
@given(seed=st.integers(0, 2**31), rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_owners_of_pixels(seed, rows, columns):
    generator = np.random.default_rng(seed)
    owners = generator.integers(0, 4, (rows, columns)).astype(np.int16)
    weights = generator.uniform(0, 2, (rows, columns)).astype(np.float32)
    step = 0.4
    width, height = (int((side - 1) / step) + 1 for side in (columns, rows))
    labels = np.zeros((width, height), np.int16)
    everywhere = np.ones((rows, columns), np.float32)
    masks._paint(everywhere, 1, np.float32(0.5), owners, weights, step, labels)
    for u, v in np.ndindex(width, height):
        assert labels[u, v] == reference.pixel_label(owners, weights, u * step, v * step)


@SLOW
@given(
    seed=st.integers(0, 2**31),
    cells=st.sampled_from([1, 4]),
    x=st.floats(0, 3),
    y=st.floats(0, 2),
)
def test_person_probability_between_nodes(seed, cells, x, y):
    values = np.random.default_rng(seed).uniform(0, 1, (3 * cells, 4 * cells)).astype(np.float32)
    column, row = ((place + 0.5) * cells - 0.5 for place in (x, y))
    column, row = np.clip(column, 0, 4 * cells - 1), np.clip(row, 0, 3 * cells - 1)
    expected = reference.cubic(values, column, row, masks.SHARPNESS)
    line = np.full(3 * cells, np.nan)
    masks._across(values, cells, x, -cells, 4 * cells, line)
    assert masks._down(line, cells, y) == pytest.approx(expected, abs=1e-5)


@SLOW
@given(seed=st.integers(0, 2**31), height=st.integers(1, 9), width=st.integers(1, 9))
def test_run_lengths(seed, height, width):
    labels = np.random.default_rng(seed).integers(0, 4, (width, height)).astype(np.int16)
    found = masks.run_lengths(labels, 3)
    for label, rle in enumerate(found, 1):
        mask = np.asfortranarray((label == labels.T).astype(np.uint8))
        assert rle["counts"].encode() == rle_tools.encode(mask)["counts"]
        np.testing.assert_array_equal(rle_mask(rle), mask)
