"""Draws the pictures of docs/decoding.md from one made-up image and its ideal fields.

python docs/draw_decoding.py [--out docs/pictures]
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from tiles import draw_tiles

from bottomup.coco import read_annotations
from bottomup.datasets.synthetic import make_split
from bottomup.decoding import DecoderSettings, decode
from bottomup.fields.grid import Frame
from bottomup.oracle import OracleSettings, ideal_fields
from bottomup.publish import drawing
from bottomup.publish.overlays import TILES, View
from bottomup.records import annotated_keypoints, instance_map
from bottomup.skeleton import COCO_PERSON

SIDE, STRIDE, RADIUS_PX, SUB_CELLS = 321, 8, 12, 4
PEOPLE = 4
PICTURES = {
    "fields.png": ("heatmap", "short offsets", "mid offsets", "long offsets"),
    "votes.png": ("input", "heatmap", "short offsets", "Hough map"),
    "people.png": ("mid offsets", "pose", "person", "instances"),
}


def made_up_view() -> View:
    """A made-up image with four people, its ideal fields and what the decoder finds in them."""
    with tempfile.TemporaryDirectory() as folder:
        images, path = Path(folder) / "images", Path(folder) / "annotations.json"
        settings = {"images": {"val": 40}, "image_side": SIDE}
        make_split(settings, "val", 3, COCO_PERSON, images, path)
        annotations = read_annotations(path, COCO_PERSON)
        image, persons = next(
            (image, annotations.persons[image.id])
            for image in annotations.images
            if sum(person.annotated for person in annotations.persons[image.id]) == PEOPLE
        )
        pixels = drawing.read_pixels(images / image.file_name)
    decoder = DecoderSettings(radius_px=RADIUS_PX)
    ideal = OracleSettings(
        long_side=SIDE, output_stride=STRIDE, sub_cells=SUB_CELLS, decoder=decoder
    )
    frame = Frame.fit(image.height, image.width, SIDE)
    fields = ideal_fields(
        annotated_keypoints(persons, COCO_PERSON),
        instance_map(persons, image.height, image.width),
        frame,
        COCO_PERSON,
        ideal,
    )
    found = decode(fields, COCO_PERSON, decoder, frame)
    return View(pixels, fields, frame, COCO_PERSON, decoder, found)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    options = parser.parse_args(arguments)
    view = made_up_view()
    for name, titles in PICTURES.items():
        tiles = {title: TILES[title] for title in titles}
        draw_tiles(view, tiles, SIDE, options.out / name, height=1.95)


if __name__ == "__main__":
    main()
