"""Parts of a split: seeded, disjoint, complete."""

import json

import pytest

import people
from bottomup.coco import check_disjoint, read_images
from bottomup.errors import InputError
from bottomup.parts import part_of, write_part

TRAIN = {"from_percent": 0, "to_percent": 80, "seed": 0}
TEST = {"from_percent": 80, "to_percent": 100, "seed": 0}


def test_parts_of_one_seed_are_disjoint_and_whole():
    ids = range(1, 5001)
    train, test = part_of(ids, TRAIN), part_of(ids, TEST)
    assert (len(train), len(test)) == (4000, 1000)
    assert sorted([*train, *test]) == list(ids)
    assert train != list(range(1, 4001))


def test_the_order_depends_on_seed_and_ids_alone():
    ids = list(range(1, 101))
    assert part_of(ids, TRAIN) == part_of(ids[::-1], TRAIN)
    assert part_of(ids, TRAIN) != part_of(ids, TRAIN | {"seed": 1})


def test_a_part_without_images_is_told():
    with pytest.raises(InputError, match="holds none; take more"):
        part_of([1, 2], {"from_percent": 10, "to_percent": 20, "seed": 0})


def test_parts_are_files_that_share_no_image(tmp_path):
    source, _ = people.make_coco(tmp_path, (1, 1, 2, 0, 3))
    paths = [tmp_path / "train.json", tmp_path / "test.json"]
    for take, path in zip((TRAIN, TEST), paths, strict=True):
        write_part(source, take, path)
    check_disjoint(*paths)
    assert len(read_images(paths[0])) + len(read_images(paths[1])) == len(read_images(source))
    kept = {image.id for image in read_images(paths[0])}
    assert {row["image_id"] for row in json.loads(paths[0].read_text())["annotations"]} <= kept
