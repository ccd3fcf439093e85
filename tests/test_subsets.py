"""Subsets: exact counts, nested draws, untouched strata, the same list everywhere."""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import people
from bottomup import coco, subsets
from bottomup.census import Census, take_census
from bottomup.errors import InputError
from bottomup.skeleton import COCO_PERSON

FULL = {"people": "with_keypoints", "keep_empty": True, "seed": 0, "drop": None}


def split(counts: list[int]) -> Census:
    """A split's census; image k (id 10 k) has counts[k] people, all with keypoints."""
    people = {10 * k: count for k, count in enumerate(counts)}
    return Census(Path("made_up.json"), {"with_keypoints": people, "any": people})


def reduced(
    percent: int, seed: int = 0, people: int = 1, rule: str = "with_keypoints", **changes
) -> dict:
    drop = {"people": people, "percent": percent}
    return FULL | {"seed": seed, "people": rule, "drop": drop} | changes


# Two strata of several people, so that no draw is empty.
splits = st.lists(st.integers(0, 4), max_size=60).map(lambda counts: split([2, 3, *counts]))
percents = st.integers(0, 100)
seeds = st.integers(0, 2**31 - 1)


def in_stratum(census: Census, ids, people: int) -> set[int]:
    return {image_id for image_id in ids if census.people["any"][image_id] == people}


@settings(deadline=None)
@given(splits, seeds, percents, percents)
@example(split([2, 3, *[1] * 40]), 0, 30, 60)  # drawn splits may hold too few singles to tell
def test_a_larger_share_drops_the_same_images_and_more(census, seed, one, other):
    less, more = sorted((one, other))
    larger = set(subsets.draw_subset(census, reduced(less, seed)))
    assert set(subsets.draw_subset(census, reduced(more, seed))) <= larger


@settings(deadline=None)
@given(splits, seeds, percents)
def test_counts_are_exact(census, seed, percent):
    single = in_stratum(census, census.people["any"], 1)
    kept = in_stratum(census, subsets.draw_subset(census, reduced(percent, seed)), 1)
    # Half up without floats: the number dropped is the nearest integer to n * percent / 100.
    error = 100 * (len(single) - len(kept)) - len(single) * percent
    assert -50 < error <= 50


@settings(deadline=None)
@given(splits, seeds, percents, st.integers(0, 4))
def test_no_other_stratum_loses_an_image(census, seed, percent, people):
    ids = set(subsets.draw_subset(census, reduced(percent, seed, people, keep_empty=True)))
    lost = set(census.people["any"]) - ids
    assert lost <= in_stratum(census, census.people["any"], people)


