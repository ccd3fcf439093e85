"""Made-up people: a seeded generator of scenes with COCO annotations.

The shares of images without people and with one, two, three … people are met exactly (up to
rounding). Each image has a seed of its own, so a split is the same with any number of processes.
Clothing and backgrounds of every split but `train` do not occur in `train`.
"""

import json
import multiprocessing
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from tqdm import tqdm

from bottomup.datasets.coco_rows import person_category
from bottomup.datasets.figure import keypoint_indices
from bottomup.datasets.outline import describe_mask
from bottomup.datasets.scene import Scene, ScenePerson, draw_scene
from bottomup.datasets.source import IDS_PER_SPLIT
from bottomup.datasets.wardrobe import world_of
from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.skeleton import Skeleton

# Shares of 1, 2, ... 13 people among the images with people, as in COCO.
PEOPLE_SHARES = (0.48, 0.19, 0.10, 0.07, 0.04, 0.03, 0.02, 0.02, 0.02, 0.01, 0.01, 0.005, 0.005)
THING_SHARE, STRANGER_SHARE, CROWD_SHARE = 0.15, 0.05, 0.04
RUN_LENGTH_SHARE = 0.08
JPEG_QUALITY = 90
KNOWN_SETTINGS = ("images", "image_side", "seed", "empty_share")


@dataclass(frozen=True)
class Task:
    """One image to draw: its id, how many people, its seed, what to annotate, where to write."""

    image_id: int
    people: int
    split: str
    seed: tuple[int, ...]
    side: int
    keypoints: tuple[int, ...]
    folder: Path

    @property
    def file_name(self) -> str:
        return f"{self.image_id:012d}.jpg"


def make_split(
    settings: Mapping,
    split: str,
    seed: int,
    skeleton: Skeleton,
    images_dir: Path | str,
    annotations_path: Path | str,
    processes: int = 1,
    progress: bool = False,
) -> None:
    """Draws the images of one split and writes their COCO annotations.

    Args:
        settings: `images` (number of images by split name), and optionally `image_side` in px
            (257) and `empty_share`, the share of images without people (0.1).
        split: Name of the split, a key of `images`.
        seed: Seed of everything drawn.
        skeleton: Which keypoints to annotate, in which order.
        images_dir: Folder for the JPEGs, made if absent.
        annotations_path: The COCO JSON file, written last.
        processes: Number of processes; the result does not depend on it.
        progress: Show a progress bar.

    Raises:
        InputError: Unknown setting, split or keypoint.
    """
    tasks = plan_split(settings, split, seed, skeleton, Path(images_dir))
    images_dir = Path(images_dir)
    images_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=images_dir.parent) as aside:
        moved = [Task(**{**vars(task), "folder": Path(aside)}) for task in tasks]
        rows = list(tqdm(_draw_all(moved, processes), split, len(tasks), disable=not progress))
        for task in moved:
            (task.folder / task.file_name).replace(images_dir / task.file_name)
    content = _coco_file(tasks, rows, split, seed, skeleton)
    with written_aside(annotations_path) as path:
        path.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")


def plan_split(
    settings: Mapping, split: str, seed: int, skeleton: Skeleton, folder: Path
) -> list[Task]:
    """The images of a split, each with its number of people.

    Raises:
        InputError: Unknown setting, split or keypoint.
    """
    unknown = sorted(set(settings) - set(KNOWN_SETTINGS))
    if unknown:
        known = ", ".join(KNOWN_SETTINGS)
        raise InputError(f"generator: unknown setting {unknown[0]!r}; use some of {known}")
    if split not in settings["images"]:
        raise InputError(
            f"generator.images: no number of images for split {split!r}; "
            f"there are {', '.join(settings['images'])}"
        )
    keypoints = tuple(keypoint_indices(skeleton.keypoints))
    key = (seed, zlib.crc32(split.encode()))
    rng = np.random.default_rng(np.random.SeedSequence(key))
    people = people_per_image(rng, settings["images"][split], settings.get("empty_share", 0.1))
    first = (list(settings["images"]).index(split) + 1) * IDS_PER_SPLIT + 1
    side = settings.get("image_side", 257)
    return [
        Task(first + k, int(count), split, (*key, k), side, keypoints, folder)
        for k, count in enumerate(people)
    ]


