"""Order is a function of (seed, epoch); padding loses nobody; damage is told before training."""

import itertools
import json

import numpy as np
import pytest
import tensorflow as tf

from bottomup.batches import RecordSet, fixed_batches, read_image_list, training_batches
from bottomup.errors import InputError
from bottomup.records import write_records
from bottomup.skeleton import COCO_PERSON
from people import make_coco

SCENES = (1, 2, 0, 3, ("rle", "unannotated"), 1, 5)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    annotations_path, images_dir = make_coco(folder, SCENES)
    paths = [folder / f"train-{shard:05d}-of-00002.tfrecord" for shard in range(2)]
    for shard, path in enumerate(paths):
        write_records(annotations_path, COCO_PERSON, images_dir, path, shard, 2)
    return paths


def ids_of(stream, batches):
    taken = itertools.islice(stream.as_numpy_iterator(), batches)
    return [batch["image_id"].tolist() for batch in taken]


def test_each_epoch_shows_every_image_once(paths):
    records = RecordSet.read(paths)
    stream = training_batches(records, range(1, 8), 17, 7, seed=0)
    first, second = ids_of(stream, 2)
    assert sorted(first) == sorted(second) == list(range(1, 8))
    assert first != second


def test_a_stream_can_start_at_any_step(paths):
    records = RecordSet.read(paths)
    whole = ids_of(training_batches(records, range(1, 8), 17, 2, seed=3), 9)
    for start in range(9):
        stream = training_batches(records, range(1, 8), 17, 2, seed=3, start_step=start)
        assert ids_of(stream, 9 - start) == whole[start:]


def test_weights_decide_how_often_an_image_is_drawn(paths):
    records = RecordSet.read(paths)
    stream = training_batches(records, [1, 2, 5], 17, 3, seed=0, weights=[1, 1, 8])
    drawn = [image for batch in ids_of(stream, 100) for image in batch]
    assert drawn.count(5) == pytest.approx(240, abs=30)
    assert {1, 2} < set(drawn)
    later = training_batches(records, [1, 2, 5], 17, 3, seed=0, start_step=40, weights=[1, 1, 8])
    assert [image for batch in ids_of(later, 60) for image in batch] == drawn[120:]


def test_an_image_list_with_and_without_weights(tmp_path):
    path = tmp_path / "images.txt"
    path.write_text("4\n7\n")
    assert read_image_list(path) == [4, 7]
    path.write_text("4 10\n7 20\n")
    assert read_image_list(path) == {4: 10, 7: 20}


@pytest.mark.parametrize("text", ["4 10\n7\n", "4 0\n", "4 1.5\n", "4 -1\n", "x\n"])
def test_a_damaged_image_list_is_refused(tmp_path, text):
    path = tmp_path / "images.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=r"images\.txt: every line"):
        read_image_list(path)


def test_a_subset_is_a_filter(paths):
    records = RecordSet.read(paths)
    batches = ids_of(training_batches(records, [2, 5], 17, 2, seed=0), 5)
    assert {image for batch in batches for image in batch} == {2, 5}


def test_images_get_one_size_and_nobody_is_lost(paths):
    records = RecordSet.read(paths)
    batch = next(fixed_batches(records, [1, 7], 17, 2).as_numpy_iterator())
    assert batch["image"].shape == (2, 160, 160, 3)
    assert (batch["image"][:, 120:] == 127).all()
    assert not batch["instance_map"][:, 120:].any()
    labelled = (batch["keypoints"][..., 2] > 0).any(-1).sum(-1)
    assert labelled.tolist() == [1, 5]
    assert batch["image"].dtype == np.uint8


def test_images_are_those_of_the_jpegs(tmp_path):
    folders = {(120, 160): tmp_path / "wide", (160, 120): tmp_path / "tall"}
    shards, jpegs = [], {}
    for first, (size, folder) in zip((1, 11), folders.items(), strict=True):
        annotations_path, images_dir = make_coco(folder, (1, 2), size=size, first_id=first)
        shards.append(folder / "train-00000-of-00001.tfrecord")
        write_records(annotations_path, COCO_PERSON, images_dir, shards[-1], 0, 1)
        jpegs |= {int(path.stem): path for path in images_dir.glob("*.jpg")}
    batch = next(fixed_batches(RecordSet.read(shards), [1, 12, 11, 2], 17, 4).as_numpy_iterator())
    for image_id, size, image in zip(batch["image_id"], batch["size"], batch["image"], strict=True):
        decoded = tf.io.decode_jpeg(jpegs[image_id].read_bytes(), channels=3).numpy()
        assert decoded.shape == (*size, 3)
        np.testing.assert_array_equal(image[: size[0], : size[1]], decoded)
        assert (image[size[0] :] == 127).all()
        assert (image[:, size[1] :] == 127).all()


def test_an_image_without_record_is_named(paths):
    with pytest.raises(InputError, match="image 99 of the subset has no record"):
        training_batches(RecordSet.read(paths), [1, 99], 17, 1, seed=0)


def test_an_empty_subset_is_refused(paths):
    with pytest.raises(InputError, match="the subset is empty"):
        training_batches(RecordSet.read(paths), [], 17, 1, seed=0)


def test_a_short_shard_is_refused(paths, tmp_path):
    copies = [tmp_path / path.name for path in paths]
    for path, copy in zip(paths, copies, strict=True):
        copy.write_bytes(path.read_bytes()[:-10])
        copy.with_suffix(".json").write_text(path.with_suffix(".json").read_text())
    with pytest.raises(InputError, match="its listing says"):
        RecordSet.read(copies)


def test_records_of_an_older_format_are_refused(paths, tmp_path):
    copy = tmp_path / paths[0].name
    copy.write_bytes(paths[0].read_bytes())
    listing = json.loads(paths[0].with_suffix(".json").read_text())
    del listing["format"]  # as the first format had it
    copy.with_suffix(".json").write_text(json.dumps(listing))
    with pytest.raises(InputError, match="records of format 1, this version reads format 2"):
        RecordSet.read([copy])


def test_a_missing_shard_is_refused(tmp_path):
    with pytest.raises(InputError, match="missing; write it again"):
        RecordSet.read([tmp_path / "train-00000-of-00001.tfrecord"])
