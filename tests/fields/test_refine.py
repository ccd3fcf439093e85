"""Offset refinement equals its slow reference and can be trained through."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fields_reference
from bottomup.fields.refine import refine_long, refine_mid

EDGES = np.array([[0, 1], [1, 2], [1, 0], [2, 1]])
STRIDE = 8


def random_field(seed, channels, reach_px, rows=4, columns=5):
    generator = np.random.default_rng(seed)
    return generator.uniform(-reach_px, reach_px, (rows, columns, channels, 2)).astype(np.float32)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), reach_px=st.sampled_from([3.0, 20.0, 200.0]))
def test_mid_offsets_follow_the_short_offsets_of_their_target(seed, reach_px):
    mid, short = random_field(seed, 4, reach_px), random_field(seed + 1, 3, 10)
    found = refine_mid(mid[None], short[None], EDGES, STRIDE, steps=2)
    expected = fields_reference.refine(mid, short, EDGES[:, 1], STRIDE, 2)
    np.testing.assert_allclose(np.asarray(found)[0], expected, rtol=1e-3, atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), reach_px=st.sampled_from([3.0, 20.0, 60.0]))
def test_long_offsets_follow_themselves_and_then_the_short_ones(seed, reach_px):
    long, short = random_field(seed, 3, reach_px), random_field(seed + 1, 3, 10)
    found = refine_long(
        long[None], short[None], STRIDE, self_steps=2, short_steps=1, self_limit_px=np.inf
    )
    expected = long.astype(float)
    for _ in range(2):
        expected = expected + sampled(long, expected)
    expected = fields_reference.refine(expected, short, range(3), STRIDE, 1)
    np.testing.assert_allclose(np.asarray(found)[0], expected, rtol=1e-3, atol=1e-3)


def sampled(field, offsets):
    return fields_reference.refine(offsets, field, range(field.shape[2]), STRIDE, 1) - offsets


def test_images_of_a_batch_do_not_mix():
    mid = np.stack([random_field(seed, 4, 20) for seed in (1, 2)])
    short = np.stack([random_field(seed, 3, 10) for seed in (3, 4)])
    together = np.asarray(refine_mid(mid, short, EDGES, STRIDE))
    alone = np.asarray(refine_mid(mid[1:], short[1:], EDGES, STRIDE))
    np.testing.assert_allclose(together[1:], alone, rtol=1e-5)


def test_offsets_that_leave_the_grid_read_its_border():
    mid, short = np.zeros((1, 3, 3, 4, 2), np.float32), np.zeros((1, 3, 3, 3, 2), np.float32)
    mid[..., 0, :] = (-500, 900)
    short[0, 2, 0, 1] = (3, 4)
    found = np.asarray(refine_mid(mid, short, EDGES, STRIDE, steps=1))
    assert found[0, 1, 1, 0].tolist() == [-497, 904]


def test_a_perfect_offset_stays():
    rows, columns, keypoint = 4, 5, np.array([17.0, 11.0])
    nodes = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1) * STRIDE
    field = np.repeat((keypoint - nodes)[:, :, None], 3, axis=2).astype(np.float32)[None]
    found = refine_long(field, field, STRIDE)
    np.testing.assert_allclose(np.asarray(found), field, atol=1e-4)


def offsets_of_two_people():
    """Person A on nodes 0 and 1 with its keypoint at x = 16, on the mask of B (keypoint: 40)."""
    long, short = np.zeros((1, 1, 6, 1, 2), np.float32), np.zeros((1, 1, 6, 1, 2), np.float32)
    long[0, 0, :, 0, 0] = [16, 8, 24, 16, 8, 0]
    return long, short


def test_a_keypoint_on_another_persons_mask_keeps_its_own_long_offsets():
    long, short = offsets_of_two_people()
    refined = np.asarray(refine_long(long, short, STRIDE))
    assert refined[0, 0, :, 0, 0].tolist() == [16, 8, 24, 16, 8, 0]


def test_without_a_limit_they_would_be_drawn_to_the_other_person():
    long, short = offsets_of_two_people()
    refined = np.asarray(refine_long(long, short, STRIDE, self_limit_px=np.inf))
    assert refined[0, 0, 0, 0, 0] == pytest.approx(40)


def test_gradients_reach_both_fields():
    import tensorflow as tf

    mid, short = (tf.constant(random_field(s, c, 5)[None]) for s, c in ((1, 4), (2, 3)))
    with tf.GradientTape() as tape:
        tape.watch([mid, short])
        value = tf.reduce_sum(refine_mid(mid, short, EDGES, STRIDE) ** 2)
    for field, gradient in zip((mid, short), tape.gradient(value, [mid, short]), strict=True):
        nudge = np.zeros(field.shape, np.float32)
        nudge[0, 2, 2, 1, 0] = 1e-2
        ends = [
            tf.reduce_sum(
                refine_mid(
                    mid + (nudge if field is mid else 0) * sign,
                    short + (nudge if field is short else 0) * sign,
                    EDGES,
                    STRIDE,
                )
                ** 2
            )
            for sign in (1, -1)
        ]
        slope = float(ends[0] - ends[1]) / 2e-2
        assert float(gradient[0, 2, 2, 1, 0]) == pytest.approx(slope, rel=0.05, abs=0.05)
