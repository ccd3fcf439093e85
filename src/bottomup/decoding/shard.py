"""All images of one field file, decoded by several processes."""

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bottomup.coco import keypoint_result, segmentation_result
from bottomup.decoding.decode import decode
from bottomup.decoding.settings import DecoderSettings
from bottomup.errors import InputError
from bottomup.fields.store import image_ids, read_image_fields
from bottomup.files import written_aside
from bottomup.skeleton import Skeleton

SECONDS_BETWEEN_LINES = 30

_warm_process = None  # id of the process that has read all compiled code


def decode_shard(
    fields_h5: Path | str,
    protocol: Mapping,
    skeleton: Mapping,
    out_json: Path | str,
    threads: int = 1,
) -> None:
    """Decodes every image of a field file into COCO result rows.

    Args:
        fields_h5: Fields as `fields.store` writes them.
        protocol: `decoder` holds the keys of `DecoderSettings`.
        skeleton: The skeleton as a dictionary.
        out_json: Gets `keypoints` and `segmentation`, COCO result rows, `images`, all ids, and
            `milliseconds`, what decoding each of them took of one process's time.
        threads: Number of processes.

    Raises:
        InputError: The file is damaged, or does not fit skeleton or settings.
    """
    settings = DecoderSettings.from_dict(protocol["decoder"])
    work = partial(_decode_image, fields_h5, Skeleton.from_dict(skeleton), settings)
    ids = image_ids(fields_h5)
    merged = {"keypoints": [], "segmentation": [], "images": ids, "milliseconds": []}
    if threads > 1 and len(ids) > 1:
        with multiprocessing.get_context("fork").Pool(min(threads, len(ids))) as pool:
            _collect(pool.imap(work, ids), merged)
    else:
        _collect(map(work, ids), merged)
    with written_aside(out_json) as aside:
        aside.write_text(json.dumps(merged), encoding="utf-8")


def _collect(results, merged: dict) -> None:
    """Gathers the rows of all images, telling now and then how far it is."""
    total, told = len(merged["images"]), time.monotonic()
    for done, (keypoints, segmentation, milliseconds) in enumerate(results, 1):
        merged["milliseconds"].append(milliseconds)
        merged["keypoints"] += keypoints
        merged["segmentation"] += segmentation
        if time.monotonic() - told > SECONDS_BETWEEN_LINES:
            told = time.monotonic()
            print(f"decoded {done} of {total} images", file=sys.stderr, flush=True)


def _decode_image(
    fields_h5: Path | str, skeleton: Skeleton, settings: DecoderSettings, image_id: int
) -> tuple[list[dict], list[dict], float]:
    global _warm_process
    fields, frame = read_image_fields(fields_h5, image_id)
    try:
        # Reading compiled code takes seconds and is no image's: until somebody is found once, a
        # process decodes its images twice.
        if _warm_process != os.getpid() and decode(fields, skeleton, settings, frame):
            _warm_process = os.getpid()
        before = time.process_time()
        people = decode(fields, skeleton, settings, frame)
        spent = time.process_time()
    except InputError as error:
        raise InputError(f"{fields_h5}: image {image_id}: {error}") from error
    return (
        [keypoint_result(image_id, person.keypoints, person.score) for person in people],
        [
            segmentation_result(image_id, person.mask, person.score)
            for person in people
            if person.mask is not None
        ],
        round(1000 * (spent - before), 3),
    )
