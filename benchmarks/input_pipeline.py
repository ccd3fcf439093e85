"""From records to batches, beside bare JPEG decoding, on one core.

    python benchmarks/input_pipeline.py [--annotations FILE --images FOLDER] [--batch 16]

Writes records of made-up images of COCO's size (640 x 480 and 480 x 640 px, textured so that a JPEG
has the 165 KB of COCO's, people with wavy outlines), or of the images named, and prints images a
second of CPU time: decoding alone (`tf.io.decode_jpeg` in a tf.data stream that reads the image
files), and all that `bottomup.batches` does up to the batch that is shipped. The two take turns;
the median of the rounds counts. The bar is a ratio of 0.80.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "src")]

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from PIL import Image  # noqa: E402

from bottomup.batches import RecordSet, training_batches  # noqa: E402
from bottomup.datasets.synthetic import PEOPLE_SHARES  # noqa: E402
from bottomup.records import write_records  # noqa: E402
from bottomup.skeleton import COCO_PERSON  # noqa: E402

LONG_PX, SHORT_PX = 640, 480
JPEG_QUALITY = 90
NOISE = 6.5  # grey levels; together with the blotches it gives JPEGs of 165 KB


def made_up_coco(folder: Path, count: int) -> tuple[Path, Path]:
    """Writes `annotations.json` and `images/*.jpg`; returns the two paths."""
    generator = np.random.default_rng(0)
    images_dir = folder / "images"
    images_dir.mkdir()
    content = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "person"}]}
    content["categories"][0] |= {"keypoints": list(COCO_PERSON.keypoints), "skeleton": []}
    content["categories"][0]["skeleton"] = (COCO_PERSON.edge_indices + 1).tolist()
    for image_id in range(1, count + 1):
        size = (SHORT_PX, LONG_PX) if image_id % 2 else (LONG_PX, SHORT_PX)
        name = f"{image_id:012d}.jpg"
        texture(generator, *size).save(images_dir / name, quality=JPEG_QUALITY)
        row = {"id": image_id, "file_name": name, "height": size[0], "width": size[1]}
        content["images"].append(row)
        shares = np.array(PEOPLE_SHARES)
        for _ in range(generator.choice(len(shares), p=shares / shares.sum()) + 1):
            ids = {"id": len(content["annotations"]) + 1, "image_id": image_id, "category_id": 1}
            content["annotations"].append(ids | person(generator, *size))
    path = folder / "annotations.json"
    path.write_text(json.dumps(content))
    return path, images_dir


def texture(generator: np.random.Generator, height: int, width: int) -> Image.Image:
    """Blotches of 4 px under fine noise."""
    blotches = generator.normal(128, 40, (height // 4, width // 4, 3)).repeat(4, 0).repeat(4, 1)
    noisy = blotches + generator.normal(0, NOISE, (height, width, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def person(generator: np.random.Generator, height: int, width: int) -> dict:
    """A person with a wavy outline of 60 corners and all keypoints, but for the ids."""
    tall = generator.uniform(0.15, 0.8) * height
    wide = generator.uniform(0.3, 0.6) * tall
    centre = generator.uniform(0.2, 0.8, 2) * (width, height)
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    reach = 1 + 0.2 * np.sin(5 * angle + generator.uniform(0, 6))
    outline = centre + (reach * [np.cos(angle) * wide, np.sin(angle) * tall]).T / 2.4
    outline = outline.clip(0, (width - 1, height - 1))
    low, high = outline.min(0), outline.max(0)
    keypoints = np.full((COCO_PERSON.num_keypoints, 3), 2.0)
    keypoints[:, :2] = generator.uniform(low, high, (len(keypoints), 2)).round()
    return {
        "keypoints": keypoints.ravel().tolist(),
        "num_keypoints": len(keypoints),
        "segmentation": [outline.ravel().tolist()],
        "area": float(np.prod(high - low)),
        "bbox": [*low.tolist(), *(high - low).tolist()],
        "iscrowd": 0,
    }


def decoding(paths: list[str], count: int) -> float:
    """CPU seconds to read and decode `count` JPEGs, and nothing else."""
    files = tf.data.Dataset.from_tensor_slices(paths).repeat()
    images = files.map(lambda path: tf.io.decode_jpeg(tf.io.read_file(path), channels=3))
    return _timed(iter(images.prefetch(2)), count)


def pipeline(records: RecordSet, batch: int, count: int) -> float:
    """CPU seconds to give `count` images as batches, as the training loop takes them."""
    ids = sorted(records.places)
    stream = training_batches(records, ids, COCO_PERSON.num_keypoints, batch, seed=0)
    return _timed(stream.as_numpy_iterator(), count // batch)


def _timed(stream, count: int) -> float:
    for _ in range(2):
        next(stream)
    start = time.process_time()
    for _ in range(count):
        next(stream)
    return time.process_time() - start


def measure(annotations: Path, images_dir: Path, options: argparse.Namespace) -> None:
    """Writes the records into a temporary folder and compares."""
    with tempfile.TemporaryDirectory() as folder:
        shard = Path(folder) / "train-00000-of-00001.tfrecord"
        write_records(annotations, COCO_PERSON, images_dir, shard, 0, 1)
        records = RecordSet.read([shard])
        names = {
            row["id"]: row["file_name"] for row in json.loads(annotations.read_text())["images"]
        }
        paths = [str(images_dir / names[image_id]) for image_id in records.places]
        jpeg_bytes = sum(Path(path).stat().st_size for path in paths)
        print(
            f"{len(paths)} images, {jpeg_bytes / len(paths) / 1e3:.0f} KB a JPEG and "
            f"{(shard.stat().st_size - jpeg_bytes) / len(paths) / 1e3:.1f} KB beside it in a record"
        )
        count = options.images_a_round // options.batch * options.batch
        rounds = [
            (count / decoding(paths, count), count / pipeline(records, options.batch, count))
            for _ in range(options.rounds)
        ]
    bare, whole = np.median(rounds, axis=0)
    ratio = np.median([whole / bare for bare, whole in rounds])
    print(f"decoding alone   {bare:7.1f} images a CPU second")
    print(f"records to batch {whole:7.1f} images a CPU second")
    print(f"ratio            {ratio:7.3f} (bar: 0.80)")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--annotations", type=Path, help="a COCO file of person keypoints")
    parser.add_argument("--images", type=Path, help="the folder of its images")
    parser.add_argument("--made-up", type=int, default=64, help="number of made-up images")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--images-a-round", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if options.annotations:
        measure(options.annotations, options.images, options)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(*made_up_coco(Path(folder), options.made_up), options)


if __name__ == "__main__":
    main()
