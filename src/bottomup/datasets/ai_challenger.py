"""AI Challenger 2017, human keypoints: its annotation files as COCO files.

Read are the official list of images, with people by name and visibility 1 (seen), 2 (hidden) and 3
(not in the image), and the form that COCO tools gave it, with keypoint names of its own. Which of
the 14 keypoints are written, and in which places, is a matter of the skeleton's names.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bottomup.datasets.coco_rows import (
    MARGIN,
    box_area,
    box_around,
    image_row,
    keypoint_fields,
    write_coco,
)
from bottomup.datasets.own_json import convert_rows
from bottomup.datasets.source import Source, first_image_id, read_json
from bottomup.errors import InputError
from bottomup.skeleton import AI_CHALLENGER

VISIBILITY = {1: 2, 2: 1, 3: 0}
REMEDY = "place AI Challenger's file there"


def convert_split(source: Source, out_path: Path | str) -> None:
    """Writes the annotations of one split as a COCO file.

    Raises:
        InputError: The file is of another form, or an image is missing.
    """
    source.check_names(AI_CHALLENGER.keypoints)
    content = read_json(source.annotations, REMEDY)
    if isinstance(content, dict):
        images, people = convert_rows(content, source, AI_CHALLENGER.keypoints)
    else:
        images, people = _from_entries(content, source)
    write_coco(out_path, images, people, source.skeleton)


def _from_entries(entries: Any, source: Source) -> tuple[list[dict], list[dict]]:
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{source.annotations}: holds no list of images; {REMEDY}")
    images, people = [], []
    first = first_image_id(source.split)
    for number, entry in enumerate(entries):
        where = f"{source.annotations}: entry {number}"
        try:
            name = f"{entry['image_id']}.jpg"
            boxes, found = entry["human_annotations"], entry["keypoint_annotations"]
            pairs = [(human, boxes[human], found[human]) for human in sorted(found)]
        except (KeyError, TypeError) as error:
            raise InputError(f"{where} is no image of AI Challenger ({error!r}); {REMEDY}") from (
                error
            )
        if source.keeps(name):
            image = image_row(first + number, name, source.images_dir)
            images.append(image)
            people += _people(pairs, image, source, f"{where}, image {entry['image_id']}")
    return images, people


def _people(pairs: list[tuple], image: dict, source: Source, where: str) -> Iterator[dict]:
    for human, box, flat in pairs:
        try:
            values = np.array(flat, float).reshape(14, 3)
            visibility = [VISIBILITY[int(value)] for value in values[:, 2]]
            corners = np.array(box, float).reshape(2, 2)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{where}: {human} has keypoints {str(flat)[:40]} and box {box} ({error!r}); give "
                "14 times x, y and visibility 1, 2 or 3, and left, top, right, bottom"
            ) from error
        points = {
            name: (x, y, seen)
            for name, (x, y, _), seen in zip(
                AI_CHALLENGER.keypoints, values.tolist(), visibility, strict=True
            )
            if seen
        }
        # Some published boxes are empty or upside down; then the keypoints say where they are.
        upright = (corners[1] > corners[0]).all()
        around = box_around(corners, image) if upright else None
        around = around or box_around([p[:2] for p in points.values()], image, MARGIN)
        if around is not None:
            row = {"image_id": image["id"], "bbox": around, "area": box_area(around)}
            yield row | keypoint_fields(points, source.skeleton)