@settings(deadline=None)
@given(splits, seeds, percents, st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_matter(census, seed, percent, shuffler):
    entries = list(census.people["any"].items())
    shuffler.shuffle(entries)
    mixed = Census(census.path, {rule: dict(entries) for rule in census.people})
    recipe = reduced(percent, seed)
    assert subsets.draw_subset(mixed, recipe) == subsets.draw_subset(census, recipe)


LEVELS = (30, 40, 50, 60, 70, 80)


@st.composite
def coco_files(draw):
    """A COCO keypoint file: any ids, people with and without keypoints, crowds, in any order."""
    ids = draw(st.lists(st.integers(0, 10**12), min_size=1, max_size=40, unique=True))
    images = [{"id": i, "file_name": f"{i}.jpg", "height": 20, "width": 20} for i in ids]
    rows = []
    for image_id in ids:
        for kind in draw(st.lists(st.sampled_from(["person", "unannotated", "crowd"]), max_size=4)):
            points = [5, 5, draw(st.integers(1, 2))] if kind == "person" else [0, 0, 0]
            rows.append(
                {
                    "id": len(rows) + 1,
                    "image_id": image_id,
                    "category_id": 1,
                    "iscrowd": int(kind == "crowd"),
                    "num_keypoints": int(kind == "person"),
                    "keypoints": points + [0] * 48,
                    "area": 4.0,
                    "bbox": [1, 1, 2, 2],
                    "segmentation": {"size": [20, 20], "counts": [0, 400]}
                    if kind == "crowd"
                    else [[1, 1, 3, 1, 3, 3, 1, 3]],
                }
            )
    draw(st.randoms(use_true_random=False)).shuffle(rows)
    categories = [{"id": 1, "name": "person"}]
    return {"images": images, "annotations": rows, "categories": categories}


@settings(deadline=None, max_examples=60)
@given(coco_files(), seeds, st.sampled_from(coco.COUNTING_RULES), st.booleans())
def test_all_levels_of_any_coco_file(tmp_path_factory, content, seed, rule, keep_empty):
    path = tmp_path_factory.mktemp("coco") / "any.json"
    path.write_text(json.dumps(content))
    census = take_census(path, COCO_PERSON)
    people = subsets.people_per_image(census, rule)
    single = {i for i, count in people.items() if count == 1}
    others = {i for i, count in people.items() if count > 1 or (count == 0 and keep_empty)}
    larger = single | others
    for percent in LEVELS:
        recipe = reduced(percent, seed, keep_empty=keep_empty, rule=rule)
        left = len(single) - (2 * percent * len(single) + 100) // 200
        if not left and not any(people[i] for i in others):
            continue
        kept = set(subsets.draw_subset(census, recipe))
        assert kept - single == others
        assert len(kept & single) == left
        assert kept <= larger
        control = reduced(0, seed, keep_empty=keep_empty, rule=rule) | {"control_of": recipe}
        drawn = subsets.ranked(single | others, f"control:{seed}")[: len(kept)]
        if any(people[i] for i in drawn):
            assert subsets.draw_subset(census, control | {"drop": None}) == sorted(drawn)
        larger = kept


def test_controls_of_growing_levels_are_nested_and_thin_every_stratum():
    census = split([0] * 40 + [1] * 200 + [2] * 100 + [3] * 60)
    larger = set(census.people["any"])
    for percent in LEVELS:
        other = reduced(percent)
        control = set(subsets.draw_subset(census, FULL | {"control_of": other}))
        assert len(control) == len(subsets.draw_subset(census, other))
        assert control <= larger
        larger = control
    for count, images in ((0, 40), (1, 200), (2, 100), (3, 60)):
        kept = len(in_stratum(census, control, count))
        assert kept == pytest.approx(images * len(control) / 400, rel=0.3)


def test_a_control_with_fewer_images_to_draw_from_is_refused():
    recipe = FULL | {"keep_empty": False, "control_of": FULL}
    with pytest.raises(InputError, match=r"2 images.* only 1"):
        subsets.draw_subset(split([0, 1]), recipe)


def test_at_most_so_many_of_each_stratum():
    census = split([0] * 3 + [1] * 5 + [2] * 2 + [8, 9, 10, 11])
    recipe = FULL | {"at_most": 2}
    kept = subsets.draw_subset(census, recipe)
    found = sorted(census.people["any"][i] for i in kept)
    assert found[:7] == [0, 0, 1, 1, 2, 2, 8]
    assert len(found) == 9
    assert min(found[7:]) >= 9
    fewer = subsets.draw_subset(census, FULL | {"at_most": 1})
    assert set(fewer) <= set(kept)


def test_only_crowds():
    kept = subsets.draw_subset(split([0, 1, 2, 3, 4]), FULL | {"least_people": 3})
    assert kept == [30, 40]


def test_inverse_frequency_draws_every_stratum_alike():
    census = split([1] * 6 + [2] * 3 + [9, 12])
    recipe = FULL | {"weights": "inverse_frequency"}
    ids = subsets.draw_subset(census, recipe)
    weights = subsets.image_weights(census, ids, recipe)
    assert set(weights.values()) == {166666667, 333333333, 500000000}
    table = subsets.strata_table(census, ids, "with_keypoints", weights).set_index("people")
    assert table["share_drawn"].dropna().loc[[1, 2]].tolist() == pytest.approx([1 / 3] * 2)
    assert table.loc[9, "share_drawn"] == pytest.approx(1 / 6)


def test_unknown_weights_are_refused():
    with pytest.raises(InputError, match="'most'; use one of equal"):
        subsets.image_weights(split([1]), [0], FULL | {"weights": "most"})


def test_weights_stand_behind_the_ids(tmp_path):
    path, _ = people.make_coco(tmp_path, images=(1, 1, 2), write_images=False)
    census = take_census(path, COCO_PERSON)
    subsets.write_subset_files(census, FULL | {"weights": "inverse_frequency"}, tmp_path / "o")
    lines = (tmp_path / "o" / "images.txt").read_text().splitlines()
    assert lines == ["1 500000000", "2 500000000", "3 1000000000"]


def digest(ids) -> str:
    return hashlib.sha256("\n".join(map(str, ids)).encode()).hexdigest()[:16]


GOLDEN = {
    30: ["5194c3a1077ef9b4", "dbb8ea77a67aea68"],
    40: ["bedffabb0a6733d4", "06c97daf3e338a4f"],
    50: ["34a1f370fbcb0250", "8a513b23f785cf78"],
    60: ["9d50f6016441403f", "5934d6f4d7a34ff5"],
    70: ["84eca1fe02ae1622", "7caadafc1d9b0390"],
    80: ["38f885ea98cf20e6", "08ba59d53c7f3a9d"],
}


@pytest.mark.parametrize("percent", LEVELS)
def test_the_lists_are_the_same_on_every_machine_and_python_version(percent):
    """Digests written down once; they hold on any machine, or the draw is another one."""
    census = split([k * k % 7 % 4 for k in range(1000)])
    recipe = reduced(percent, seed=7)
    control = FULL | {"seed": 7, "control_of": recipe}
    drawn = [subsets.draw_subset(census, each) for each in (recipe, control)]
    assert [digest(ids) for ids in drawn] == GOLDEN[percent]


@pytest.mark.parametrize(
    ("images", "percent", "expected"), [(5, 30, 2), (5, 10, 1), (5, 9, 0), (7, 50, 4), (3, 100, 3)]
)
def test_halves_are_rounded_up(images, percent, expected):
    assert len(subsets.dropped(range(images), percent, seed=0)) == expected


def test_the_draw_is_the_same_on_every_machine():
    drawn = subsets.draw_subset(split([1] * 12 + [2]), reduced(50))
    assert drawn == [0, 30, 60, 70, 80, 100, 120]


def test_another_seed_draws_other_images():
    census = split([1] * 40 + [2])
    one, other = (subsets.draw_subset(census, reduced(50, seed)) for seed in (1, 2))
    assert len(one) == len(other)
    assert one != other


def test_full_keeps_every_image():
    assert subsets.draw_subset(split([0, 1, 3]), FULL) == [0, 10, 20]


def test_empty_images_can_be_left_out():
    assert subsets.draw_subset(split([0, 1, 3]), FULL | {"keep_empty": False}) == [10, 20]


def test_the_counting_rule_decides_who_is_empty(tmp_path):
    scenes = ("unannotated",), ("crowd",), 1
    path, _ = people.make_coco(tmp_path, images=scenes, write_images=False)
    census = take_census(path, COCO_PERSON)
    recipe = FULL | {"keep_empty": False}
    assert subsets.draw_subset(census, recipe) == [3]
    assert subsets.draw_subset(census, recipe | {"people": "any"}) == [1, 3]


@pytest.mark.parametrize(
    ("counts", "recipe"), [([1, 1], reduced(100)), ([0, 0], FULL), ([0, 1], reduced(100))]
)
def test_a_subset_without_a_person_is_refused(counts, recipe):
    with pytest.raises(InputError, match=r"made_up\.json: the subset would hold no person"):
        subsets.draw_subset(split(counts), recipe)


@pytest.mark.parametrize("percent", [-1, 101, 30.5, "30", True])
def test_percent_is_a_whole_number(percent):
    with pytest.raises(InputError, match=r"drop\.percent"):
        subsets.draw_subset(split([1, 2]), reduced(percent))


def test_unknown_counting_rule():
    with pytest.raises(InputError, match="'all' is unknown"):
        subsets.draw_subset(split([1, 2]), FULL | {"people": "all"})


def test_strata_before_and_after():
    census = split([0, 1, 1, 1, 1, 2, 4])
    table = subsets.strata_table(census, [0, 10, 50, 60], "with_keypoints")
    expected = pd.DataFrame(
        {
            "stratum": [f"people={n}" for n in range(5)],
            "people": range(5),
            "images_before": [1, 4, 1, 0, 1],
            "images_after": [1, 1, 1, 0, 1],
            "share_before": [np.nan, 4 / 6, 1 / 6, 0, 1 / 6],
            "share_after": [np.nan, 1 / 3, 1 / 3, 0, 1 / 3],
        }
    )
    pd.testing.assert_frame_equal(table, expected)


def test_the_three_files(tmp_path):
    path, _ = people.make_coco(tmp_path, images=(1, 1, 2, 0), write_images=False)
    census = take_census(path, COCO_PERSON)
    subsets.write_subset_files(census, reduced(50), tmp_path / "out")
    ids = [int(line) for line in (tmp_path / "out" / "images.txt").read_text().split("\n") if line]
    assert ids == subsets.draw_subset(census, reduced(50))
    written = coco.read_annotations(tmp_path / "out" / "annotations.json", COCO_PERSON)
    assert [image.id for image in written.images] == ids
    strata = pd.read_csv(tmp_path / "out" / "strata.csv")
    pd.testing.assert_frame_equal(
        strata, subsets.strata_table(census, ids, "with_keypoints"), check_dtype=False
    )
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        *("annotations.json", "images.txt", "strata.csv")
    ]


