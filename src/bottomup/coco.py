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

import json
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import PIL.Image

from bottomup.errors import InputError
from bottomup.files import written_aside
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


def read_annotations(path: str | Path, skeleton: Skeleton) -> Annotations:
    """Reads and checks a COCO annotation file.

    Args:
        path: The JSON file.
        skeleton: Which keypoints the file annotates, in its order.

    Raises:
        InputError: The file is missing, no JSON, empty, or breaks the COCO format.
    """
    path = Path(path)
    content = _load(path)
    _check_person_category(content, skeleton, path)
    images = _read_images(content, path)
    rows = _rows(content, "annotations", path) if "annotations" in content else []
    persons = _read_persons(rows, images, skeleton, path)
    ordered = tuple(images[image_id] for image_id in sorted(images))
    return Annotations(path, skeleton, ordered, {image.id: persons[image.id] for image in ordered})


def read_images(path: str | Path) -> tuple[Image, ...]:
    """The images of a COCO file by their ids, whatever is annotated on them.

    Raises:
        InputError: The file is missing, no JSON, or its list of images is empty or malformed.
    """
    images = _read_images(_load(Path(path)), Path(path))
    return tuple(images[image_id] for image_id in sorted(images))


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
    if rule not in COUNTING_RULES:
        raise InputError(f"people counting rule {rule!r} is unknown; use one of {COUNTING_RULES}")
    return sum(p.annotated if rule == "with_keypoints" else not p.crowd for p in persons)


def write_subset(source_path: str | Path, image_ids: Collection[int], out_path: str | Path) -> None:
    """Writes a COCO file with only these images and their annotations; all else is kept as it is.

    Raises:
        InputError: An image id is not in the source file.
    """
    content = _load(Path(source_path))
    wanted = set(image_ids)
    unknown = wanted - {row.get("id") for row in _rows(content, "images", Path(source_path))}
    if unknown:
        raise InputError(
            f"{source_path}: image id {min(unknown)} is not in it; draw the subset from this file"
        )
    content["images"] = [row for row in content["images"] if row.get("id") in wanted]
    if "annotations" in content:
        kept = [row for row in content["annotations"] if row.get("image_id") in wanted]
        content["annotations"] = kept
    with written_aside(out_path) as aside:
        aside.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")


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


def check_images(annotations: Annotations, images_dir: str | Path, threads: int = 4) -> None:
    """Decodes every image once.

    Raises:
        InputError: An image is missing, cannot be decoded to its end, or differs in size from what
            its annotation says.
    """

    def check(image: Image) -> None:
        _check_image(image, Path(images_dir) / image.file_name, annotations.path)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(check, annotations.images):
            pass


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


def _load(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); check the path of the annotation file"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no JSON file ({error}); fetch or write it again") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: holds a {type(content).__name__} at its top; a COCO file holds an object "
            "with 'images', 'annotations' and 'categories'"
        )
    return content


def _rows(content: dict, key: str, path: Path) -> list[dict]:
    rows = content.get(key)
    if not isinstance(rows, list):
        raise InputError(f"{path}: key {key!r} must be a list, but is {brief(rows)}; add it")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InputError(
                f"{path}: {key}[{number}] must be an object, but is {brief(row)}; repair it"
            )
    return rows


def _read_images(content: dict, path: Path) -> dict[int, Image]:
    images: dict[int, Image] = {}
    for row in _rows(content, "images", path):
        image = read_image(row, path)
        if image.id in images:
            raise InputError(f"{path}: image id {image.id} is there twice; give each its own id")
        images[image.id] = image
    if not images:
        raise InputError(f"{path}: 'images' is empty; name a file that lists at least one image")
    _refuse_repeated_files(images.values(), path)
    return images


def _check_person_category(content: dict, skeleton: Skeleton, path: Path) -> None:
    categories = _rows(content, "categories", path)
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


def _read_persons(
    rows: list[dict], images: dict[int, Image], skeleton: Skeleton, path: Path
) -> dict[int, tuple[Person, ...]]:
    found: dict[int, list[Person]] = {image_id: [] for image_id in images}
    seen: set[int] = set()
    for number, row in enumerate(rows):
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
        found[image_id].append(read_person(row, image, skeleton, path))
    return {key: tuple(sorted(values, key=lambda p: p.id)) for key, values in found.items()}


def _check_image(image: Image, file: Path, annotations_path: Path) -> None:
    if not file.is_file():
        raise InputError(
            f"{file}: image {image.id} of {annotations_path} is missing; "
            "fetch it, or name the folder that holds the images"
        )
    try:
        with PIL.Image.open(file, formats=("JPEG", "PNG")) as picture:
            width, height = picture.size
            # An eighth of the size, but every byte of the file is still read and decoded.
            picture.draft("L", (1, 1))
            picture.load()
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        raise InputError(
            f"{file}: image {image.id} cannot be decoded ({error}); fetch it again"
        ) from error
    if (height, width) != (image.height, image.width):
        raise InputError(
            f"{file}: image {image.id} is {height} x {width} (height x width), but "
            f"{annotations_path} says {image.height} x {image.width}; "
            "use the images that were annotated"
        )
