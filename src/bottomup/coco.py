"""COCO annotation files: reading, checking, masks, subsets and result rows.

Everything that a wrong file could break later is checked here once, so that other modules may rely
on what they get. Legal oddities of COCO files are read as follows:

- Only the category `person` is read; objects of other categories are skipped, unchecked.
- A file without `annotations` (`image_info_test2017.json`) gives images without persons; an
  annotation without `keypoints` (`instances_*.json`) gives a person without labelled keypoints.
- Unlabelled keypoints become (0, 0, 0). Labelled ones keep their place, also outside the image.
- Polygons with fewer than three corners cover nothing, and so does a person without segmentation.
- A person with a single keypoint, or an area of zero, is a person.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.json_stream import NoObjectError, read_object, write_object
from bottomup.person import Image, Person, brief, is_whole, read_image, read_person
from bottomup.rle import as_text, rle_mask, segmentation_rle
from bottomup.skeleton import Skeleton

PERSON = "person"
PERSON_ID = 1
COUNTING_RULES = ("with_keypoints", "any")


@dataclass(frozen=True, eq=False)
class Annotations:
    """A checked annotation file: images by id, and for every image its persons by id."""

    path: Path
    skeleton: Skeleton
    images: tuple[Image, ...]
    persons: dict[int, tuple[Person, ...]]

    def only(self, image_ids: Collection[int]) -> "Annotations":
        """The same with those of the images that it has."""
        kept = tuple(image for image in self.images if image.id in image_ids)
        return replace(self, images=kept, persons={i.id: self.persons[i.id] for i in kept})


def read_annotations(
    path: str | Path, skeleton: Skeleton, only: Collection[int] | None = None
) -> Annotations:
    """Reads and checks a COCO annotation file.

    Args:
        path: The JSON file.
        skeleton: Which keypoints the file annotates, in its order.
        only: Ids of the images to read; nothing is kept of the others, nor are their persons
            checked, so that a part of a file takes the memory of the part.

    Raises:
        InputError: The file is missing, no JSON, empty, or breaks the COCO format.
    """
    images = {image.id: image for image in read_images(path)}
    wanted = images if only is None else {key: images[key] for key in images if key in only}
    found: dict[int, list[Person]] = {image_id: [] for image_id in wanted}
    for person in read_persons(path, skeleton, images, wanted):
        found[person.image_id].append(person)
    persons = {key: tuple(sorted(group, key=lambda p: p.id)) for key, group in found.items()}
    return Annotations(Path(path), skeleton, tuple(wanted.values()), persons)


def read_images(path: str | Path) -> tuple[Image, ...]:
    """The images of a COCO file by their ids, whatever is annotated on them.

    Raises:
        InputError: The file is missing, no JSON, or its list of images is empty or malformed.
    """
    path, images = Path(path), {}
    for row in read_rows(path, "images"):
        image = read_image(row, path)
        if image.id in images:
            raise InputError(f"{path}: image id {image.id} is there twice; give each its own id")
        images[image.id] = image
    if not images:
        raise InputError(f"{path}: 'images' is empty; name a file that lists at least one image")
    _refuse_repeated_files(images.values(), path)
    return tuple(images[image_id] for image_id in sorted(images))


def read_persons(
    path: str | Path,
    skeleton: Skeleton,
    images: Mapping[int, Image],
    wanted: Collection[int] | None = None,
) -> Iterator[Person]:
    """The persons of a COCO file, one at a time and in its order.

    Args:
        path: The JSON file.
        skeleton: Which keypoints the file annotates, in its order.
        images: All images of the file by their ids.
        wanted: Ids of the images whose persons to read, all by default.

    Raises:
        InputError: The file breaks the COCO format, as far as it has been read.
    """
    path, seen = Path(path), set()
    _check_person_category(list(read_rows(path, "categories")), skeleton, path)
    for number, row in enumerate(read_rows(path, "annotations", optional=True)):
        if "category_id" not in row:
            raise InputError(f"{path}: annotations[{number}] has no 'category_id'; add it")
        if row["category_id"] != PERSON_ID:
            continue
        if not is_whole(row.get("id")) or row["id"] in seen:
            raise InputError(
                f"{path}: annotations[{number}] has id {brief(row.get('id'))}, which is missing, "
                "no whole number, or taken; give every annotation its own"
            )
        seen.add(row["id"])
        image_id = row.get("image_id")
        image = images.get(image_id) if is_whole(image_id) else None
        if image is None:
            raise InputError(
                f"{path}: annotation {row['id']} is of image {brief(image_id)}, which is not in "
                "'images'; add the image or remove the annotation"
            )
        if wanted is None or image_id in wanted:
            yield read_person(row, image, skeleton, path)


def read_rows(path: str | Path, wanted: str, optional: bool = False) -> Iterator[dict]:
    """The rows of a list of a COCO file, unchecked; of one that is optional and not there, none.

    Raises:
        InputError: The file is missing, no JSON, or has no such list of objects.
    """
    path, found = Path(path), optional
    for key, value in _items(path):
        if key == wanted:
            found = True
            yield from _checked_rows(value, key, path)
    if not found:
        raise InputError(f"{path}: has no key {wanted!r}, a list of objects; add it")


def person_rle(person: Person, height: int, width: int) -> dict:
    """The person's mask as compressed run lengths, `{"size": [height, width], "counts": str}`.

    Raises:
        InputError: The person is annotated with run lengths of another size.
    """
    try:
        return segmentation_rle(person.segmentation, height, width)
    except InputError as error:
        where = f"annotation {person.id} of image {person.image_id}"
        raise InputError(f"{where}: {error}") from error


def person_mask(person: Person, height: int, width: int) -> np.ndarray:
    """The person's pixels, bool [height, width], drawn as pycocotools draws them."""
    return rle_mask(person_rle(person, height, width))


