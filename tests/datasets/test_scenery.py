"""Backgrounds and things."""

import numpy as np
import pytest

from bottomup.datasets.scenery import BACKGROUNDS, draw_thing, noise, paint_background
from bottomup.datasets.wardrobe import WORLDS

WORLD = WORLDS["seen"]


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_backgrounds_are_varied_and_differ_from_draw_to_draw(name):
    first, second = (BACKGROUNDS[name](np.random.default_rng(seed), WORLD, 129) for seed in (0, 1))
    assert first.shape == (129, 129, 3)
    assert np.isfinite(first).all()
    assert first.std(axis=(0, 1)).max() > 0.01
    assert np.abs(first - second).mean() > 0.05


def test_painted_backgrounds_are_within_the_colours_of_a_picture():
    for seed in range(10):
        picture = paint_background(np.random.default_rng(seed), WORLD, 65)
        assert picture.dtype == np.float32
        assert picture.min() > 0
        assert picture.max() <= 1


def test_noise_has_about_unit_spread():
    assert 0.4 < noise(np.random.default_rng(0), 257, 55).std() < 1.2


def test_a_box_covers_its_size_around_its_centre():
    drawing = draw_thing(
        np.random.default_rng(0), WORLD, np.array([60.0, 50.0]), np.array([30.0, 20.0]), 129, "box"
    )
    assert drawing.paint[..., 3].sum() == pytest.approx(600, rel=0.1)
    rows, columns = np.nonzero(drawing.paint[..., 3] > 0.5)
    assert rows.mean() + drawing.top == pytest.approx(50, abs=1)
    assert columns.mean() + drawing.left == pytest.approx(60, abs=1)


def test_things_far_outside_give_no_drawing():
    size = np.array([10.0, 10.0])
    for seed in range(10):
        rng = np.random.default_rng(seed)
        assert draw_thing(rng, WORLD, np.array([-90.0, 20.0]), size, 129) is None
