"""Records: one TFRecord example an image, written and parsed side by side.

A record holds what training needs and nothing that can be computed on the device: the JPEG as
published, the keypoints of the annotated persons, and the instance map. One set of records serves
every subset of a dataset: a subset is a list of image ids.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from bottomup.coco import Person, person_mask, read_annotations, read_images
from bottomup.errors import InputError
from bottomup.fields.grid import CROWD, OVERLAP, PERSON_BITS, UNANNOTATED
from bottomup.files import written_aside
from bottomup.provenance import file_sha256
from bottomup.skeleton import Skeleton

# TFRecord framing: length (8 bytes) and its checksum (4) before the data, a checksum (4) after.
LENGTH_BYTES, FRAME_BYTES = 8, 16
# Counted up when a record's content changes, so that old records are refused and not misread.
FORMAT = 2
ALIGNMENT = 64  # bytes

FEATURES = {
    "image_id": tf.io.FixedLenFeature([], tf.int64),
    "size": tf.io.FixedLenFeature([2], tf.int64),
    "jpeg": tf.io.FixedLenFeature([], tf.string),
    "instance_values": tf.io.FixedLenFeature([], tf.string),
    "instance_lengths": tf.io.FixedLenFeature([], tf.string),
    "keypoints": tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True),
}


def annotated_keypoints(persons: Sequence[Person], skeleton: Skeleton) -> np.ndarray:
    """Keypoints of the annotated persons, in the order that instance maps number them.

    Returns:
        float32 [person, keypoint, 3]: x, y in image pixels and visibility 0, 1 or 2.
    """
    keypoints = [person.keypoints for person in persons if person.annotated]
    return np.asarray(keypoints, np.float32).reshape(-1, skeleton.num_keypoints, 3)


def instance_map(persons: Sequence[Person], height: int, width: int) -> np.ndarray:
    """Which person covers each pixel, and what kind of pixel it is.

    Returns:
        int32 [y, x]: the low 12 bits hold 1 + the index of the annotated person that alone covers
        the pixel; the bits CROWD, UNANNOTATED and OVERLAP of `fields.grid` may be set above them.

    Raises:
        InputError: More annotated persons than 12 bits can number.
    """
    index = np.zeros((height, width), np.int32)
    covered = np.zeros((height, width), np.int32)
    flags = np.zeros((height, width), np.int32)
    number = 0
    for person in persons:
        mask = person_mask(person, height, width)
        if person.crowd:
            flags[mask] |= CROWD
            continue
        covered += mask
        if person.annotated:
            number += 1
            index[mask] = number
        else:
            flags[mask] |= UNANNOTATED
    if number > PERSON_BITS:
        raise InputError(
            f"image {persons[0].image_id}: {number} annotated persons, at most {PERSON_BITS} fit; "
            "split the image"
        )
    flags[covered > 1] |= OVERLAP
    alone = (covered == 1) & (flags & UNANNOTATED == 0)
    return np.where(alone, index, 0) | flags


def runs(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An instance map as runs of equal pixels, row after row.

    Returns:
        Values, of the map's number format, and lengths, uint32. A PNG is a third smaller, but to
        decode one costs two thirds of decoding the JPEG.
    """
    flat = pixels.ravel()
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    return flat[starts], np.diff(starts, append=flat.size).astype("<u4")


def canvases(values, lengths, sizes: np.ndarray, canvas_px: int) -> np.ndarray:
    """The inverse of `runs`, each map at the upper left of a square of zeros.

    Args:
        values: Bytes of uint16, one string a map.
        lengths: Bytes of uint32, likewise.
        sizes: [map, 2] height and width.
        canvas_px: Side of the square.

    Returns:
        uint16 [map, canvas_px, canvas_px].
    """
    out = _aligned((len(sizes), canvas_px, canvas_px))
    for canvas, value, length, (height, width) in zip(out, values, lengths, sizes, strict=True):
        flat = np.repeat(np.frombuffer(value, "<u2"), np.frombuffer(length, "<u4"))
        canvas[:height, :width] = flat.reshape(height, width)
        canvas[:height, width:] = 0
        canvas[height:] = 0
    return out


def _aligned(shape: tuple[int, ...]) -> np.ndarray:
    """An empty uint16 array that TensorFlow takes over without a copy."""
    memory = np.empty(2 * int(np.prod(shape)) + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + 2 * int(np.prod(shape))].view(np.uint16).reshape(shape)


