"""Small COCO files of made-up, box-shaped people, for every test that needs some.

A scene is a sequence of person kinds, or a number of ordinary people:

- `polygon`: an ordinary person, polygon, most keypoints labelled
- `rle`: the same with a run-length mask
- `one_keypoint`: a person with a single labelled keypoint
- `unannotated`: a person with a polygon and no labelled keypoint
- `crowd`: a crowd region with a run-length mask and no labelled keypoint
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bottomup.skeleton import COCO_PERSON, Skeleton

KINDS = ("polygon", "rle", "one_keypoint", "unannotated", "crowd")
SCENES = (1, 2, 0, ("rle", "unannotated"), ("polygon", "crowd"), ("one_keypoint", "rle"))


def make_coco(
    folder: Path,
    images: Sequence[int | Sequence[str]] = SCENES,
    seed: int = 0,
    size: tuple[int, int] = (120, 160),
    skeleton: Skeleton = COCO_PERSON,
    first_id: int = 1,
    write_images: bool = True,
) -> tuple[Path, Path]:
    """Writes `annotations.json` and `images/*.jpg` and returns the two paths.

    Args:
        folder: Where to write; made if absent.
        images: One scene an image (see the module docstring).
        seed: Seed of positions, colours and visibilities.
        size: Height and width of every image.
        skeleton: Whose keypoints are annotated.
        first_id: Id of the first image; the others count on.
        write_images: False leaves the image folder empty, which is faster.
    """
    generator = np.random.default_rng(seed)
    images_dir = Path(folder) / "images"
    images_dir.mkdir(parents=True, exist_ok=True)
    content = {"info": {}, "licenses": [], "images": [], "annotations": []}
    content["categories"] = [category(skeleton)]
    for image_id, scene in enumerate(images, first_id):
        kinds = ("polygon",) * scene if isinstance(scene, int) else tuple(scene)
        people = [
            make_person(generator, kind, box, size, skeleton)
            for kind, box in zip(kinds, boxes(generator, len(kinds), size), strict=True)
        ]
        file_name = f"{image_id:012d}.jpg"
        if write_images:
            draw(generator, people, size).save(images_dir / file_name, quality=92)
        row = {"id": image_id, "file_name": file_name, "height": size[0], "width": size[1]}
        content["images"].append(row)
        for person in people:
            number = len(content["annotations"]) + 1
            ids = {"id": 1000 * first_id + number, "image_id": image_id, "category_id": 1}
            content["annotations"].append(ids | person)
    path = Path(folder) / "annotations.json"
    path.write_text(json.dumps(content))
    return path, images_dir


def edit_json(path: Path, change: Callable[[dict], object]) -> Path:
    """Loads a JSON file, lets `change` alter it in place, writes it back."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


def category(skeleton: Skeleton = COCO_PERSON) -> dict:
    """The `person` category; COCO counts the ends of edges from one."""
    return {
        "id": 1,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(skeleton.keypoints),
        "skeleton": (skeleton.edge_indices + 1).tolist(),
    }


def boxes(generator: np.random.Generator, count: int, size: tuple[int, int]) -> list[list[int]]:
    """One box [x, y, width, height] a person, side by side without overlap."""
    height, width = size
    slot = width / max(count, 1)
    found = []
    for person in range(count):
        box_width = max(4, round(slot * generator.uniform(0.5, 0.8)))
        box_height = round(height * generator.uniform(0.5, 0.85))
        x = round(slot * person + (slot - box_width) * generator.uniform(0.2, 0.8))
        found.append([x, round((height - box_height) / 2), box_width, box_height])
    return found


def make_person(
    generator: np.random.Generator,
    kind: str,
    box: Sequence[int],
    size: tuple[int, int],
    skeleton: Skeleton,
) -> dict:
    """The annotation of one person, but for its ids."""
    if kind not in KINDS:
        raise ValueError(f"no person kind {kind!r}; use one of {KINDS}")
    keypoints = make_keypoints(generator, kind, box, skeleton)
    x, y, width, height = box
    corners = [x, y, x + width, y, x + width, y + height, x, y + height]
    outline = kind in ("polygon", "one_keypoint", "unannotated")
    return {
        "keypoints": keypoints.reshape(-1).tolist(),
        "num_keypoints": int((keypoints[:, 2] > 0).sum()),
        "segmentation": [[float(c) for c in corners]] if outline else box_rle(box, size),
        "area": float(width * height),
        "bbox": [float(value) for value in box],
        "iscrowd": int(kind == "crowd"),
    }


def make_keypoints(
    generator: np.random.Generator, kind: str, box: Sequence[int], skeleton: Skeleton
) -> np.ndarray:
    """Integer keypoints [keypoint, 3] in rows down the box, left ones on its right side."""
    x, y, width, height = box
    count = skeleton.num_keypoints
    keypoints = np.zeros((count, 3), int)
    if kind in ("unannotated", "crowd"):
        return keypoints
    for k, name in enumerate(skeleton.keypoints):
        across = 0.75 if "left" in name else 0.25 if "right" in name else 0.5
        down = (k + 0.5) / count
        keypoints[k] = round(x + across * width), round(y + down * height), 2
    hidden = generator.choice([0, 1, 2], size=count, p=[0.15, 0.15, 0.7])
    chosen = generator.integers(count)
    if kind == "one_keypoint":
        hidden[:] = 0
    hidden[chosen] = 2
    keypoints[:, 2] = hidden
    keypoints[hidden == 0] = 0
    return keypoints


def box_rle(box: Sequence[int], size: tuple[int, int]) -> dict:
    """COCO's uncompressed run lengths of a filled box: column by column, zeros first."""
    x, y, width, height = box
    mask = np.zeros(size, bool)
    mask[y : y + height, x : x + width] = True
    flat = np.concatenate([[False], mask.reshape(-1, order="F"), [not mask[-1, -1]]])
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    return {"size": list(size), "counts": np.diff(ends, prepend=0).tolist()}


def draw(generator: np.random.Generator, people: Sequence[dict], size: tuple[int, int]):
    """A noisy grey image with one coloured box a person."""
    pixels = generator.integers(90, 130, (*size, 3)).astype(np.uint8)
    for person in people:
        x, y, width, height = (int(value) for value in person["bbox"])
        pixels[y : y + height, x : x + width] = generator.integers(0, 256, 3)
    return Image.fromarray(pixels)
