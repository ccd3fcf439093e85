"""A small set of records, for tests that train."""

from pathlib import Path

from bottomup.records import write_records
from bottomup.skeleton import COCO_PERSON
from people import make_coco


def write_training_data(folder: Path) -> tuple[Path, Path]:
    """Writes six images, one without people, and returns the record shard and `images.txt`."""
    annotations_path, images_dir = make_coco(folder, (1, 2, 0, 3, ("rle", "unannotated"), 1))
    path = folder / "train-00000-of-00001.tfrecord"
    write_records(annotations_path, COCO_PERSON, images_dir, path, 0, 1)
    (folder / "images.txt").write_text("1\n2\n3\n4\n5\n6\n")
    return path, folder / "images.txt"
