"""Colours: val's are not train's, and none belongs to a part of the body."""

import numpy as np
import pytest

from bottomup.datasets.scenery import BACKGROUNDS
from bottomup.datasets.wardrobe import (
    WORLDS,
    any_colour,
    cloth,
    clothing_colour,
    colour_cell,
    world_of,
)

SEEN, UNSEEN = WORLDS["seen"], WORLDS["unseen"]


def test_cells_patterns_and_backgrounds_of_the_worlds_are_disjoint():
    for part in ("cells", "patterns", "backgrounds"):
        assert not set(getattr(SEEN, part)) & set(getattr(UNSEEN, part))
        assert getattr(UNSEEN, part)


@pytest.mark.parametrize("name", WORLDS)
def test_clothing_colours_lie_in_the_cells_of_their_world(name):
    rng = np.random.default_rng(0)
    for _ in range(500):
        assert colour_cell(clothing_colour(rng, WORLDS[name])) in WORLDS[name].cells


def test_only_train_sees_the_seen_world():
    assert world_of("train") is SEEN
    assert world_of("val") is world_of("test") is UNSEEN


def test_both_worlds_reach_all_hues_and_brightnesses():
    for world in WORLDS.values():
        for axis, size in enumerate((18, 3, 3)):
            assert {cell[axis] for cell in world.cells} == set(range(size))


def test_things_wear_skin_and_clothing_colours_alike():
    rng = np.random.default_rng(0)
    colours = np.array([any_colour(rng, SEEN) for _ in range(400)])
    clothed = np.mean([colour_cell(c) in SEEN.cells for c in colours])
    assert 0.6 < clothed < 0.98


def test_some_fabrics_are_plain_and_some_patterned():
    rng = np.random.default_rng(0)
    patterns = {cloth(rng, UNSEEN).pattern for _ in range(100)}
    assert patterns == {"plain", *UNSEEN.patterns}


def test_every_background_is_painted_by_somebody():
    assert {*SEEN.backgrounds, *UNSEEN.backgrounds} == set(BACKGROUNDS)
