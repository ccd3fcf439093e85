"""One row of a COCO file each: an image, a person; read and checked."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bottomup.errors import InputError
from bottomup.rle import numbers, segmentation_problem
from bottomup.skeleton import Skeleton

MAX_SIDE = 65535  # of a JPEG
MAX_COORDINATE = 1 << 24  # px; up to here float32 holds every whole number


@dataclass(frozen=True)
class Image:
    """One image of a dataset; height and width in pixels."""

    id: int
    file_name: str
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class Person:
    """One annotated person or crowd region.

    Attributes:
        id: Annotation id.
        image_id: Id of the image.
        keypoints: float32 [keypoint, 3]: x, y in image pixels and the visibility, 0 (unlabelled;
            x = y = 0), 1 (hidden) or 2 (visible).
        segmentation: As in the file: polygons, run lengths, compressed run lengths, or None.
        area: Square pixels.
        bbox: x, y, width, height in pixels.
        crowd: A region of several people, to be ignored.
    """

    id: int
    image_id: int
    keypoints: np.ndarray
    segmentation: list | dict | None
    area: float
    bbox: tuple[float, float, float, float]
    crowd: bool

    @property
    def labelled(self) -> int:
        """Number of labelled keypoints, hidden ones included."""
        return int((self.keypoints[:, 2] > 0).sum())

    @property
    def annotated(self) -> bool:
        """Whether this is one person with at least one labelled keypoint."""
        return not self.crowd and self.labelled > 0


def read_image(row: dict, path: Path) -> Image:
    """Checks a row of `images`; `path` is the file it comes from, for the message."""
    image_id, name = row.get("id"), row.get("file_name")
    if not is_id(image_id):
        raise InputError(
            f"{path}: an image has id {brief(image_id)} (file_name {brief(name)}); "
            "give every image a whole number"
        )
    if not isinstance(name, str) or not name:
        raise InputError(
            f"{path}: image {image_id} has file_name {brief(name)}; give the name of its file"
        )
    for key in ("height", "width"):
        if not is_id(row.get(key)) or not 1 <= row[key] <= MAX_SIDE:
            raise InputError(
                f"{path}: image {image_id} has {key} {brief(row.get(key))}; "
                f"give a whole number of pixels from 1 to {MAX_SIDE}"
            )
    return Image(image_id, name, row["height"], row["width"])


def read_person(row: dict, image: Image, skeleton: Skeleton, path: Path) -> Person:
    """Checks a row of `annotations` that has an id; `path` is its file, for the message."""
    where = f"{path}: annotation {row['id']} of image {image.id}"
    crowd = row.get("iscrowd")
    if crowd not in (0, 1):
        raise InputError(f"{where} has iscrowd {brief(crowd)}; give 0 or 1")
    area = numbers([row.get("area")])
    if area is None or area[0] < 0:
        found = f"area {brief(row['area'])}" if "area" in row else "no 'area'"
        raise InputError(f"{where} has {found}; give the person's area in square pixels")
    segmentation = row.get("segmentation")
    problem = segmentation_problem(segmentation, image.height, image.width)
    if problem:
        raise InputError(f"{where} has {problem}")
    return Person(
        id=row["id"],
        image_id=image.id,
        keypoints=_read_keypoints(row, skeleton, where),
        segmentation=segmentation,
        area=float(area[0]),
        bbox=_read_bbox(row.get("bbox"), image, where),
        crowd=bool(crowd),
    )


def _read_keypoints(row: dict, skeleton: Skeleton, where: str) -> np.ndarray:
    count = skeleton.num_keypoints
    if "keypoints" not in row:
        return np.zeros((count, 3), np.float32)
    flat = numbers(row["keypoints"])
    if flat is None:
        raise InputError(
            f"{where} has keypoints {brief(row['keypoints'])}; give a list of finite numbers"
        )
    if len(flat) != 3 * count:
        raise InputError(
            f"{where} has {len(flat)} numbers in 'keypoints'; give x, y and visibility of each of "
            f"the {count} keypoints of skeleton {skeleton.name!r}, {3 * count} numbers"
        )
    keypoints = flat.reshape(count, 3)
    visibility = keypoints[:, 2]
    odd = (visibility != 0) & (visibility != 1) & (visibility != 2)
    if odd.any():
        raise InputError(
            f"{where} has visibility {keypoints[odd][0, 2]:g} at keypoint "
            f"{skeleton.keypoints[odd.argmax()]!r}; give 0 (unlabelled), 1 (hidden) or 2 (visible)"
        )
    labelled = np.where(keypoints[:, 2:] > 0, keypoints, 0)
    far = np.abs(labelled[:, :2]).max(axis=1) > MAX_COORDINATE
    if far.any():
        x, y, _ = labelled[far][0]
        raise InputError(
            f"{where} has keypoint {skeleton.keypoints[far.argmax()]!r} at ({x:g}, {y:g}), which "
            "is no place near an image; correct it, or give it visibility 0"
        )
    return labelled.astype(np.float32)


def _read_bbox(value: object, image: Image, where: str) -> tuple[float, float, float, float]:
    bbox = numbers(value)
    if bbox is None or len(bbox) != 4 or (bbox[2:] < 0).any():
        raise InputError(f"{where} has bbox {brief(value)}; give x, y, width, height in pixels")
    x, y, width, height = bbox.tolist()
    if _outside(x, width, image.width) or _outside(y, height, image.height):
        raise InputError(
            f"{where} has bbox {brief(value)}, outside the image of {image.width} x {image.height} "
            "(width x height) pixels; correct or remove the annotation"
        )
    return x, y, width, height


def _outside(start: float, length: float, side: int) -> bool:
    return start >= side or (start < 0 and start + length <= 0)


def is_id(value: object) -> bool:
    """Whether a JSON value is a whole number (True and 1.0 are none)."""
    return type(value) is int


def brief(value: object) -> str:
    """A JSON value as shown in a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
