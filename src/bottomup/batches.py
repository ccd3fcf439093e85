"""Batches: records -> an endless tf.data stream that decodes JPEGs and ships uint8.

The order of the images is a function of (seed, epoch) alone: each epoch is a full permutation of
the subset, read record by record from where the listings say it begins. So a stream can start at
any step, and what a subset leaves out is never read.
"""

import contextlib
import ctypes
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from bottomup.errors import InputError
from bottomup.provenance import file_sha256
from bottomup.records import FORMAT, parse_records, read_record

PADDING_GREY = 127
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h


@dataclass(frozen=True)
class RecordSet:
    """The shards of one split.

    Attributes:
        places: For each image id, the shard and the byte where its record begins.
        longest_side_px: Of all images.
        most_persons: Annotated persons in an image, at most.
    """

    places: Mapping[int, tuple[str, int]]
    longest_side_px: int
    most_persons: int

    @classmethod
    def read(cls, paths: Sequence[Path | str]) -> "RecordSet":
        """Reads the listing beside each shard.

        Raises:
            InputError: A shard is missing, or shorter or longer than its listing says.
        """
        listings = {str(path): _read_listing(Path(path)) for path in paths}
        places = {
            image_id: (path, offset)
            for path, listing in listings.items()
            for image_id, offset in zip(listing["image_ids"], listing["offsets"], strict=True)
        }
        return cls(
            places,
            max(listing["longest_side_px"] for listing in listings.values()),
            max(listing["most_persons"] for listing in listings.values()),
        )


def _read_listing(path: Path) -> dict:
    listing_path = path.with_suffix(".json")
    if not path.is_file() or not listing_path.is_file():
        raise InputError(f"{path}: the record shard or its listing is missing; write it again")
    try:
        listing = json.loads(listing_path.read_text())
    except ValueError as error:
        raise InputError(
            f"{listing_path}: is no JSON ({error}); delete it and the shard and write them again"
        ) from error
    if listing.get("format", 1) != FORMAT:
        raise InputError(
            f"{path}: records of format {listing.get('format', 1)}, this version reads format "
            f"{FORMAT}; delete the shard and its listing and write them again"
        )
    if path.stat().st_size != listing["bytes"]:
        raise InputError(
            f"{path}: {path.stat().st_size} bytes, its listing says {listing['bytes']}; "
            "delete both and write them again"
        )
    return listing


def check_sums(paths: Sequence[Path | str]) -> list[str]:
    """The sha256 of every shard, each read once, as fast as the disk gives it.

    Raises:
        InputError: A shard does not bear the checksum of its listing.
    """
    with ThreadPoolExecutor() as pool:
        sums = list(pool.map(file_sha256, paths))
    for path, found in zip(paths, sums, strict=True):
        promised = _read_listing(Path(path))["sha256"]
        if found != promised:
            raise InputError(
                f"{path}: the record shard is damaged (sha256 {found}, its listing says "
                f"{promised}); delete both, and the same command writes them again"
            )
    return sums


def read_image_list(path: Path | str) -> list[int] | dict[int, int]:
    """The ids of a subset's `images.txt`; where weights stand behind them, the weights by id.

    Raises:
        InputError: A line is neither an id nor an id and a positive weight.
    """
    rows = [line.split() for line in Path(path).read_text().splitlines() if line.strip()]
    lengths = {len(row) for row in rows}
    try:
        if lengths <= {1}:
            return [int(image_id) for (image_id,) in rows]
        weights = {int(image_id): int(weight) for image_id, weight in rows}
    except ValueError:
        weights = {0: 0}
    if any(weight < 1 for weight in weights.values()):
        raise InputError(
            f"{path}: every line must be an image id, or each an id and a positive whole weight; "
            "draw the subset again"
        )
    return weights


def training_batches(
    records: RecordSet,
    image_ids: Sequence[int],
    num_keypoints: int,
    batch: int,
    seed: int,
    start_step: int = 0,
    weights: Sequence[int] | None = None,
) -> tf.data.Dataset:
    """An endless stream of shuffled batches of the chosen images.

    Args:
        records: The record shards.
        image_ids: The images to use; each must have a record.
        num_keypoints: Keypoints a person.
        batch: Images a batch; batches run across the border of epochs.
        seed: With the number of the epoch, decides the order.
        start_step: Batches to skip, for a resumed run.
        weights: How often to draw each image, relative to the others; an epoch then draws as many
            images as there are, with replacement. None takes each once an epoch.

    Returns:
        Batches with image_id int64 [batch]; size int32 [batch, 2]; image uint8 [batch, y, x, 3]
        padded at the right and bottom to the longest side of all; instance_map uint16
        [batch, y, x]; keypoints float32 [batch, person, keypoint, 3] with all-zero rows for
        padding.

    Raises:
        InputError: There is no image, or an image has no record.
    """
    _check_images(records, image_ids)
    return _batches(
        records,
        lambda: _endless_order(image_ids, seed, start_step * batch, weights),
        num_keypoints,
        batch,
    )


