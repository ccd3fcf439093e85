"""Records hold what was annotated; instance maps say whose pixel it is."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from bottomup import records
from bottomup.coco import read_annotations
from bottomup.errors import InputError
from bottomup.fields.grid import CROWD, OVERLAP, UNANNOTATED
from bottomup.records import (
    canvases,
    instance_map,
    parse_records,
    read_record,
    runs,
    write_records,
)
from bottomup.skeleton import COCO_PERSON
from people import make_coco

SOURCE = Path(__file__).resolve().parents[1] / "src"


def person(mask, kind):
    return SimpleNamespace(
        mask=np.array(mask, bool), crowd=kind == "crowd", annotated=kind == "annotated", image_id=7
    )


@pytest.fixture
def drawn_masks(monkeypatch):
    monkeypatch.setattr(records, "person_mask", lambda person, height, width: person.mask)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((), 0),
        (("annotated",), 1),
        (("unannotated",), UNANNOTATED),
        (("crowd",), CROWD),
        (("annotated", "annotated"), OVERLAP),
        (("annotated", "unannotated"), OVERLAP | UNANNOTATED),
        (("unannotated", "unannotated"), OVERLAP | UNANNOTATED),
        (("annotated", "crowd"), 1 | CROWD),
        (("unannotated", "crowd"), UNANNOTATED | CROWD),
        (("annotated", "annotated", "crowd"), OVERLAP | CROWD),
    ],
)
def test_truth_table_of_a_pixel(drawn_masks, kinds, expected):
    persons = [person([[True]], kind) for kind in kinds]
    for order in itertools.permutations(persons):
        assert instance_map(order, 1, 1)[0, 0] == expected


def test_numbers_count_annotated_persons_only(drawn_masks):
    persons = [
        person([[1, 0, 0]], "unannotated"),
        person([[0, 1, 0]], "annotated"),
        person([[0, 0, 1]], "annotated"),
    ]
    assert instance_map(persons, 1, 3).tolist() == [[UNANNOTATED, 1, 2]]


def test_too_many_people_are_refused(drawn_masks):
    with pytest.raises(InputError, match="image 7: 4096 annotated persons"):
        instance_map([person([[1]], "annotated")] * 4096, 1, 1)


@pytest.fixture
def shards(tmp_path):
    annotations_path, images_dir = make_coco(tmp_path)
    paths = [tmp_path / f"train-{shard:05d}-of-00002.tfrecord" for shard in range(2)]
    for shard, path in enumerate(paths):
        write_records(annotations_path, COCO_PERSON, images_dir, path, shard, 2)
    return read_annotations(annotations_path, COCO_PERSON), images_dir, paths


def test_every_image_is_in_one_shard_and_comes_back(shards):
    annotations, images_dir, paths = shards
    found = []
    for path in paths:
        listing = json.loads(path.with_suffix(".json").read_text())
        for image_id, offset in zip(listing["image_ids"], listing["offsets"], strict=True):
            record = tf.constant([read_record(str(path), offset)])
            example = {name: value[0] for name, value in parse_records(record, 17, 200, 4).items()}
            assert example["image_id"] == image_id
            found.append(image_id)
            check_example(annotations, images_dir, image_id, example)
    assert sorted(found) == [image.id for image in annotations.images]


def check_example(annotations, images_dir, image_id, example):
    image = next(image for image in annotations.images if image.id == image_id)
    persons = annotations.persons[image_id]
    assert example["size"].numpy().tolist() == [image.height, image.width]
    jpeg = (images_dir / image.file_name).read_bytes()
    assert example["jpeg"] == jpeg
    canvas = np.zeros((200, 200), np.uint16)
    canvas[: image.height, : image.width] = instance_map(persons, image.height, image.width)
    np.testing.assert_array_equal(example["instance_map"], canvas)
    expected = np.zeros((4, 17, 3), np.float32)
    annotated = [person.keypoints for person in persons if person.annotated]
    expected[: len(annotated)] = np.reshape(annotated, (-1, 17, 3))
    np.testing.assert_array_equal(example["keypoints"], expected)


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (40, 23)])
def test_maps_come_back_from_their_runs(shape):
    generator = np.random.default_rng(0)
    maps = generator.choice([0, 0, 3, 4097, 24576], (2, *shape)).astype(np.uint16)
    values, lengths = zip(*(tuple(part.tobytes() for part in runs(m)) for m in maps), strict=True)
    found = canvases(values, lengths, np.array([shape, shape]), 50)
    np.testing.assert_array_equal(found[:, : shape[0], : shape[1]], maps)
    assert found.sum() == maps.sum(dtype=int)


def test_tensorflow_reads_the_shards_too(shards):
    _, _, paths = shards
    listing = json.loads(paths[0].with_suffix(".json").read_text())
    for offset, expected in zip(
        listing["offsets"], tf.data.TFRecordDataset(str(paths[0])), strict=True
    ):
        assert read_record(str(paths[0]), offset) == expected.numpy()


def test_a_cut_record_is_named(shards):
    _, _, paths = shards
    paths[0].write_bytes(paths[0].read_bytes()[:-100])
    offset = json.loads(paths[0].with_suffix(".json").read_text())["offsets"][-1]
    with pytest.raises(InputError, match="no whole record at byte"):
        read_record(str(paths[0]), offset)


def test_the_same_images_give_the_same_bytes_in_any_process(shards, tmp_path):
    annotations, images_dir, paths = shards
    code = (
        "import sys; from bottomup.records import write_records; "
        "from bottomup.skeleton import COCO_PERSON; "
        "write_records(sys.argv[1], COCO_PERSON, sys.argv[2], sys.argv[3], 0, 2)"
    )
    again = tmp_path / "again.tfrecord"
    words = [str(annotations.path), str(images_dir), str(again)]
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code, *words], env=environment, check=True)
    assert again.read_bytes() == paths[0].read_bytes()
