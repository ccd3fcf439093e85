"""Compiled image loops against NumPy."""

import numpy as np
import pytest

from bottomup.datasets.pixels import blend, expose, lay_over, simplify, stretch

RNG = np.random.default_rng(0)


def test_stretch_meets_the_knots():
    knots = RNG.random((5, 5)).astype(np.float32)
    assert np.allclose(stretch(knots, 41)[::10, ::10], knots, atol=1e-6)
    assert stretch(knots, 41).max() <= knots.max() + 1e-6


def test_blend_mixes_pictures_and_colours():
    first, share = RNG.random((6, 7, 3), np.float32), RNG.random((6, 7), np.float32)
    colour = RNG.random((1, 1, 3), np.float32)
    expected = first + share[..., None] * (colour - first)
    assert np.allclose(blend(first, colour, share), expected, atol=1e-6)


def test_lay_over_covers_by_share():
    canvas = RNG.random((9, 9, 3), np.float32)
    paint = RNG.random((3, 4, 4), np.float32)
    expected = canvas.copy()
    expected[2:5, 1:5] = expected[2:5, 1:5] * (1 - paint[..., 3:]) + paint[..., :3]
    lay_over(canvas, paint, 2, 1)
    assert np.allclose(canvas, expected, atol=1e-6)


def test_expose_rounds_and_clips():
    canvas = np.array([[[0.5, -1.0, 2.0]]], np.float32)
    out = expose(canvas, np.zeros((1, 1), np.float32), 0.0, 1.0, 0.0)
    assert out.tolist() == [[[128, 0, 255]]]


def test_expose_blurs_without_changing_the_sum():
    canvas = np.zeros((9, 9, 3), np.float32)
    canvas[4, 4] = 1
    out = expose(canvas, np.zeros((9, 9), np.float32), 0.1, 1.0, 0.0)
    assert out[4, 4, 0] == round(255 * 0.64)
    assert out[4, 5, 0] == out[3, 4, 0] == round(255 * 0.08)
    assert out.sum() == pytest.approx(3 * 255, abs=30)


def test_simplify_keeps_corners_and_drops_points_between():
    line = np.array([[0, 0], [1, 0], [2, 0.1], [3, 0], [3, 1], [3, 2], [0, 0]], float)
    assert np.flatnonzero(simplify(line, 0.3)).tolist() == [0, 3, 5, 6]
