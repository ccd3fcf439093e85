"""COCO-like JSON of any origin, completed: sizes, boxes, areas, and keypoints by their names."""

from collections.abc import Mapping
from typing import Any

from bottomup.coco import PERSON_ID
from bottomup.datasets.coco_rows import (
    MARGIN,
    Point,
    box_area,
    box_around,
    image_row,
    keypoint_fields,
)
from bottomup.datasets.source import Source
from bottomup.errors import InputError
from bottomup.person import brief, is_whole
from bottomup.rle import numbers


def convert_rows(
    content: Any, source: Source, left_out: tuple[str, ...] = ()
) -> tuple[list[dict], list[dict]]:
    """The images and people of a COCO-like file, in the order of the skeleton's keypoints.

    What a row lacks is filled in: height and width from the image, `bbox` from the keypoints,
    `area` from the box, `iscrowd` 0. What it has stays. Keypoints are found by the names that the
    category lists, in lower case with underscores.

    Args:
        content: What the file holds.
        source: Where it comes from.
        left_out: Names in the file that the skeleton need not have, beside those of the setting
            `left_out`.

    Raises:
        InputError: A list or a category is missing, or a row is malformed.
    """
    path = source.annotations
    lists = [None]
    if isinstance(content, dict):
        lists = [content.get(key) for key in ("images", "annotations")]
    if not all(isinstance(part, list) and part for part in lists):
        raise InputError(f"{path}: needs the lists 'images' and 'annotations', neither empty")
    names, category = _keypoint_names(content, source, left_out)
    images, listed = {}, set()
    for row in lists[0]:
        named = isinstance(row, dict) and isinstance(row.get("file_name"), str)
        if not named or not is_whole(row.get("id")):
            raise InputError(
                f"{path}: image {brief(row)} needs a whole number as id, and a file_name; add them"
            )
        if row["id"] in listed:
            raise InputError(f"{path}: image id {row['id']} is there twice; give each its own id")
        listed.add(row["id"])
        if source.keeps(row["file_name"]):
            images[row["id"]] = image_row(row["id"], row["file_name"], source.images_dir) | row
    people = []
    for number, row in enumerate(lists[1]):
        where = f"{path}: annotations[{number}]"
        image_id = row.get("image_id") if isinstance(row, dict) else None
        if not is_whole(image_id) or image_id not in listed:
            raise InputError(
                f"{where} is of image {brief(image_id)}, which is not in 'images'; add the image "
                "or remove the annotation"
            )
        if image_id in images and row.get("category_id", category) == category:
            people.append(_person(row, images[image_id], names, source, where))
    return list(images.values()), people


def _keypoint_names(
    content: Mapping, source: Source, left_out: tuple[str, ...]
) -> tuple[list[str], int]:
    """Names of the keypoints in the file, and the id of the category of people."""
    found = [
        row for row in content.get("categories") or [] if isinstance(row, dict) and "id" in row
    ]
    found = [row for row in found if row.get("name") == "person"] or found
    if len(found) != 1:
        raise InputError(
            f"{source.annotations}: 'categories' must hold 'person' with its id and the list of "
            f"its 'keypoints', but holds {brief(content.get('categories'))}; add it"
        )
    names = found[0].get("keypoints") or source.skeleton.keypoints
    names = [str(name).strip().lower().replace(" ", "_") for name in names]
    left_out = (*left_out, *source.settings.get("left_out", ()))
    unknown = set(names) - set(source.skeleton.keypoints) - set(left_out)
    if unknown:
        raise InputError(
            f"{source.annotations}: keypoint {min(unknown)!r} is not in skeleton "
            f"{source.skeleton.name!r}; name it there, or list it under conversion.left_out"
        )
    source.check_names(tuple(names))
    return names, found[0]["id"]


def _person(row: dict, image: dict, names: list[str], source: Source, where: str) -> dict:
    flat = numbers(row["keypoints"]) if "keypoints" in row else []
    if flat is None or len(flat) not in (0, 3 * len(names)):
        raise InputError(
            f"{where} has keypoints {brief(row['keypoints'])}; give x, y and visibility of each of "
            f"the {len(names)} keypoints of its category"
        )
    triples = [tuple(flat[k : k + 3]) for k in range(0, len(flat), 3)]
    points: dict[str, Point] = {
        name: (x, y, int(v))
        for name, (x, y, v) in zip(names[: len(triples)], triples, strict=True)
        if v > 0
    }
    kept = dict(row) | keypoint_fields(points, source.skeleton)
    if kept.get("bbox") is None:
        kept["bbox"] = box_around([p[:2] for p in points.values()], image, MARGIN)
    if kept["bbox"] is None:
        raise InputError(f"{where} has no bbox and no labelled keypoint inside its image; give one")
    kept.setdefault("area", box_area(kept["bbox"]))
    kept.setdefault("iscrowd", 0)
    return kept | {"category_id": PERSON_ID}