def write_records(
    annotations_path: Path | str,
    skeleton: Skeleton,
    images_dir: Path | str,
    out_path: Path | str,
    shard: int,
    shards: int,
) -> None:
    """Writes one shard of a split: image n of the list, sorted by id, goes to shard n % shards.

    Beside `out_path` a JSON file of the same stem lists what the shard holds: its format, image ids
    and where their records begin, the longest image side in px, the most annotated persons in an
    image, the bytes and the sha256.
    """
    images = read_images(annotations_path)[shard::shards]
    annotations = read_annotations(annotations_path, skeleton, {image.id for image in images})
    out_path = Path(out_path)
    offsets, end = [], 0
    with written_aside(out_path) as aside, tf.io.TFRecordWriter(str(aside)) as writer:
        for image in images:
            persons = annotations.persons[image.id]
            jpeg = (Path(images_dir) / image.file_name).read_bytes()
            serialized = _example(image, persons, jpeg, skeleton).SerializeToString(
                deterministic=True
            )
            writer.write(serialized)
            offsets.append(end)
            end += len(serialized) + FRAME_BYTES
    persons = [annotations.persons[image.id] for image in images]
    contents = {
        "format": FORMAT,
        "image_ids": [image.id for image in images],
        "offsets": offsets,
        "longest_side_px": max((max(image.height, image.width) for image in images), default=1),
        "most_persons": max((sum(p.annotated for p in group) for group in persons), default=0),
        "bytes": out_path.stat().st_size,
        "sha256": file_sha256(out_path),
    }
    with written_aside(out_path.with_suffix(".json")) as aside:
        aside.write_text(json.dumps(contents))


def _example(image, persons, jpeg: bytes, skeleton: Skeleton) -> tf.train.Example:
    pixels = instance_map(persons, image.height, image.width).astype(np.uint16)
    values, lengths = runs(pixels)
    keypoints = annotated_keypoints(persons, skeleton).ravel()

    def integers(*values):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    def text(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    return tf.train.Example(
        features=tf.train.Features(
            feature={
                "image_id": integers(image.id),
                "size": integers(image.height, image.width),
                "jpeg": text(jpeg),
                "instance_values": text(values.tobytes()),
                "instance_lengths": text(lengths.tobytes()),
                "keypoints": tf.train.Feature(float_list=tf.train.FloatList(value=keypoints)),
            }
        )
    )


def read_record(path: str, offset: int) -> bytes:
    """The serialized record that begins at a byte offset of a shard.

    Raises:
        InputError: The shard ends before the record does.
    """
    with open(path, "rb") as file:
        file.seek(offset)
        head = file.read(LENGTH_BYTES + 4)
        length = int.from_bytes(head[:LENGTH_BYTES], "little")
        # A damaged length may be any number; only what can be there is read.
        data = file.read(min(length, Path(path).stat().st_size))
    if len(head) < LENGTH_BYTES + 4 or len(data) < length:
        raise InputError(f"{path}: no whole record at byte {offset}; write the records again")
    return data


def parse_records(
    serialized: tf.Tensor, num_keypoints: int, canvas_px: int, most_persons: int
) -> dict[str, tf.Tensor]:
    """All of a batch of records but the pixels of its images.

    Args:
        serialized: As `read_record` gives them, [batch].
        num_keypoints: Keypoints a person.
        canvas_px: Side of the squares that instance maps are laid upon; no image is larger.
        most_persons: Rows of the keypoints; no image has more.

    Returns:
        image_id int64 [batch]; size int32 [batch, 2] (height, width); jpeg string [batch];
        instance_map uint16 [batch, canvas_px, canvas_px], zero beside the image; keypoints float32
        [batch, person, keypoint, 3] in image pixels, all-zero rows for padding.
    """
    values = tf.io.parse_example(serialized, FEATURES)
    size = tf.cast(values["size"], tf.int32)
    # NumPy repeats values a hundred times faster than TensorFlow does.
    maps = tf.numpy_function(
        canvases,
        [values["instance_values"], values["instance_lengths"], size, canvas_px],
        tf.uint16,
        stateful=False,
    )
    batch, numbers = serialized.shape[0], 3 * num_keypoints * most_persons
    missing = numbers - tf.shape(values["keypoints"])[1]
    keypoints = tf.pad(values["keypoints"], [[0, 0], [0, missing]])
    return {
        "image_id": values["image_id"],
        "size": size,
        "jpeg": values["jpeg"],
        "instance_map": tf.ensure_shape(maps, [batch, canvas_px, canvas_px]),
        "keypoints": tf.reshape(keypoints, [batch, most_persons, num_keypoints, 3]),
    }
