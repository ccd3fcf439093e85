"""OCHuman (Pose2Seg, Zhang et al. 2019): `ochuman.json`, in its own format, as a COCO file.

Its persons have boxes by two corners, 19 keypoints with visibility 1 (visible), 2 (hidden by
itself) or 3 (hidden by others), and masks as polygons, outer ones less inner ones. Not every
person has keypoints and a mask:

- those with both are annotated as in COCO; the published numbers are of these;
- the others are left out, as in the COCO files that its authors give beside their own.

The images with somebody of the first kind are the dataset's; the first 2500 of them by their ids
are the split `val` and the others `test`, as its authors cut them; `all` has both.

Built from the format as its authors' code reads it, since no real file was at hand.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pycocotools import mask as rle_tools

from bottomup.datasets.coco_rows import write_coco
from bottomup.datasets.source import Source, first_image_id, read_json
from bottomup.errors import InputError
from bottomup.rle import as_text, rle_mask, segmentation_problem, segmentation_rle
from bottomup.skeleton import OCHUMAN

VAL_IMAGES = 2500
SPLITS = ("all", "val", "test")
HIDDEN_BY_OTHERS = 3


def convert_split(source: Source, out_path: Path | str) -> None:
    """Writes the annotations of a split as a COCO file.

    Args:
        source: Has `annotations`, the path of `ochuman.json`, and `split`: `val`, `test` or `all`.
        out_path: The COCO file.

    Raises:
        InputError: The file is missing, no JSON or malformed, or the split is unknown.
    """
    path, split = Path(source.annotations), source.split
    if split not in SPLITS:
        raise InputError(f"{path}: no split is called {split!r}; use {', '.join(SPLITS)}")
    content = _read(path)
    order = _order(content, path)
    images, annotations = [], []
    first = first_image_id(split)
    for number, image in enumerate(_of_split(content["images"], split, path), first):
        size = {"height": image["height"], "width": image["width"]}
        images.append({"id": number, "file_name": image["file_name"], **size})
        for person in filter(is_whole, image["annotations"]):
            row = _person(person, order, size, f"{path}: image {image['image_id']}")
            annotations.append({"image_id": number} | row)
    write_coco(out_path, images, annotations, OCHUMAN)


def _of_split(images: Sequence[Mapping], split: str, path: Path) -> list[Mapping]:
    """The images of a split, in the order of their ids; those with nobody whole are in none."""
    try:
        whole = [image for image in images if any(map(is_whole, image["annotations"]))]
        whole.sort(key=lambda image: image["image_id"])
        for image in whole:
            image["file_name"], image["height"], image["width"]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: an image is no object with {error}; place OCHuman's file there"
        ) from error
    parts = {"all": whole, "val": whole[:VAL_IMAGES], "test": whole[VAL_IMAGES:]}
    if not parts[split]:
        raise InputError(
            f"{path}: has {len(whole)} images with keypoints and masks, so none for the split "
            f"{split!r}; place OCHuman's whole file there"
        )
    return parts[split]


def is_whole(person: Mapping) -> bool:
    """Whether a person has both keypoints and a mask."""
    return bool(person.get("keypoints")) and bool((person.get("segms") or {}).get("outer"))


def _person(person: Mapping, order: Sequence[int], size: Mapping, where: str) -> dict:
    """A row of `annotations`, without its ids."""
    try:
        left, top, right, bottom = map(float, person["bbox"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{where}: bbox {person.get('bbox')} of a person is wrong; give x, y of two corners"
        ) from error
    box = [left, top, right - left, bottom - top]
    keypoints = _keypoints(person["keypoints"], order, where)
    return {
        "bbox": box,
        "area": box[2] * box[3],
        "keypoints": keypoints,
        "num_keypoints": sum(visibility > 0 for visibility in keypoints[2::3]),
        "segmentation": _rle(person["segms"], size, where),
    }


def _keypoints(values: Sequence, order: Sequence[int], where: str) -> list[float]:
    """In the order of the skeleton, with COCO's visibility: 2, or 1 if hidden by others."""
    if len(values) != 3 * OCHUMAN.num_keypoints:
        raise InputError(
            f"{where}: a person has {len(values)} numbers as keypoints; give x, y and visibility "
            f"of {OCHUMAN.num_keypoints}"
        )
    found = []
    for k in order:
        x, y, visibility = values[3 * k : 3 * k + 3]
        shown = 0 if not visibility else 1 if visibility == HIDDEN_BY_OTHERS else 2
        found += [float(x), float(y), shown] if shown else [0.0, 0.0, 0]
    return found


def _rle(polygons: Mapping, size: Mapping, where: str) -> dict:
    """Outer polygons less inner ones, as compressed run lengths."""
    height, width = size["height"], size["width"]
    masks = []
    for name in ("outer", "inner"):
        drawn = polygons.get(name) or []
        problem = segmentation_problem(drawn, height, width)
        if problem:
            raise InputError(f"{where}: segms.{name} has {problem}")
        masks.append(rle_mask(segmentation_rle(drawn, height, width)))
    pixels = np.asfortranarray((masks[0] & ~masks[1]).astype(np.uint8))
    return {"size": [height, width], "counts": as_text(rle_tools.encode(pixels)["counts"])}


def _order(content: Mapping, path: Path) -> list[int]:
    """Where each of our keypoints stands in the file's own order."""
    names = content.get("keypoint_names") or []
    missing = set(OCHUMAN.keypoints) - set(names)
    if missing or len(names) != OCHUMAN.num_keypoints:
        raise InputError(
            f"{path}: keypoint_names are {names}, without {sorted(missing)}; "
            "place OCHuman's file there"
        )
    return [names.index(keypoint) for keypoint in OCHUMAN.keypoints]


def _read(path: Path) -> dict:
    content = read_json(path, "place OCHuman's file there")
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise InputError(f"{path}: has no list 'images'; place OCHuman's file there")
    return content
