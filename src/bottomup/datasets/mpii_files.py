"""MPII Human Pose (Andriluka et al. 2014): its annotation files, read.

Two forms are read: the official `mpii_human_pose_v1_u12_1.mat`, with its structures of MATLAB, and
the JSON lists of one person a row that are common since (they lack the boxes of heads). Coordinates
of both count from 1, as MATLAB does; what is returned counts from 0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from scipy.io.matlab import MatReadError

from bottomup.datasets.source import read_json
from bottomup.errors import InputError

# By MPII's keypoint id.
KEYPOINTS = (
    *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
    *("pelvis", "thorax", "upper_neck", "head_top"),
    *("right_wrist", "right_elbow", "right_shoulder"),
    *("left_shoulder", "left_elbow", "left_wrist"),
)
REMEDY = "place MPII's annotation file there"


@dataclass(frozen=True)
class LabelledPerson:
    """One person: x, y and COCO's visibility by name, and left, top, right, bottom of the head."""

    points: Mapping[str, tuple[float, float, int]]
    head: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Picture:
    """One image of the training set; `video` is what it was taken from, by MPII's number."""

    file_name: str
    video: str
    people: tuple[LabelledPerson, ...]


def read_pictures(path: Path) -> list[Picture]:
    """All training images in the order of the file; those of MPII's test set have no people.

    Raises:
        InputError: The file is missing or of another form.
    """
    if path.suffix.lower() == ".mat":
        return list(_from_mat(_release(path), path))
    return _from_rows(read_json(path, REMEDY), path)


def _from_rows(rows: Any, path: Path) -> list[Picture]:
    """One person a row: `image`, `joints` [16][2], `joints_vis` [16]."""
    if not isinstance(rows, list):
        raise InputError(f"{path}: holds a {type(rows).__name__}, not a list of people; {REMEDY}")
    people: dict[str, list[LabelledPerson]] = {}
    for number, row in enumerate(rows):
        try:
            joints = np.array(row["joints"], float)
            shown = np.array(row["joints_vis"], float) > 0
            if joints.shape != (16, 2) or shown.shape != (16,) or not np.isfinite(joints).all():
                raise ValueError(f"joints of shape {joints.shape}")
            name = str(row["image"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: row {number} is no person of MPII ({error!r}); give image, 16 joints of "
                "x and y, and 16 joints_vis"
            ) from error
        points = zip(KEYPOINTS, joints.tolist(), shown, strict=True)
        found = {keypoint: (x - 1, y - 1, 2) for keypoint, (x, y), seen in points if seen}
        people.setdefault(name, []).append(LabelledPerson(found))
    return [Picture(name, name, tuple(group)) for name, group in people.items()]


def _release(path: Path) -> Any:
    try:
        content = scipy.io.loadmat(path, struct_as_record=False, squeeze_me=True)
        release = content["RELEASE"]
        if not (hasattr(release, "annolist") and hasattr(release, "img_train")):
            raise KeyError("annolist, img_train")
    except (OSError, ValueError, KeyError, NotImplementedError, MatReadError) as error:
        raise InputError(f"{path}: cannot be read as MPII's .mat file ({error!r}); {REMEDY}") from (
            error
        )
    return release


def _from_mat(release: Any, path: Path) -> Iterator[Picture]:
    entries, chosen = _listed(release.annolist), np.atleast_1d(release.img_train)
    if len(entries) != len(chosen):
        raise InputError(
            f"{path}: {len(entries)} images in annolist and {len(chosen)} in img_train; {REMEDY}"
        )
    for entry, train in zip(entries, chosen, strict=True):
        if train:
            name = str(entry.image.name)
            video = getattr(entry, "vididx", None)
            people = tuple(_figure(rectangle) for rectangle in _listed(entry.annorect))
            yield Picture(name, str(video) if np.size(video) == 1 else name, people)


def _figure(rectangle: Any) -> LabelledPerson:
    """A person's rectangle; MATLAB leaves an empty array where there is nothing."""
    points = {}
    annotated = getattr(rectangle, "annopoints", None)
    for point in _listed(getattr(annotated, "point", None)):
        visible = getattr(point, "is_visible", None)
        # Empty where nobody said; the text "1" or the number 1 where it is seen.
        seen = np.size(visible) == 1 and str(visible) in ("1", "1.0", "True")
        points[KEYPOINTS[int(point.id)]] = (float(point.x) - 1, float(point.y) - 1, 1 + seen)
    sides = [getattr(rectangle, key, None) for key in ("x1", "y1", "x2", "y2")]
    if any(side is None or np.size(side) != 1 for side in sides):
        return LabelledPerson(points)
    left, top, right, bottom = (float(side) - 1 for side in sides)
    box = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
    return LabelledPerson(points, box if box[2] > box[0] and box[3] > box[1] else None)


def _listed(value: Any) -> list:
    """The elements of a MATLAB structure array, which is bare if it has one element."""
    if value is None:
        return []
    elements = np.atleast_1d(value).ravel().tolist() if np.size(value) else []
    return [element for element in elements if hasattr(element, "_fieldnames")]
