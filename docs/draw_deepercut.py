"""Draws the pictures of docs/deepercut.md from made-up images and their ideal fields.

python docs/draw_deepercut.py [--out docs/pictures]
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from tiles import draw_tiles

from bottomup.coco import read_annotations
from bottomup.datasets.synthetic import make_split
from bottomup.decoding import DecoderSettings, decode
from bottomup.decoding.multicut.candidates import find_candidates
from bottomup.decoding.multicut.fit import fit_terms
from bottomup.decoding.multicut.graph import costs
from bottomup.decoding.multicut.samples import draw_samples
from bottomup.decoding.multicut.settings import MulticutSettings
from bottomup.fields.grid import Frame
from bottomup.oracle import OracleSettings, ideal_fields
from bottomup.publish import drawing, style
from bottomup.publish.overlays import PAIR_TILES, View
from bottomup.publish.reliability import draw_reliability
from bottomup.records import annotated_keypoints, instance_map
from bottomup.skeleton import COCO_PERSON

SIDE, STRIDE, RADIUS_PX = 321, 8, 10
IMAGES, PEOPLE, LEARN_FROM = 40, 4, 30
DRAWN = 1.0  # log-odds from which an edge is drawn
FIELDS = ("heatmap", "location refinement", "pairwise offsets")


def made_up() -> tuple[View, object]:
    """An image of four people with its fields and people, and how calibrated the terms are."""
    ideal = OracleSettings(
        system="deepercut",
        long_side=SIDE,
        output_stride=STRIDE,
        decoder=DecoderSettings(radius_px=RADIUS_PX),
    )
    frame = Frame.fit(SIDE, SIDE, SIDE)
    with tempfile.TemporaryDirectory() as folder:
        images, path = Path(folder) / "images", Path(folder) / "annotations.json"
        make_split(
            {"images": {"val": IMAGES}, "image_side": SIDE}, "val", 3, COCO_PERSON, images, path
        )
        annotations = read_annotations(path, COCO_PERSON)
        shown = next(
            image
            for image in annotations.images
            if sum(person.annotated for person in annotations.persons[image.id]) == PEOPLE
        )
        pixels = drawing.read_pixels(images / shown.file_name)
    people = {
        image.id: annotated_keypoints(annotations.persons[image.id], COCO_PERSON)
        for image in annotations.images
    }

    def fields_of(image, noise=None):
        mask = instance_map(annotations.persons[image.id], image.height, image.width)
        return ideal_fields(people[image.id], mask, frame, COCO_PERSON, ideal, noise)

    others = [image for image in annotations.images if image.id != shown.id][:LEARN_FROM]
    noisy = ((fields_of(image, [0, image.id]), frame, people[image.id]) for image in others)
    fit = fit_terms(draw_samples(noisy, COCO_PERSON, RADIUS_PX, 0), COCO_PERSON)
    decoder = replace(ideal.decoder, multicut=MulticutSettings(terms=fit.terms))
    fields = fields_of(shown)
    found = decode(fields, COCO_PERSON, decoder, frame)
    return View(pixels, fields, frame, COCO_PERSON, decoder, found), fit.calibration


def draw_graph(axes: Axes, view: View) -> None:
    """Candidates, and the edges that are surely within a person, or surely not."""
    PAIR_TILES["input"](axes, view)
    candidates = find_candidates(view.fields, view.skeleton, view.settings.multicut)
    _, join = costs(candidates, view.skeleton, view.settings.multicut)
    joined, cut = style.colours(2)
    for colour, chosen, width in ((cut, join > DRAWN, 0.15), (joined, join < -DRAWN, 0.5)):
        ends = np.argwhere(np.triu(chosen, 1))
        lines = candidates.places[ends]
        axes.add_collection(LineCollection(lines, colors=[colour], linewidths=width, alpha=0.8))
    axes.scatter(*candidates.places.T, s=3, c="white", edgecolors="black", lw=0.3, zorder=3)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    options = parser.parse_args(arguments)
    view, calibration = made_up()
    fields = {title: PAIR_TILES[title] for title in FIELDS}
    draw_tiles(view, fields, SIDE, options.out / "deepercut_fields.png", height=2.5)
    groups = {
        "input": PAIR_TILES["input"],
        "candidates and edges": draw_graph,
        "people": PAIR_TILES["pose"],
    }
    draw_tiles(view, groups, SIDE, options.out / "deepercut_people.png", height=2.5)
    draw_reliability(calibration, options.out / "deepercut_calibration.png")


if __name__ == "__main__":
    main()
