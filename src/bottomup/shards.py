"""Tests in parts: joining the results of shards, and choosing the images that pictures show."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter
from pathlib import Path

from bottomup.census import take_census
from bottomup.coco import read_images, write_subset
from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.skeleton import Skeleton


def merge_results(
    annotations_path: Path | str,
    shard_paths: Sequence[Path | str],
    keypoints_json: Path | str,
    segmentation_json: Path | str,
    joint_json: Path | str,
    times_csv: Path | str,
) -> None:
    """Joins the results of all shards of a split into two COCO result files, sorted by image id.

    Each shard is a JSON file with `keypoints` and `segmentation` (COCO result rows), `images`
    (ids of all images that it looked at, with or without a person found) and `milliseconds` (what
    decoding each took). `joint_json` gets one row for each person with all that was found of it,
    `times_csv` image_id, people (found), milliseconds.

    Raises:
        InputError: An image of the split is in no shard, or an image is in two.
    """
    shards = [json.loads(Path(path).read_text(encoding="utf-8")) for path in shard_paths]
    wanted = {image.id for image in read_images(annotations_path)}
    _check_images(wanted, Counter(i for shard in shards for i in shard["images"]), annotations_path)
    found = {
        task: sorted((row for shard in shards for row in shard[task]), key=itemgetter("image_id"))
        for task in ("keypoints", "segmentation")
    }
    rows_of = {
        keypoints_json: found["keypoints"],
        segmentation_json: found["segmentation"],
        joint_json: joint_rows(**found),
    }
    for out_path, rows in rows_of.items():
        with written_aside(out_path) as aside:
            aside.write_text(json.dumps(rows), encoding="utf-8")
    people = Counter(row["image_id"] for shard in shards for row in shard["keypoints"])
    times = {i: t for s in shards for i, t in zip(s["images"], s["milliseconds"], strict=True)}
    with written_aside(times_csv) as aside:
        lines = [f"{image},{people[image]},{times[image]}\n" for image in sorted(times)]
        aside.write_text("image_id,people,milliseconds\n" + "".join(lines), encoding="ascii")


def joint_rows(keypoints: Sequence[dict], segmentation: Sequence[dict]) -> list[dict]:
    """Keypoints and mask of each person in one row; the keypoints alone of whoever has no mask.

    Raises:
        InputError: A mask belongs to none of the poses, or they are not in the same order.
    """
    names = ("image_id", "score")
    joint, masks = [], list(reversed(segmentation))
    for pose in keypoints:
        same = masks and all(masks[-1][name] == pose[name] for name in names)
        joint.append(pose | masks.pop() if same else dict(pose))
    if masks:
        raise InputError(
            f"a mask of image {masks[-1]['image_id']} with score {masks[-1]['score']} belongs to "
            "no pose; delete the results of this protocol and run again"
        )
    return joint


def _check_images(wanted: set[int], seen: Counter, annotations_path: Path | str) -> None:
    remedy = "delete the results of this protocol and run again"
    for problem, ids in (
        ("in no shard", wanted - set(seen)),
        ("in a shard, but not annotated", set(seen) - wanted),
        ("in two shards", {image for image, count in seen.items() if count > 1}),
    ):
        if ids:
            raise InputError(
                f"{annotations_path}: image {min(ids)} is {problem} ({len(ids)} in all); {remedy}"
            )


def write_samples(
    annotations_path: Path | str, skeleton: Skeleton, count: int, out_path: Path | str
) -> None:
    """Writes the annotations of a few fixed images, spread evenly over those with people.

    Images with the most people of their stretch are taken, since they show most; where no image
    has people, any will do.
    """
    people = take_census(annotations_path, skeleton).people["with_keypoints"]
    pool = [image for image in people if people[image]] or list(people)
    count = min(count, len(pool))
    ends = [len(pool) * n // count for n in range(count + 1)] if count else [0]
    stretches = [pool[start:end] for start, end in pairwise(ends)]
    write_subset(annotations_path, [max(part, key=people.get) for part in stretches], out_path)
