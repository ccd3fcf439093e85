"""What it takes to prepare a dataset of COCO's size: time and memory of each step on annotations.

    python benchmarks/dataset_memory.py                     # 12,000 and 120,000 images

Makes up annotation files of that size (outlines and keypoints as long as COCO's), then checks one
as before training, draws a subset, and plans the records of one of 64 shards, each in a process of
its own as in the workflow. Bound: 4 GB a process. No image is made, so pixels are not part of it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
PEOPLE, CORNERS = 2.25, 24  # people an image, corners an outline
SIZES = (12_000, 120_000)  # images
HEIGHT, WIDTH = 480, 640
BOUND_GB = 4
STEPS = {
    "check": """
from bottomup.census import take_census
print(sum(take_census(sys.argv[1], COCO_PERSON).people["any"].values()), "people")
""",
    "subset": """
from bottomup.census import take_census
from bottomup.config import load_study
from bottomup.schema import read_yaml
from bottomup.subsets import write_subset_files
study = load_study(read_yaml("config/papers.yaml"), Path())
recipe = study.subsets["coco_reduced30"].recipe
write_subset_files(take_census(sys.argv[1], COCO_PERSON), recipe, Path(sys.argv[1]).parent / "out")
""",
    "records": """
from bottomup.coco import read_annotations, read_images
from bottomup.records import annotated_keypoints, instance_map
images = read_images(sys.argv[1])[::64]
annotations = read_annotations(sys.argv[1], COCO_PERSON, {image.id for image in images})
for image in images:
    persons = annotations.persons[image.id]
    annotated_keypoints(persons, COCO_PERSON)
    instance_map(persons, image.height, image.width)
""",
}
HEAD = """
import sys
from pathlib import Path
from bottomup.skeleton import COCO_PERSON
"""


def write_annotations(path: Path, images: int) -> None:
    """Writes the file image by image, so that making it takes no memory either."""
    sys.path.insert(0, str(REPOSITORY / "src"))
    from bottomup.skeleton import COCO_PERSON

    generator = np.random.default_rng(0)
    category = {"id": 1, "name": "person", "keypoints": list(COCO_PERSON.keypoints)}
    with path.open("w") as file:
        file.write(json.dumps({"categories": [category]})[:-1] + ', "images": [')
        for image in range(images):
            row = {"id": image, "file_name": f"{image:012}.jpg", "height": HEIGHT, "width": WIDTH}
            file.write("," * (image > 0) + json.dumps(row))
        file.write('], "annotations": [')
        number = 0
        for image in range(images):
            for _ in range(generator.poisson(PEOPLE)):
                row = person(generator, number, image)
                file.write("," * (number > 0) + json.dumps(row))
                number += 1
        file.write("]}")


def person(generator, number: int, image: int) -> dict:
    """A person of COCO's length on paper: an outline, 17 keypoints and a box."""
    x, y = generator.uniform(0, 400), generator.uniform(0, 300)
    outline = (np.array([x, y]) + generator.uniform(0, 150, (CORNERS, 2))).round(2)
    keypoints = np.c_[
        (np.array([x, y]) + generator.uniform(0, 150, (17, 2))).round(), np.full(17, 2)
    ]
    return {
        **{"id": number, "image_id": image, "category_id": 1, "iscrowd": 0, "area": 9000.5},
        "bbox": [round(x, 2), round(y, 2), 150, 150],
        "segmentation": [outline.ravel().tolist()],
        "keypoints": keypoints.astype(int).ravel().tolist(),
        "num_keypoints": 17,
    }


def measure(step: str, path: Path) -> dict:
    """Seconds and GB of one step in a process of its own."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", HEAD + STEPS[step], str(path)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "src"), "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{step} failed")
    return {
        "step": step,
        "seconds": round(time.monotonic() - started, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "gigabytes": round(used.ru_maxrss / 1e6, 2),
    }


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    most = {}
    with tempfile.TemporaryDirectory() as folder:
        for images in SIZES:
            path = Path(folder) / "annotations.json"
            write_annotations(path, images)
            print(json.dumps({"images": images, "file_megabytes": path.stat().st_size // 10**6}))
            found = [measure(step, path) for step in STEPS]
            print(*map(json.dumps, found), sep="\n", flush=True)
            most[images] = max(row["gigabytes"] for row in found)
    small, large = (most[images] for images in SIZES)
    print(f"{SIZES[1] // SIZES[0]} times the images take {large / small:.2f} times the memory")
    if large > BOUND_GB:
        sys.exit(f"more than {BOUND_GB} GB")


if __name__ == "__main__":
    main()
