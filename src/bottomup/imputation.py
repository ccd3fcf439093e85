"""Imputation: missing keypoints of small people, filled in by a network that looks at one person.

COCO leaves most keypoints of small people unlabelled; PersonLab's authors had a single-person
estimator fill them in for training (Papandreou et al. 2018, section 4.2). What somebody labelled
stays as it is. What is filled in is marked, keypoint by keypoint (`imputed` of an annotation), and
is never scored against: `Person.labels` leaves it out.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import PIL.Image

from bottomup.coco import Annotations
from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.person import Image, Person
from bottomup.skeleton import Skeleton

MARGIN = 0.25  # of the longer side of a person's box, added on each side
GREY = (127, 127, 127)
BATCH = 32
FILLED = 1  # visibility of a filled keypoint: it has a place, and nobody saw it

# Crops uint8 [y, x, 3] of one size -> for each x, y in crop px and score, [keypoint, 3], or None.
Finder = Callable[[Sequence[np.ndarray]], Sequence[np.ndarray | None]]


@dataclass(frozen=True)
class Window:
    """A square of an image, in whole pixels; it may reach beyond the image.

    Attributes:
        left: First column.
        top: First row.
        side: Columns and rows.
    """

    left: int
    top: int
    side: int

    @classmethod
    def around(cls, person: Person) -> "Window":
        """The square that holds the person's box and a margin."""
        x, y, width, height = person.bbox
        side = max(2, int(np.ceil(max(width, height) * (1 + 2 * MARGIN))))
        centre = np.array([x + width / 2, y + height / 2])
        left, top = np.floor(centre - side / 2 + 0.5).astype(int).tolist()
        return cls(left, top, side)

    def cut(self, picture: PIL.Image.Image, crop_px: int) -> np.ndarray:
        """The window at `crop_px` a side, grey beyond the image: uint8 [crop_px, crop_px, 3]."""
        square = PIL.Image.new("RGB", (self.side, self.side), GREY)
        square.paste(picture, (-self.left, -self.top))
        return np.asarray(square.resize((crop_px, crop_px), PIL.Image.Resampling.BILINEAR))

    def to_image(self, xy: np.ndarray, crop_px: int) -> np.ndarray:
        """Crop pixels to image pixels, [..., 2]."""
        scale = self.side / crop_px
        return (np.asarray(xy) + 0.5) * scale - 0.5 + (self.left, self.top)


@dataclass(frozen=True)
class ImputationSettings:
    """Who gets keypoints filled in, and which.

    Attributes:
        largest_area_px: People up to this area, square px.
        least_side_px: People whose box has at least this longer side, px.
        least_score: Keypoints found with at least this score.
    """

    largest_area_px: float
    least_side_px: float
    least_score: float

    def is_wanted(self, person: Person) -> bool:
        """Whether something is missing of a person of the right size."""
        small = person.area <= self.largest_area_px
        large = max(person.bbox[2:]) >= self.least_side_px
        return not person.crowd and small and large and not (person.keypoints[:, 2] > 0).all()


def impute(
    annotations: Annotations,
    images_dir: Path | str,
    find: Finder,
    model: Skeleton,
    crop_px: int,
    settings: ImputationSettings,
) -> dict[int, np.ndarray]:
    """The keypoints to fill in, by the id of the annotation.

    Args:
        annotations: A split.
        images_dir: Its images.
        find: Finds the keypoints of the one person in the middle of a crop.
        model: The skeleton of what it finds; keypoints of the same name are the same.
        crop_px: Side of the crops.
        settings: Whose keypoints.

    Returns:
        [keypoint, 3] for everybody looked at: x, y in image px and the visibility, all zero where
        nothing is to be filled in.
    """
    shared = annotations.skeleton.shared_with(model)
    if not shared:
        raise InputError(
            f"{annotations.path}: skeleton {annotations.skeleton.name!r} has no keypoint named as "
            f"one of {model.name!r}; impute by a run that shares keypoints with it"
        )
    sources = [model.keypoints.index(name) for name in shared]
    targets = [annotations.skeleton.keypoints.index(name) for name in shared]
    filled = {}
    views = _views(annotations, Path(images_dir), crop_px, settings)
    while group := list(islice(views, BATCH)):
        found = find([crop for _, _, _, crop in group])
        for (image, person, window, _), keypoints in zip(group, found, strict=True):
            guess = np.zeros((annotations.skeleton.num_keypoints, 3))
            if keypoints is not None:
                guess[targets] = np.asarray(keypoints, float)[sources]
                guess[:, :2] = window.to_image(guess[:, :2], crop_px)
            filled[person.id] = _missing(guess, person, image, settings.least_score)
    return filled


def _views(
    annotations: Annotations, images_dir: Path, crop_px: int, settings: ImputationSettings
) -> Iterator[tuple[Image, Person, Window, np.ndarray]]:
    for image in annotations.images:
        people = [p for p in annotations.persons[image.id] if settings.is_wanted(p)]
        if people:
            with PIL.Image.open(images_dir / image.file_name) as picture:
                pixels = picture.convert("RGB")
            for person in people:
                window = Window.around(person)
                yield image, person, window, window.cut(pixels, crop_px)


def _missing(guess: np.ndarray, person: Person, image: Image, least_score: float) -> np.ndarray:
    """What of a guess with scores [keypoint, 3] is sure, inside the image, and nobody's label."""
    inside = (guess[:, :2] >= 0).all(axis=1)
    inside &= (guess[:, 0] <= image.width - 1) & (guess[:, 1] <= image.height - 1)
    chosen = inside & (guess[:, 2] >= least_score) & (guess[:, 2] > 0)
    chosen &= person.keypoints[:, 2] == 0
    return np.where(
        chosen[:, None], np.column_stack([guess[:, :2], np.full(len(guess), FILLED)]), 0
    )


def write_imputed(
    source_path: Path | str,
    filled: Mapping[int, np.ndarray],
    skeleton: Skeleton,
    about: Mapping,
    out_path: Path | str,
) -> int:
    """Writes the annotations with keypoints filled in and marked; all else is kept as it is.

    Args:
        source_path: The COCO file that was imputed.
        filled: From `impute`.
        skeleton: That of the file.
        about: What filled them in, plain values; written under `info.imputed_by`.
        out_path: The COCO file to write.

    Returns:
        The number of keypoints filled in.
    """
    content = json.loads(Path(source_path).read_text(encoding="utf-8"))
    content["info"] = dict(content.get("info") or {}) | {"imputed_by": dict(about)}
    rows = [row for row in content.get("annotations", ()) if row["id"] in filled]
    count = sum(_fill(row, filled[row["id"]], skeleton) for row in rows)
    with written_aside(out_path) as aside:
        aside.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
    return count


def _fill(row: dict, keypoints: np.ndarray, skeleton: Skeleton) -> int:
    """Puts keypoints into a row of a COCO file, and says which they are."""
    flags = keypoints[:, 2] > 0
    if not flags.any():
        return 0
    labels = np.reshape(row.get("keypoints") or np.zeros(3 * skeleton.num_keypoints), (-1, 3))
    both = np.where(flags[:, None], keypoints.round(2), labels)
    before = np.array(row.get("imputed") or np.zeros(len(flags)), bool)
    row["keypoints"] = both.reshape(-1).tolist()
    row["num_keypoints"] = int((both[:, 2] > 0).sum())
    row["imputed"] = (before | flags).astype(int).tolist()
    return int(flags.sum())