def count_people(persons: Iterable[Person], rule: str = "with_keypoints") -> int:
    """Number of people that are no crowd: those with labelled keypoints, or `any`."""
    check_counting(rule)
    return sum(p.annotated if rule == "with_keypoints" else not p.crowd for p in persons)


def check_counting(rule: str) -> None:
    """Raises InputError unless there is such a rule of counting people."""
    if rule not in COUNTING_RULES:
        raise InputError(f"people counting rule {rule!r} is unknown; use one of {COUNTING_RULES}")


def write_subset(source_path: str | Path, image_ids: Collection[int], out_path: str | Path) -> None:
    """Writes a COCO file with only these images and their annotations; all else is kept as it is.

    Raises:
        InputError: An image id is not in the source file.
    """
    wanted, missing = set(image_ids), set(image_ids)

    def keeps(key: str, row: dict) -> bool:
        image_id = row.get("id" if key == "images" else "image_id")
        kept = is_whole(image_id) and image_id in wanted
        if kept and key == "images":
            missing.discard(image_id)
        return kept

    with written_aside(out_path) as aside:
        rewrite(source_path, aside, keeps)
        if missing:
            raise InputError(
                f"{source_path}: image id {min(missing)} is not in it; "
                "draw the subset from this file"
            )


def rewrite(
    source_path: str | Path, out_path: str | Path, keeps: Callable[[str, dict], bool]
) -> None:
    """Copies a COCO file, of `images` and `annotations` only the rows that `keeps(key, row)`.

    Raises:
        InputError: The file is missing, no JSON, or one of the two is no list of objects.
    """
    source_path = Path(source_path)

    def copied() -> Iterator[tuple[str, Any]]:
        for key, value in _items(source_path):
            if key in ("images", "annotations"):
                rows = _checked_rows(value, key, source_path)
                value = filter(partial(keeps, key), rows)
            yield key, value

    write_object(Path(out_path), copied())


