"""What it takes to prepare a dataset of COCO's size: time and memory of each step on annotations.

    python benchmarks/dataset_memory.py                     # 120,000 images, 270,000 people
    python benchmarks/dataset_memory.py --images 12000      # a tenth

Makes up an annotation file of that size (outlines and keypoints as long as COCO's), then reads it,
draws a subset, and plans the records of one of 64 shards, each in a process of its own as in the
workflow. Bound: 4 GB a process. No image is made, so pixels are not part of it.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
PEOPLE, CORNERS, SHARDS = 2.25, 24, 64  # people an image, corners an outline
HEIGHT, WIDTH = 480, 640
BOUND_GB = 4
STEPS = {
    "read": """
from bottomup.coco import read_annotations
annotations = read_annotations(sys.argv[1], COCO_PERSON)
print(len(annotations.images), sum(map(len, annotations.persons.values())))
""",
    "subset": """
from bottomup.coco import read_annotations
from bottomup.config import load_study
from bottomup.schema import read_yaml
from bottomup.subsets import write_subset_files
study = load_study(read_yaml("config/papers.yaml"), Path())
annotations = read_annotations(sys.argv[1], COCO_PERSON)
recipe = study.subsets["coco_reduced30"].recipe
write_subset_files(annotations, recipe, Path(sys.argv[1]).parent / "subset")
""",
    "records": """
from bottomup.coco import read_annotations
from bottomup.records import annotated_keypoints, instance_map
annotations = read_annotations(sys.argv[1], COCO_PERSON)
for image in annotations.images[::64]:
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
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--images", type=int, default=120_000)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "annotations.json"
        write_annotations(path, options.images)
        print(
            json.dumps({"images": options.images, "file_megabytes": path.stat().st_size // 10**6})
        )
        found = [measure(step, path) for step in STEPS]
    for row in found:
        print(json.dumps(row))
    if max(row["gigabytes"] for row in found) > BOUND_GB:
        sys.exit(f"more than {BOUND_GB} GB")


if __name__ == "__main__":
    main()