def test_the_files_are_the_same_bytes_when_written_again(tmp_path):
    path, _ = people.make_coco(tmp_path, images=(1, 1, 2), write_images=False)
    census = take_census(path, COCO_PERSON)
    for folder in ("one", "two"):
        subsets.write_subset_files(census, reduced(50), tmp_path / folder)
    for name in ("annotations.json", "images.txt", "strata.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_refused_recipe_leaves_earlier_files(tmp_path):
    path, _ = people.make_coco(tmp_path, images=(1, 1), write_images=False)
    census = take_census(path, COCO_PERSON)
    subsets.write_subset_files(census, FULL, tmp_path / "out")
    with pytest.raises(InputError, match="no person"):
        subsets.write_subset_files(census, reduced(100), tmp_path / "out")
    assert len(json.loads((tmp_path / "out" / "annotations.json").read_text())["images"]) == 2


def test_real_annotations_thinned_by_30_percent(shared_data, tmp_path):
    archive = shared_data / "coco-sample" / "annotations" / "annotations_trainval2017.zip"
    with zipfile.ZipFile(archive) as opened:
        path = Path(opened.extract("annotations/person_keypoints_train2017.json", tmp_path))
    census = take_census(path, COCO_PERSON)
    ids = subsets.draw_subset(census, reduced(30, keep_empty=False))
    table = subsets.strata_table(census, ids, "with_keypoints").set_index("people")
    assert table["images_before"].drop(0).sum() == 25
    single = table.loc[1, "images_before"]
    assert table.loc[1, "images_after"] == single - (3 * single + 5) // 10
    assert (table["images_after"] == table["images_before"]).loc[2:].all()