def people_per_image(rng: np.random.Generator, images: int, empty_share: float) -> np.ndarray:
    """Number of people in each image: the shares met up to rounding, in random order."""
    empty = round(images * empty_share)
    exact = np.array(PEOPLE_SHARES) / sum(PEOPLE_SHARES) * (images - empty)
    counts = np.floor(exact).astype(int)
    for index in np.argsort(counts - exact, kind="stable")[: images - empty - counts.sum()]:
        counts[index] += 1
    people = np.repeat(np.arange(len(counts) + 1), [empty, *counts])
    return rng.permutation(people)


def _draw_all(tasks: list[Task], processes: int) -> Iterator[list[dict]]:
    """Rows of `annotations` of every image, in the order of the tasks."""
    if processes <= 1:
        yield from map(draw_image, tasks)
        return
    # Spawned workers would run the caller's main module again; macOS cannot fork safely.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with context.Pool(processes) as pool:
        yield from pool.imap(draw_image, tasks, chunksize=8)


def draw_image(task: Task) -> list[dict]:
    """Draws one image, writes its JPEG, returns its persons as rows of a COCO file, without ids."""
    rng = np.random.default_rng(np.random.SeedSequence(task.seed))
    scene = draw_scene(rng, world_of(task.split), task.side, task.people, _extras(rng, task.people))
    picture = PIL.Image.fromarray(scene.image)
    picture.save(task.folder / task.file_name, quality=JPEG_QUALITY, subsampling=0)
    return _annotation_rows(rng, scene, task)


def _extras(rng: np.random.Generator, people: int) -> dict[str, int]:
    draws = rng.random(3)
    if people == 0:
        return {}
    return {
        "things": int(draws[0] < THING_SHARE),
        "strangers": int(draws[1] < STRANGER_SHARE),
        "crowds": int(draws[2] < CROWD_SHARE),
    }


def _annotation_rows(rng: np.random.Generator, scene: Scene, task: Task) -> list[dict]:
    rows = []
    for person in scene.persons:
        form = "compressed" if rng.random() < RUN_LENGTH_SHARE else "polygons"
        rows.append(
            {
                "image_id": task.image_id,
                "category_id": 1,
                "iscrowd": int(person.crowd),
                **_keypoint_fields(person, task.keypoints),
                **describe_mask(person.mask, "runs" if person.crowd else form),
                **_head_fields(person),
            }
        )
    return rows


def _keypoint_fields(person: ScenePerson, keypoints: tuple[int, ...]) -> dict:
    chosen = person.keypoints[list(keypoints)]
    flat = [
        value
        for x, y, visibility in chosen.tolist()
        for value in (round(x, 2), round(y, 2), int(visibility))
    ]
    return {"keypoints": flat, "num_keypoints": int((chosen[:, 2] > 0).sum())}


def _head_fields(person: ScenePerson) -> dict:
    if person.head_box is None:
        return {}
    return {"head_box": [round(value, 2) for value in person.head_box]}


def _coco_file(
    tasks: list[Task], rows: list[list[dict]], split: str, seed: int, skeleton: Skeleton
) -> dict:
    images = [
        {
            "id": task.image_id,
            "file_name": task.file_name,
            "height": task.side,
            "width": task.side,
            "license": 1,
        }
        for task in tasks
    ]
    first = tasks[0].image_id if tasks else 1
    annotations = [row for image_rows in rows for row in image_rows]
    return {
        "info": {"description": f"Made-up people, split {split}, seed {seed}", "version": "1"},
        "licenses": [{"id": 1, "name": "made by a program; no rights reserved", "url": ""}],
        "images": images,
        "annotations": [{"id": first + k, **row} for k, row in enumerate(annotations)],
        "categories": [person_category(skeleton)],
    }
