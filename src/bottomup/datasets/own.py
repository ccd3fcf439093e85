"""Pictures and labels of one's own: a folder and a CSV file, or a folder and COCO-like JSON.

The CSV has one line a keypoint: `image,person,keypoint,x,y` and, if there are hidden keypoints,
`visibility` (1 hidden, 2 seen; 2 where the column is missing). x and y are pixels, the centre of
the first pixel at 0. A line whose cells are empty but for the image (`b.jpg,,,,`) says that nobody
is on it.
"""

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from bottomup.datasets.coco_rows import (
    MARGIN,
    Point,
    box_area,
    box_around,
    image_row,
    keypoint_fields,
    write_coco,
)
from bottomup.datasets.own_json import convert_rows
from bottomup.datasets.source import Source, first_image_id, read_json
from bottomup.errors import InputError

COLUMNS = ("image", "person", "keypoint", "x", "y")
OPTIONAL = "visibility"

Labels = dict[str, dict[str, dict[str, Point]]]


def convert_split(source: Source, out_path: Path | str) -> None:
    """Writes one split as a COCO file.

    Raises:
        InputError: The file is of another form; a line names an unknown keypoint, labels one
            twice, or has a value that is no number; an image is missing.
    """
    if source.annotations.suffix.lower() == ".json":
        remedy = "give COCO-like JSON, or a .csv file"
        images, people = convert_rows(read_json(source.annotations, remedy), source)
    else:
        images, people = _from_csv(read_labels(source), source)
    if not images:
        raise InputError(
            f"{source.annotations}: no image for split {source.split!r}; label some, or correct "
            "conversion.held_out of the dataset's file"
        )
    write_coco(out_path, images, people, source.skeleton)


def read_labels(source: Source) -> Labels:
    """Keypoints by image, person and name.

    Raises:
        InputError: As `convert_split`.
    """
    path = source.annotations
    labels: Labels = {}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            _check_header(reader.fieldnames, path)
            for row in reader:
                _add(labels, row, f"{path}, line {reader.line_num}", source)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV ({error}); save it as UTF-8 CSV") from (
            error
        )
    return labels


def _check_header(header: list[str] | None, path: Path) -> None:
    missing = [name for name in COLUMNS if name not in (header or ())]
    unknown = [name for name in header or () if name not in (*COLUMNS, OPTIONAL)]
    if missing or unknown:
        what = f"has no column {missing[0]!r}" if missing else f"has a column {unknown[0]!r}"
        raise InputError(
            f"{path}: {what}; let the first line be {','.join(COLUMNS)} or "
            f"{','.join(COLUMNS)},{OPTIONAL}"
        )


def _add(labels: Labels, row: dict, where: str, source: Source) -> None:
    """Puts one line into the labels."""
    if None in row or None in row.values():
        raise InputError(f"{where}: has more or fewer cells than the first line; correct it")
    cells = {name: value.strip() for name, value in row.items()}
    if not cells["image"]:
        raise InputError(f"{where}: the cell 'image' is empty; name the file of the image")
    people = labels.setdefault(cells["image"], {})
    if not any(cells[name] for name in COLUMNS[1:]):
        return
    name = cells["keypoint"]
    if name not in source.skeleton.keypoints:
        raise InputError(
            f"{where}: keypoint {name!r} is not in skeleton {source.skeleton.name!r}; "
            f"use one of {', '.join(source.skeleton.keypoints)}"
        )
    points = people.setdefault(cells["person"], {})
    if name in points:
        raise InputError(
            f"{where}: {name!r} of person {cells['person']!r} on {cells['image']!r} is labelled "
            "twice; remove one line, or give the other person another name"
        )
    points[name] = (*(_number(cells, axis, where) for axis in "xy"), _visibility(cells, where))


def _number(cells: dict[str, str], name: str, where: str) -> float:
    try:
        value = float(cells[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {name} is {cells[name]!r}; give a number of pixels")
    return value


def _visibility(cells: dict[str, str], where: str) -> int:
    text = cells.get(OPTIONAL) or "2"
    if text not in ("1", "2"):
        raise InputError(
            f"{where}: visibility is {text!r}; give 1 (hidden) or 2 (seen), and no line at all for "
            "a keypoint that is not labelled"
        )
    return int(text)


def _from_csv(labels: Labels, source: Source) -> tuple[list[dict], list[dict]]:
    images, people = [], []
    for number, name in enumerate(sorted(labels), first_image_id(source.split)):
        if source.keeps(name):
            images.append(image_row(number, name, source.images_dir))
            people += _people(labels[name], images[-1], source)
    return images, people


def _people(persons: dict[str, dict[str, Point]], image: dict, source: Source) -> Iterator[dict]:
    for name, points in persons.items():
        box = box_around([p[:2] for p in points.values()], image, MARGIN)
        if box is None:
            raise InputError(
                f"{source.annotations}: person {name!r} on {image['file_name']!r} lies outside the "
                f"image of {image['width']} x {image['height']} (width x height) pixels; give x "
                "and y in pixels of this image"
            )
        row = {"image_id": image["id"], "bbox": box, "area": box_area(box)}
        yield row | keypoint_fields(points, source.skeleton)
