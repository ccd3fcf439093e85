"""How far keypoints of a person lie from each other: mean and deviation of all ordered pairs.

Lengths are shares of the image's longer side, so that one file serves every size of the network's
input: an image is fitted into it by that side.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bottomup.coco import read_annotations
from bottomup.crops import crop_sides
from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.skeleton import Skeleton

COLUMNS = ("from", "to", "mean_x", "mean_y", "deviation_x", "deviation_y", "persons")
LEAST_PX = 1.0  # a deviation is no smaller, so that nothing is divided by next to nothing


def write_statistics(annotations_path: Path | str, skeleton: Skeleton, out_csv: Path | str) -> None:
    """Measures the persons of a COCO file, each also mirrored, and writes one line a pair.

    A line tells mean and (population) deviation of the way from one keypoint to the other, as a
    share of the image's longer side, and the number of persons with both, mirrored ones included.

    Raises:
        InputError: The file cannot be used, or nobody has two labelled keypoints.
    """
    offsets, present = _offsets(annotations_path, skeleton)
    counts = present.sum(0)
    if not counts.any():
        raise InputError(
            f"{annotations_path}: no person has two labelled keypoints, so there are no offsets to "
            "measure; give annotations of people"
        )
    divisor = np.maximum(counts, 1)[:, None]
    mean = np.where(present[..., None], offsets, 0).sum(0) / divisor
    squares = np.where(present[..., None], (offsets - mean) ** 2, 0).sum(0)
    deviation = np.sqrt(squares / divisor)
    with written_aside(out_csv) as aside, aside.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for n, (a, b) in enumerate(skeleton.ordered_pairs):
            numbers = [f"{value:.6f}" for value in (*mean[n], *deviation[n])]
            writer.writerow([skeleton.keypoints[a], skeleton.keypoints[b], *numbers, counts[n]])


def _offsets(annotations_path: Path | str, skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """Of every person and mirrored person: offsets [person, pair, 2] and which pairs there are."""
    annotations = read_annotations(annotations_path, skeleton)
    people = []
    for image in annotations.images:
        unit = max(image.height, image.width, 2) - 1
        for person in annotations.persons[image.id]:
            if person.annotated:
                people.append(person.keypoints / [unit, unit, 1])
    keypoints = np.array(people, np.float64).reshape(-1, skeleton.num_keypoints, 3)
    mirrored = keypoints[:, skeleton.flip_keypoints] * [-1, 1, 1]
    keypoints = np.concatenate([keypoints, mirrored])
    start, end = (keypoints[:, side] for side in skeleton.ordered_pairs.T)
    present = (start[..., 2] > 0) & (end[..., 2] > 0)
    return (end - start)[..., :2], present


def read_statistics(path: Path | str, skeleton: Skeleton, side_px: int) -> dict[str, list]:
    """What `write_statistics` wrote, in px of an input whose longer side is `side_px`.

    Returns:
        `mean` and `deviation`, each [pair][2]; of a pair that nobody has, 0 and the mean deviation.

    Raises:
        InputError: The file is missing, or is of another skeleton.
    """
    rows = _read_rows(path)
    names = [(skeleton.keypoints[a], skeleton.keypoints[b]) for a, b in skeleton.ordered_pairs]
    if {(row["from"], row["to"]) for row in rows} != set(names):
        raise InputError(
            f"{path}: the pairs are not those of skeleton {skeleton.name!r}; measure a dataset "
            "with this skeleton"
        )
    by_pair = {(row["from"], row["to"]): row for row in rows}
    values = np.array([[float(by_pair[name][column]) for column in COLUMNS[2:]] for name in names])
    seen = values[:, 4] > 0
    deviation = values[:, 2:4] * (side_px - 1)
    deviation[~seen] = deviation[seen].mean(0) if seen.any() else 1
    return {
        "mean": (values[:, :2] * (side_px - 1)).tolist(),
        "deviation": np.maximum(deviation, LEAST_PX).tolist(),
    }


def _read_rows(path: Path | str) -> list[dict]:
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
            if rows and set(COLUMNS) <= set(rows[0]):
                return rows
            problem = f"it lacks the columns {COLUMNS}"
    except OSError as error:
        problem = str(error)
    raise InputError(
        f"{path}: no pairwise statistics here ({problem}); let the rule measure_pairs write them"
    )


def with_statistics(settings: Mapping, path: Path | str | None, skeleton: Skeleton) -> dict:
    """An experiment's settings with the statistics in place of the name that asks for them.

    Args:
        settings: The keys of an experiment.
        path: What `write_statistics` wrote, or None where the system needs none.
        skeleton: The experiment's.
    """
    if path is None:
        return dict(settings)
    found = read_statistics(path, skeleton, max(crop_sides(settings)))
    return {
        **settings,
        "system_options": {**settings["system_options"], "pairwise_statistics": found},
    }
