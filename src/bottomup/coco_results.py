"""Ground truth and detections in the form that pycocotools takes, checked."""

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO

from bottomup.coco import PERSON, PERSON_ID, Annotations, Image, Person
from bottomup.errors import InputError
from bottomup.rle import numbers, segmentation_problem, segmentation_rle
from bottomup.skeleton import Skeleton

MASKS_OF_LABELLED = "segmentation_with_keypoints"


def to_coco(*annotations: Annotations) -> COCO:
    """Ground truth for pycocotools from one or several annotation files, persons only.

    Persons get new ids from 1 on: pycocotools takes a match with id 0 for no match. A person
    without a segmentation gets its box as a mask; `for_task` makes it a crowd, which masks may hit
    or leave, where masks are scored.

    Raises:
        InputError: Two files share an image id.
    """
    images = [image for part in annotations for image in part.images]
    [(most_common, count)] = Counter(image.id for image in images).most_common(1) or [(0, 0)]
    if count > 1:
        raise InputError(
            f"image {most_common} is in more than one of "
            f"{', '.join(str(part.path) for part in annotations)}: score them one by one"
        )
    rows = []
    for part in annotations:
        for image in part.images:
            for person in part.persons[image.id]:
                rows.append(_ground_truth_row(len(rows) + 1, person, image))
    return indexed([{"id": i.id, "height": i.height, "width": i.width} for i in images], rows)


def _ground_truth_row(number: int, person: Person, image: Image) -> dict:
    x, y, width, height = (float(value) for value in person.bbox)
    box = [[x, y, x + width, y, x + width, y + height, x, y + height]]
    masked = person.segmentation is not None
    mask = person.segmentation if masked else box
    return {
        "id": number,
        "image_id": person.image_id,
        "category_id": PERSON_ID,
        "keypoints": np.asarray(person.labels, float).reshape(-1),
        "num_keypoints": int((person.labels[:, 2] > 0).sum()),
        "segmentation": segmentation_rle(mask, image.height, image.width),
        "masked": masked,
        "area": float(person.area),
        "bbox": [x, y, width, height],
        "iscrowd": int(person.crowd),
    }


def indexed(images: list[dict], rows: list[dict]) -> COCO:
    """A pycocotools object of images and their annotations or detections."""
    coco = COCO()
    coco.dataset = {
        "images": images,
        "annotations": rows,
        "categories": [{"id": PERSON_ID, "name": PERSON}],
    }
    with silence():
        coco.createIndex()
    return coco


def for_task(ground_truth: COCO, task: str) -> COCO:
    """A copy to score a task on; pycocotools overwrites `ignore`, so whom to ignore is a crowd."""
    rows = [dict(row) for row in ground_truth.dataset["annotations"]]
    for row in rows:
        no_mask = task != "keypoints" and not row["masked"]
        no_keypoints = task == MASKS_OF_LABELLED and row["num_keypoints"] == 0
        if no_mask or no_keypoints:
            row["iscrowd"] = 1
    return indexed(ground_truth.dataset["images"], rows)


def read_results(path: Path | str) -> list[dict]:
    """The rows of a COCO result file.

    Raises:
        InputError: Not a JSON list.
    """
    try:
        rows = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON results ({error})") from error
    if not isinstance(rows, list):
        raise InputError(
            f"{path}: results are a JSON list of detections, not {type(rows).__name__}"
        )
    return rows


def check_rows(
    rows: Sequence[Mapping], ground_truth: COCO, task: str, skeleton: Skeleton, source: str
) -> list[dict]:
    """The person rows with the keys that a task needs, each checked.

    A box in a row is dropped: the area of a detection comes from its keypoints or its mask.

    Raises:
        InputError: An unknown image id, a missing key, a value of the wrong form, or rows of which
            none is a person.
    """
    kept = []
    for number, row in enumerate(rows):
        where = f"{source}: detection {number}"
        if not isinstance(row, Mapping):
            raise InputError(f"{where} is {type(row).__name__}, not an object with image_id, score")
        key = "keypoints" if task == "keypoints" else "segmentation"
        missing = [k for k in ("image_id", "category_id", "score", key) if k not in row]
        if missing:
            raise InputError(f"{where} has no {missing[0]!r}; give every detection one")
        if type(row["image_id"]) is not int or row["image_id"] not in ground_truth.imgs:
            raise InputError(
                f"{where} is of image {row['image_id']!r}, which is not in the split; "
                "score results against the annotations they were made for"
            )
        if row["category_id"] == PERSON_ID:
            kept.append(_checked(row, ground_truth.imgs[row["image_id"]], key, skeleton, where))
    if rows and not kept:
        raise InputError(f"{source}: no detection has category_id {PERSON_ID} (person)")
    return kept


def _checked(row: Mapping, image: Mapping, key: str, skeleton: Skeleton, where: str) -> dict:
    where = f"{where} of image {image['id']}"
    if numbers([row["score"]]) is None:
        raise InputError(f"{where} has score {row['score']!r}; give a finite number")
    if key == "segmentation":
        value = _checked_mask(row[key], image, where)
    else:
        value = numbers(row[key])
        if value is None or len(value) != 3 * skeleton.num_keypoints:
            raise InputError(
                f"{where} has keypoints of a wrong form; give {3 * skeleton.num_keypoints} finite "
                f"numbers: x, y and score of each keypoint of skeleton {skeleton.name!r}"
            )
    return {
        "image_id": image["id"],
        "category_id": PERSON_ID,
        "score": float(row["score"]),
        key: value,
    }


def _checked_mask(value: object, image: Mapping, where: str) -> dict:
    height, width = image["height"], image["width"]
    if not isinstance(value, Mapping):
        raise InputError(f"{where} has no run lengths as segmentation; write size and counts")
    problem = segmentation_problem(value, height, width)
    if problem:
        raise InputError(f"{where} has {problem}")
    return segmentation_rle(value, height, width)


@contextmanager
def silence() -> Iterator[None]:
    """Keeps pycocotools' prints out of the output."""
    with redirect_stdout(io.StringIO()):
        yield
