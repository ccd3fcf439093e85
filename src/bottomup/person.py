"""One row of a COCO file each: an image, a person; read and checked."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bottomup.errors import InputError
from bottomup.rle import numbers, segmentation_problem
from bottomup.skeleton import Skeleton

MAX_SIDE = 65535  # of a JPEG
Box = tuple[float, float, float, float]
MAX_COORDINATE = 1 << 24  # px; up to here float32 holds every whole number


@dataclass(frozen=True)
class Image:
    """One image of a dataset.

    Attributes:
        id: Image id.
        file_name: Inside the folder of images.
        height: In pixels.
        width: In pixels.
        regions: Boxes round its groups of people, where several are scored together (`groups` in
            the file); None where the file says nothing, () where there is no group.
    """

    id: int
    file_name: str
    height: int
    width: int
    regions: tuple[Box, ...] | None = None


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
        head_box: Box of the head as `bbox`, None where the file has none.
        imputed: Which keypoints a network filled in and nobody labelled, bool [keypoint]; None
            for none of them.
    """

    id: int
    image_id: int
    keypoints: np.ndarray
    segmentation: list | dict | None
    area: float
    bbox: Box
    crowd: bool
    head_box: Box | None = None
    imputed: np.ndarray | None = None

    @property
    def labelled(self) -> int:
        """Number of labelled keypoints, hidden ones included."""
        return int((self.keypoints[:, 2] > 0).sum())

    @property
    def labels(self) -> np.ndarray:
        """The keypoints without those that were filled in: what a person may be scored against."""
        if self.imputed is None:
            return self.keypoints
        return np.where(self.imputed[:, None], 0, self.keypoints)

    @property
    def annotated(self) -> bool:
        """Whether this is one person with at least one labelled keypoint."""
        return not self.crowd and self.labelled > 0


def read_image(row: dict, path: Path) -> Image:
    """Checks a row of `images`; `path` is the file it comes from, for the message."""
    image_id, name = row.get("id"), row.get("file_name")
    if not is_whole(image_id):
        raise InputError(
            f"{path}: an image has id {brief(image_id)} (file_name {brief(name)}); "
            "give every image a whole number"
        )
    if not isinstance(name, str) or not name:
        raise InputError(
            f"{path}: image {image_id} has file_name {brief(name)}; give the name of its file"
        )
    for key in ("height", "width"):
        if not is_whole(row.get(key)) or not 1 <= row[key] <= MAX_SIDE:
            raise InputError(
                f"{path}: image {image_id} has {key} {brief(row.get(key))}; "
                f"give a whole number of pixels from 1 to {MAX_SIDE}"
            )
    image = Image(image_id, name, row["height"], row["width"])
    if row.get("groups") is None:
        return image
    where = f"{path}: image {image_id}"
    if not isinstance(row["groups"], list):
        raise InputError(f"{where} has groups {brief(row['groups'])}; give a list of boxes")
    regions = tuple(_read_box(box, image, f"{where} has group", "") for box in row["groups"])
    return replace(image, regions=regions)


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
        bbox=_read_box(row.get("bbox"), image, f"{where} has bbox"),
        crowd=bool(crowd),
        head_box=_read_head_box(row.get("head_box"), image, where),
        imputed=_read_imputed(row.get("imputed"), skeleton, where),
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


def _read_box(
    value: object, image: Image, what: str, remedy: str = "correct or remove the annotation"
) -> Box:
    box = numbers(value)
    if box is None or len(box) != 4 or (box[2:] < 0).any():
        raise InputError(f"{what} {brief(value)}; give x, y, width, height in pixels")
    x, y, width, height = box.tolist()
    if _outside(x, width, image.width) or _outside(y, height, image.height):
        raise InputError(
            f"{what} {brief(value)}, outside the image of {image.width} x {image.height} "
            f"(width x height) pixels; {remedy or 'correct it'}"
        )
    return x, y, width, height


def _read_head_box(value: object, image: Image, where: str) -> Box | None:
    if value is None:
        return None
    box = numbers(value)
    if box is None or len(box) != 4 or (box[2:] <= 0).any():
        raise InputError(
            f"{where} has head_box {brief(value)}; give x, y, width, height in pixels, the last "
            "two above 0, or leave it out"
        )
    return tuple(box.tolist())


def _read_imputed(value: object, skeleton: Skeleton, where: str) -> np.ndarray | None:
    if value is None:
        return None
    flags = numbers(value)
    if flags is None or len(flags) != skeleton.num_keypoints or not np.isin(flags, (0, 1)).all():
        raise InputError(
            f"{where} has imputed {brief(value)}; give 0 or 1 for each of the "
            f"{skeleton.num_keypoints} keypoints of skeleton {skeleton.name!r}"
        )
    return flags.astype(bool)


def _outside(start: float, length: float, side: int) -> bool:
    return start >= side or (start < 0 and start + length <= 0)


def is_whole(value: object) -> bool:
    """Whether a JSON value is a whole number (True and 1.0 are none)."""
    return type(value) is int


def brief(value: object) -> str:
    """A JSON value as shown in a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
