"""Round cones: outline, depth, hidden surfaces, coverage, patterns."""

import numpy as np
import pytest

from bottomup.datasets.render import Material, draw_solid

LIGHT = np.array([0.0, -0.6, 0.8])
WHITE, BLACK = np.ones(3), np.zeros(3)
PLAIN = [Material(WHITE, WHITE), Material(np.array([1.0, 0.0, 0.0]), WHITE)]


def draw(*cones, kinds=None, materials=PLAIN, side=101, supersample=4, unit_px=50.0):
    kinds = np.zeros(len(cones), int) if kinds is None else np.array(kinds)
    return draw_solid(
        np.array(cones, float), kinds, materials, LIGHT, side, unit_px, supersample=supersample
    )


def picture(drawing, side=101):
    canvas = np.zeros((side, side, 4))
    canvas[drawing.window] = drawing.paint
    return canvas


def spheres(cone, points=4000):
    """The solid as many spheres, the definition of a round cone."""
    t = np.linspace(0, 1, points)[:, None]
    return np.array(cone[:4]) + t * (np.array(cone[4:]) - cone[:4])


@pytest.mark.parametrize(
    "cone",
    [
        (30, 40, 0, 8, 70, 60, 0, 8),
        (30, 40, 5, 12, 70, 60, -20, 3),
        (50, 50, -30, 4, 52, 51, 30, 15),
        (50, 50, 30, 4, 52, 51, -30, 15),
        (50, 50, 0, 20, 50, 50, 10, 5),
    ],
)
def test_depth_is_that_of_the_spheres_along_the_axis(cone):
    drawing = draw(cone, supersample=5)  # one of the points is the pixel's centre
    parts = spheres(cone)
    rng = np.random.default_rng(0)
    points = rng.integers(20, 80, (200, 2)).astype(float)
    square = parts[:, 3] ** 2 - ((points[:, None] - parts[:, :2]) ** 2).sum(axis=-1)
    heights = np.where(square > 0, parts[:, 2] + np.sqrt(np.maximum(square, 0)), -np.inf)
    expected = heights.max(axis=1)
    clear = np.abs(square.max(axis=1)) > 20  # not at the outline
    found = drawing.depth_at(points)
    assert np.array_equal((found > -1e6)[clear], np.isfinite(expected)[clear])
    both = clear & np.isfinite(expected)
    assert np.abs(found[both] - expected[both]).max() < 0.01


def test_coverage_adds_up_to_the_area():
    drawing = draw((50, 50, 0, 20, 50, 50.001, 0, 20))
    assert drawing.paint[..., 3].sum() == pytest.approx(np.pi * 400, rel=0.01)
    assert 0 < np.mean((drawing.paint[..., 3] > 0) & (drawing.paint[..., 3] < 1)) < 0.2


def test_coverage_is_centred_on_the_solid():
    cover = picture(draw((50, 50, 0, 20, 50, 50.001, 0, 20)))[..., 3]
    rows, columns = np.mgrid[:101, :101]
    assert np.average(rows, weights=cover) == pytest.approx(50, abs=0.02)
    assert np.average(columns, weights=cover) == pytest.approx(50, abs=0.02)


def test_the_nearer_solid_hides_the_farther_whatever_the_order():
    white, red = (50, 50, 0, 20, 50, 51, 0, 20), (50, 50, 30, 10, 50, 51, 30, 10)
    for cones, kinds in (((white, red), (0, 1)), ((red, white), (1, 0))):
        colour = picture(draw(*cones, kinds=kinds))[50, 50, :3]
        assert colour[0] > 0.5
        assert colour[1] == 0


def test_parts_outside_the_image_are_cut_off():
    drawing = draw((0, 50, 0, 20, 0, 51, 0, 20))
    assert drawing.left == 0
    assert drawing.paint[..., 3].sum() == pytest.approx(np.pi * 200 + 60, rel=0.05)


def test_a_solid_outside_the_image_gives_no_drawing():
    assert draw((-80, 50, 0, 20, -80, 51, 0, 20)) is None


def test_light_comes_from_above():
    colour = picture(draw((50, 50, 0, 20, 50, 50.001, 0, 20)))[..., 0]
    assert colour[35, 50] > colour[65, 50]


def test_a_pattern_shows_both_colours():
    striped = [Material(WHITE, BLACK, "rings", 0.2)]
    colour = picture(draw((50, 20, 0, 10, 50, 80, 0, 10), materials=striped))[30:70, 50, 0]
    assert colour.max() > 0.5
    assert colour.min() < 0.05
    assert np.sum(np.abs(np.diff(colour)) > 0.3) >= 4
