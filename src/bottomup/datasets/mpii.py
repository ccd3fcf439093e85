"""MPII Human Pose (Andriluka et al. 2014): its training images as a COCO file.

The labels of MPII's own test set were never published, so a share of the training images, all
frames of a video together, is held out to test on (`conversion.held_out`).

Beside COCO's keys a person has `head_box`, the measure of PCKh, and an image `groups`: a box round
each group of people who stand together, in which people are scored as MPII scores groups. Its
published groups are those of its test set; here people form a group if their boxes touch.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse.csgraph import connected_components

from bottomup.datasets.coco_rows import (
    MARGIN,
    box_area,
    box_around,
    image_row,
    keypoint_fields,
    write_coco,
)
from bottomup.datasets.mpii_files import KEYPOINTS, LabelledPerson, read_pictures
from bottomup.datasets.source import Source, first_image_id
from bottomup.errors import InputError


def convert_split(source: Source, out_path: Path | str) -> None:
    """Writes one split as a COCO file.

    Raises:
        InputError: The file is of another form, the skeleton names an unknown keypoint, an image
            is missing, or no image is left.
    """
    source.check_names(KEYPOINTS)
    pictures = [p for p in read_pictures(source.annotations) if source.keeps(p.video)]
    images, people = [], []
    for number, picture in enumerate(
        sorted(pictures, key=lambda p: p.file_name), first_image_id(source.split)
    ):
        image = image_row(number, picture.file_name, source.images_dir)
        rows = [row for person in picture.people if (row := _row(person, image, source))]
        images.append(image | {"groups": groups([row["bbox"] for row in rows])})
        people += rows
    if not images:
        raise InputError(
            f"{source.annotations}: holds no training image for split {source.split!r}; correct "
            "conversion.held_out of the dataset's file"
        )
    write_coco(out_path, images, people, source.skeleton)


def _row(person: LabelledPerson, image: dict, source: Source) -> dict | None:
    """A row of `annotations`; None for a rectangle that holds nothing inside the image."""
    corners = np.reshape(person.head or [], (-1, 2)).tolist()
    places = [point[:2] for point in person.points.values()]
    box = box_around([*places, *corners], image, MARGIN if places else 0)
    if box is None:
        return None
    row = {"image_id": image["id"], "bbox": box, "area": box_area(box)}
    row |= keypoint_fields(person.points, source.skeleton)
    if person.head:
        left, top, right, bottom = person.head
        row["head_box"] = [left, top, right - left, bottom - top]
    return row


def groups(boxes: Sequence[Sequence[float]]) -> list[list[float]]:
    """The box [x, y, width, height] round every group of at least two people whose boxes touch.

    People are of one group if a chain of boxes that touch leads from one to the other.
    """
    corners = np.array(boxes, float).reshape(-1, 4)
    low, high = corners[:, :2], corners[:, :2] + corners[:, 2:]
    touching = (low[:, None] <= high).all(-1) & (low <= high[:, None]).all(-1)
    count, group = connected_components(touching) if len(boxes) else (0, np.zeros(0, int))
    members = [group == number for number in range(count) if (group == number).sum() > 1]
    around = [(low[own].min(0), high[own].max(0)) for own in members]
    return [[*first.tolist(), *(last - first).tolist()] for first, last in around]