def fixed_batches(
    records: RecordSet, image_ids: Sequence[int], num_keypoints: int, batch: int
) -> tf.data.Dataset:
    """One pass over the chosen images in the order given, in batches like `training_batches`.

    The last, short batch is left out.
    """
    _check_images(records, image_ids)
    return _batches(records, lambda: iter(image_ids), num_keypoints, batch)


def _check_images(records: RecordSet, image_ids: Sequence[int]) -> None:
    if not image_ids:
        raise InputError("no images to train on: the subset is empty; loosen its recipe")
    missing = set(image_ids) - records.places.keys()
    if missing:
        raise InputError(
            f"image {min(missing)} of the subset has no record ({len(missing)} missing in all); "
            "write the records of its dataset again"
        )


def _endless_order(
    image_ids: Sequence[int], seed: int, start: int, weights: Sequence[int] | None = None
) -> Iterator[int]:
    """Image ids of epoch after epoch, from example number `start` on."""
    epoch, skipped = divmod(start, len(image_ids))
    shares = None if weights is None else np.array(weights) / sum(weights)
    while True:
        generator = np.random.default_rng([seed, epoch])
        if shares is None:
            order = generator.permutation(image_ids)
        else:
            order = generator.choice(image_ids, len(image_ids), p=shares)
        yield from order[skipped:].tolist()
        epoch, skipped = epoch + 1, 0


def _batches(records: RecordSet, order, num_keypoints: int, batch: int) -> tf.data.Dataset:
    canvas_px, most_persons = records.longest_side_px, max(records.most_persons, 1)
    _keep_freed_memory()

    def serialized() -> Iterator[list[bytes]]:
        ids = order()
        while len(chosen := list(itertools.islice(ids, batch))) == batch:
            yield [read_record(*records.places[image_id]) for image_id in chosen]

    def ready(records_of_batch):
        parsed = parse_records(records_of_batch, num_keypoints, canvas_px, most_persons)
        return parsed | {"image": _images(parsed.pop("jpeg"), parsed["size"], canvas_px)}

    stream = tf.data.Dataset.from_generator(
        serialized, output_signature=tf.TensorSpec([batch], tf.string)
    )
    return stream.map(ready, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(2)


def _images(jpegs: tf.Tensor, sizes: tf.Tensor, canvas_px: int) -> tf.Tensor:
    """Decodes images onto grey squares, uint8 [batch, canvas_px, canvas_px, 3].

    All rows of all squares are put together at once: padding each image and then stacking them
    would copy every pixel once more.
    """
    rows = []
    for jpeg, size in zip(tf.unstack(jpegs), tf.unstack(sizes), strict=True):
        image = _widened(tf.io.decode_jpeg(jpeg, channels=3), canvas_px - size[1])
        grey = tf.fill([canvas_px - size[0], canvas_px, 3], tf.constant(PADDING_GREY, tf.uint8))
        rows += [tf.ensure_shape(image, [None, canvas_px, 3]), grey]
    return tf.reshape(tf.concat(rows, axis=0), [len(rows) // 2, canvas_px, canvas_px, 3])


def _widened(image: tf.Tensor, beside: tf.Tensor) -> tf.Tensor:
    """An image with so many grey columns at its right; tf.pad refuses a negative number."""
    padding = [[0, 0], [0, beside], [0, 0]]
    return tf.cond(
        tf.equal(beside, 0),
        lambda: image,
        lambda: tf.pad(image, padding, constant_values=PADDING_GREY),
    )


def _keep_freed_memory() -> None:
    """Tells glibc to use freed memory again instead of giving it back to the kernel.

    Batches are tens of megabytes; to fault their pages in anew took a quarter of the time.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(M_MMAP_THRESHOLD, 2**25)
        library.mallopt(M_TRIM_THRESHOLD, 2**30)
