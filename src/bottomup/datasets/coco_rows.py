"""Rows of the COCO files that converters write."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import PIL.Image

from bottomup.coco import PERSON, PERSON_ID
from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.skeleton import Skeleton

# What keypoints leave out of a person on each side, as a share of the longer side of their box.
MARGIN = 0.15
# The share of a box that its person covers, as CrowdPose counts (as recalled).
AREA_SHARE = 0.53

Point = tuple[float, float, int]


def image_row(image_id: int, file_name: str, images_dir: Path) -> dict:
    """A row of `images`, the size read from the head of the file.

    Raises:
        InputError: The image is missing or no image.
    """
    path = Path(images_dir) / file_name
    try:
        with PIL.Image.open(path) as picture:
            width, height = picture.size
    except (OSError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise InputError(
            f"{path}: is annotated, and cannot be read as an image ({error}); place it there, or "
            "take it out of the annotations"
        ) from error
    return {"id": image_id, "file_name": file_name, "height": height, "width": width}


def keypoint_fields(points: Mapping[str, Point], skeleton: Skeleton) -> dict:
    """`keypoints` and `num_keypoints` of a person.

    Args:
        points: x and y in px, the first pixel's centre at 0, and COCO's visibility, by name;
            names that the skeleton does not have are left out.
        skeleton: Whose order to write.
    """
    chosen = [points.get(name, (0, 0, 0)) for name in skeleton.keypoints]
    flat = [float(v) if place < 2 else int(v) for p in chosen for place, v in enumerate(p)]
    return {"keypoints": flat, "num_keypoints": sum(p[2] > 0 for p in chosen)}


def box_around(
    xy: Sequence | np.ndarray, image: Mapping, margin: float = 0.0
) -> list[float] | None:
    """The box round some points, cut to the image; None if nothing of it is inside.

    Args:
        xy: [point, 2] in px.
        image: A row of `images`.
        margin: What to add on each side, as a share of the longer side, and at least a pixel.
    """
    points = np.asarray(xy, float).reshape(-1, 2)
    if not len(points):
        return None
    low, high = points.min(0), points.max(0)
    # A single keypoint has no extent, and yet is a person.
    extra = max(margin * (high - low).max(), 1.0) if margin else 0.0
    size = np.array([image["width"], image["height"]], float)
    low, high = np.maximum(low - extra, 0), np.minimum(high + extra, size)
    if (low >= size).any() or (high <= low).any():
        return None
    return [round(float(value), 3) for value in (*low, *(high - low))]


def box_area(box: Sequence[float]) -> float:
    """Area of a person of whom only the box is known, in px squared."""
    return round(AREA_SHARE * box[2] * box[3], 3)


def person_category(skeleton: Skeleton) -> dict:
    """The row of `categories`, edges counted from 1."""
    return {
        "id": PERSON_ID,
        "name": PERSON,
        "supercategory": PERSON,
        "keypoints": list(skeleton.keypoints),
        "skeleton": (skeleton.edge_indices + 1).tolist(),
    }


def write_coco(
    out_path: Path | str,
    images: Sequence[Mapping],
    annotations: Iterable[Mapping],
    skeleton: Skeleton,
) -> None:
    """Writes a COCO file of persons; annotations get ids from 1 on, where they have none."""
    rows = [
        {"id": number, "category_id": PERSON_ID, "iscrowd": 0} | dict(row)
        for number, row in enumerate(annotations, 1)
    ]
    content = {
        "images": list(images),
        "annotations": rows,
        "categories": [person_category(skeleton)],
    }
    with written_aside(out_path) as aside:
        aside.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
