"""Batches: records -> an endless tf.data stream that decodes JPEGs and ships uint8.

The order of the images is a function of (seed, epoch) alone, so a stream can start at any step.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from bottomup.errors import InputError
from bottomup.records import parse_record

SHUFFLE_BUFFER = 2048
PADDING_GREY = 127


@dataclass(frozen=True)
class RecordSet:
    """The shards of one split, and what their listings say of them."""

    paths: tuple[str, ...]
    image_ids: frozenset[int]
    longest_side_px: int
    most_persons: int

    @classmethod
    def read(cls, paths: Sequence[Path | str]) -> "RecordSet":
        """Reads the listing beside each shard.

        Raises:
            InputError: A shard is missing, or shorter or longer than its listing says.
        """
        listings = [_read_listing(Path(path)) for path in paths]
        return cls(
            paths=tuple(str(path) for path in paths),
            image_ids=frozenset(i for listing in listings for i in listing["image_ids"]),
            longest_side_px=max(listing["longest_side_px"] for listing in listings),
            most_persons=max(listing["most_persons"] for listing in listings),
        )


def _read_listing(path: Path) -> dict:
    listing_path = path.with_suffix(".json")
    if not path.is_file() or not listing_path.is_file():
        raise InputError(f"{path}: the record shard or its listing is missing; write it again")
    listing = json.loads(listing_path.read_text())
    if path.stat().st_size != listing["bytes"]:
        raise InputError(
            f"{path}: {path.stat().st_size} bytes, its listing says {listing['bytes']}; "
            "delete both and write them again"
        )
    return listing


def training_batches(
    records: RecordSet,
    image_ids: Sequence[int],
    num_keypoints: int,
    batch: int,
    canvas_px: int,
    seed: int,
    start_step: int = 0,
) -> tf.data.Dataset:
    """An endless stream of shuffled batches of the chosen images.

    Args:
        records: The record shards.
        image_ids: The images to use; each must have a record.
        num_keypoints: Keypoints a person.
        batch: Images a batch; batches run across the border of epochs.
        canvas_px: Images are padded at the right and bottom to this side.
        seed: With the number of the epoch, decides the order.
        start_step: Batches to skip, for a resumed run.

    Returns:
        Batches with image_id int64 [batch]; size int32 [batch, 2]; image uint8 [batch, y, x, 3];
        instance_map uint16 [batch, y, x]; keypoints float32 [batch, person, keypoint, 3] with
        all-zero rows for padding.

    Raises:
        InputError: No image is left, or an image has no record.
    """
    _check_images(records, image_ids)
    examples = start_step * batch
    epoch, skipped = divmod(examples, len(image_ids))
    chosen = _membership(image_ids)

    def epoch_records(number):
        return _shuffled(records.paths, chosen, seed, number)

    def ready(serialized):
        return _padded(parse_record(serialized, num_keypoints), canvas_px, most_persons)

    most_persons = max(records.most_persons, 1)
    stream = tf.data.Dataset.range(epoch, 2**62).flat_map(epoch_records).skip(skipped)
    stream = stream.map(ready, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return stream.batch(batch, drop_remainder=True).prefetch(2)


def fixed_batches(
    records: RecordSet, image_ids: Sequence[int], num_keypoints: int, batch: int, canvas_px: int
) -> tf.data.Dataset:
    """One pass over the chosen images in record order; the last, short batch is left out."""
    _check_images(records, image_ids)
    chosen = _membership(image_ids)
    most_persons = max(records.most_persons, 1)
    stream = tf.data.TFRecordDataset(list(records.paths)).filter(chosen)
    stream = stream.map(
        lambda serialized: _padded(parse_record(serialized, num_keypoints), canvas_px, most_persons)
    )
    return stream.batch(batch, drop_remainder=True)


def _check_images(records: RecordSet, image_ids: Sequence[int]) -> None:
    if not image_ids:
        raise InputError("no images to train on: the subset is empty; loosen its recipe")
    missing = set(image_ids) - records.image_ids
    if missing:
        raise InputError(
            f"image {min(missing)} of the subset has no record ({len(missing)} missing in all); "
            "write the records of its dataset again"
        )


def _membership(image_ids: Sequence[int]):
    """A filter on serialized records that keeps the images listed."""
    keys = tf.constant(sorted(image_ids), tf.int64)
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(keys, tf.ones_like(keys)), default_value=0
    )
    feature = {"image_id": tf.io.FixedLenFeature([], tf.int64)}

    def chosen(serialized):
        return table.lookup(tf.io.parse_single_example(serialized, feature)["image_id"]) > 0

    return chosen


def _shuffled(paths, chosen, seed: int, epoch: tf.Tensor) -> tf.data.Dataset:
    order = tf.random.experimental.stateless_shuffle(tf.constant(paths), seed=[seed, epoch])
    files = tf.data.Dataset.from_tensor_slices(order)
    records = files.interleave(
        tf.data.TFRecordDataset, cycle_length=min(len(paths), 8), deterministic=True
    )
    return records.filter(chosen).shuffle(
        SHUFFLE_BUFFER, seed=epoch * 1_000_003 + seed, reshuffle_each_iteration=False
    )


def _padded(example: dict, canvas_px: int, most_persons: int) -> dict:
    """Gives images one size, and persons one number; tf.pad refuses what is too large."""
    height, width = example["size"][0], example["size"][1]
    below, beside = canvas_px - height, canvas_px - width
    missing = most_persons - tf.shape(example["keypoints"])[0]
    image = tf.pad(
        example["image"], [[0, below], [0, beside], [0, 0]], constant_values=PADDING_GREY
    )
    pixels = tf.pad(example["instance_map"], [[0, below], [0, beside]])
    keypoints = tf.pad(example["keypoints"], [[0, missing], [0, 0], [0, 0]])
    return {
        "image_id": example["image_id"],
        "size": example["size"],
        "image": tf.ensure_shape(image, [canvas_px, canvas_px, 3]),
        "instance_map": tf.ensure_shape(pixels, [canvas_px, canvas_px]),
        "keypoints": tf.ensure_shape(keypoints, [most_persons, *example["keypoints"].shape[1:]]),
    }
