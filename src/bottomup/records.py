"""Records: one TFRecord example an image, written and parsed side by side.

A record holds what training needs and nothing that can be computed on the device: the JPEG as
published, the keypoints of the annotated persons, and the instance map. One set of records serves
every subset of a dataset: a subset is a list of image ids.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from bottomup.coco import Person, person_mask, read_annotations
from bottomup.errors import InputError
from bottomup.fields.grid import CROWD, OVERLAP, PERSON_BITS, UNANNOTATED
from bottomup.files import written_aside
from bottomup.skeleton import Skeleton

# TFRecord framing: length (8 bytes) and its checksum (4) before the data, a checksum (4) after.
LENGTH_BYTES, FRAME_BYTES = 8, 16

FEATURES = {
    "image_id": tf.io.FixedLenFeature([], tf.int64),
    "size": tf.io.FixedLenFeature([2], tf.int64),
    "jpeg": tf.io.FixedLenFeature([], tf.string),
    "instance_map_png": tf.io.FixedLenFeature([], tf.string),
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


def write_records(
    annotations_path: Path | str,
    skeleton: Skeleton,
    images_dir: Path | str,
    out_path: Path | str,
    shard: int,
    shards: int,
) -> None:
    """Writes one shard of a split: image n of the list, sorted by id, goes to shard n % shards.

    Beside `out_path` a JSON file of the same stem lists what the shard holds: image ids and where
    their records begin, the longest image side in px, the most annotated persons in an image, the
    bytes and the sha256.
    """
    annotations = read_annotations(annotations_path, skeleton)
    images = annotations.images[shard::shards]
    out_path = Path(out_path)
    offsets, end = [], 0
    with written_aside(out_path) as aside, tf.io.TFRecordWriter(str(aside)) as writer:
        for image in images:
            persons = annotations.persons[image.id]
            jpeg = (Path(images_dir) / image.file_name).read_bytes()
            serialized = _example(image, persons, jpeg, skeleton).SerializeToString()
            writer.write(serialized)
            offsets.append(end)
            end += len(serialized) + FRAME_BYTES
    persons = [annotations.persons[image.id] for image in images]
    contents = {
        "image_ids": [image.id for image in images],
        "offsets": offsets,
        "longest_side_px": max((max(image.height, image.width) for image in images), default=1),
        "most_persons": max((sum(p.annotated for p in group) for group in persons), default=0),
        "bytes": out_path.stat().st_size,
        "sha256": _sha256(out_path),
    }
    with written_aside(out_path.with_suffix(".json")) as aside:
        aside.write_text(json.dumps(contents))


def _example(image, persons, jpeg: bytes, skeleton: Skeleton) -> tf.train.Example:
    pixels = instance_map(persons, image.height, image.width).astype(np.uint16)
    png = tf.io.encode_png(pixels[:, :, None]).numpy()
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
                "instance_map_png": text(png),
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


def parse_record(serialized: tf.Tensor, num_keypoints: int) -> dict[str, tf.Tensor]:
    """Decodes one record.

    Returns:
        image_id int64 []; size int32 [2] (height, width); image uint8 [y, x, 3];
        instance_map uint16 [y, x]; keypoints float32 [person, keypoint, 3] in image pixels.
    """
    values = tf.io.parse_single_example(serialized, FEATURES)
    pixels = tf.io.decode_png(values["instance_map_png"], channels=1, dtype=tf.uint16)
    return {
        "image_id": values["image_id"],
        "size": tf.cast(values["size"], tf.int32),
        "image": tf.io.decode_jpeg(values["jpeg"], channels=3),
        "instance_map": pixels[:, :, 0],
        "keypoints": tf.reshape(values["keypoints"], [-1, num_keypoints, 3]),
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
