"""Layout: sizes by number of people, order of depth, the careful mode."""

import numpy as np
import pytest

from bottomup.datasets.layout import Setting, place_actors
from bottomup.datasets.wardrobe import WORLDS

SIDE = 257


def actors(people, seed=0, careful=False, **extras):
    setting = Setting(WORLDS["seen"], SIDE, np.array([0.0, -0.6, 0.8]), 5.0, careful)
    return place_actors(np.random.default_rng(seed), setting, people, extras)


def kinds(found):
    return [actor.kind for actor in found if actor.kind != "thing"]


@pytest.mark.parametrize("people", [0, 1, 4, 13])
def test_all_people_get_a_place(people):
    assert kinds(actors(people)) == ["person"] * people


def test_the_nearer_stands_lower_and_is_drawn_later():
    grounds = [actor.ground for actor in actors(9)]
    assert grounds == sorted(grounds)


def test_many_people_are_smaller_than_few():
    few = np.mean([a.height_px for s in range(12) for a in actors(1, s) if a.figure])
    many = np.mean([a.height_px for s in range(3) for a in actors(12, s) if a.figure])
    assert few > 1.5 * many


def test_the_careful_mode_keeps_people_inside():
    for seed in range(6):
        for actor in actors(4, seed, careful=True):
            ends = actor.figure.cones.reshape(-1, 4) if actor.figure else np.zeros((1, 4))
            xy = ends[:, :2] * actor.height_px + actor.xy
            assert (xy >= 0).all()
            assert (xy < SIDE).all()


def test_extras_are_added_as_asked():
    found = actors(2, strangers=2, crowds=1, things=0)
    assert kinds(found).count("stranger") == 2
    assert kinds(found).count("crowd") >= 7
    assert kinds(found)[0] == "crowd"


def test_a_thing_in_front_is_drawn_after_its_person():
    for seed in range(8):
        found = actors(1, seed, things=1)
        names = [actor.kind for actor in found]
        if len(found) == 2 and names.count("thing") == 1 and found[1].figure is None:
            return
    raise AssertionError("no thing in front of anybody in eight scenes")