def check_disjoint(
    train_path: str | Path, test_path: str | Path, same_dataset: bool = True
) -> None:
    """Raises InputError if a file name is in both files, or an image id of the same dataset.

    Different datasets number their images independently, so there an id says nothing.
    """
    train, test = read_images(train_path), read_images(test_path)
    checks: dict[str, Callable[[Image], int | str]] = {
        "file name": lambda image: Path(image.file_name).name
    }
    if same_dataset:
        checks = {"image id": lambda image: image.id} | checks
    for what, key in checks.items():
        shared = {key(image) for image in train} & {key(image) for image in test}
        if shared:
            raise InputError(
                f"{train_path} and {test_path} share {what} {min(shared)!r} "
                f"({len(shared)} in all); keep test images out of training, or give different "
                "images different names and ids"
            )


def keypoint_result(image_id: int, keypoints_xys: np.ndarray, score: float) -> dict:
    """One row of a COCO keypoint result file.

    Args:
        image_id: The image.
        keypoints_xys: [keypoint, 3]: x, y in image pixels and the keypoint's score.
        score: The person's score.
    """
    keypoints = np.asarray(keypoints_xys, float)
    finite = np.isfinite([*keypoints.flat, score]).all()
    if keypoints.ndim != 2 or keypoints.shape[1] != 3 or not finite:
        raise ValueError(f"image {image_id}: a detection must be finite [keypoint, 3] and a score")
    return {
        "image_id": int(image_id),
        "category_id": PERSON_ID,
        "keypoints": keypoints.round(3).reshape(-1).tolist(),
        "score": float(score),
    }


def segmentation_result(image_id: int, rle: dict, score: float) -> dict:
    """One row of a COCO segmentation result file, from compressed run lengths."""
    if not np.isfinite(score):
        raise ValueError(f"image {image_id}: the score of a mask is {score}")
    size = [int(side) for side in rle["size"]]
    return {
        "image_id": int(image_id),
        "category_id": PERSON_ID,
        "segmentation": {"size": size, "counts": as_text(rle["counts"])},
        "score": float(score),
    }


def _items(path: Path) -> Iterator[tuple[str, Any]]:
    """Keys and values of the file, lists as iterators of their rows."""
    with _told(path):
        yield from read_object(path)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What is wrong with a file, in one sentence."""
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); check the path of the annotation file"
        ) from error
    except NoObjectError as error:
        raise InputError(
            f"{path}: holds no object at its top; a COCO file holds an object with 'images', "
            "'annotations' and 'categories'"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no JSON file ({error}); fetch or write it again") from error


def _checked_rows(value: Any, key: str, path: Path) -> Iterator[dict]:
    if not isinstance(value, Iterator):
        raise InputError(
            f"{path}: key {key!r} must be a list of objects, but is {brief(value)}; repair it"
        )
    with _told(path):
        for number, row in enumerate(value):
            if not isinstance(row, dict):
                raise InputError(
                    f"{path}: {key}[{number}] must be an object, but is {brief(row)}; repair it"
                )
            yield row


def _check_person_category(categories: list[dict], skeleton: Skeleton, path: Path) -> None:
    found = [row for row in categories if row.get("name") == PERSON]
    if [row.get("id") for row in found] != [PERSON_ID]:
        listed = {row.get("id"): row.get("name") for row in categories}
        raise InputError(
            f"{path}: 'categories' must hold {PERSON!r} once, with id {PERSON_ID} as in COCO's "
            f"result files, but holds {brief(listed)}; rename or renumber the category of people"
        )
    names = found[0].get("keypoints")
    if names is not None and names != list(skeleton.keypoints):
        raise InputError(
            f"{path}: category {PERSON!r} lists keypoints {brief(names)}, but skeleton "
            f"{skeleton.name!r} has {brief(list(skeleton.keypoints))}; choose the file's skeleton"
        )


def _refuse_repeated_files(images: Iterable[Image], path: Path) -> None:
    first: dict[str, int] = {}
    for image in images:
        if image.file_name in first:
            raise InputError(
                f"{path}: images {first[image.file_name]} and {image.id} are the same file "
                f"{image.file_name!r}; list each image once"
            )
        first[image.file_name] = image.id
