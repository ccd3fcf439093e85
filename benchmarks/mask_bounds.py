"""What a coarse grid keeps of people's masks, and what the decoder keeps of that.

    python benchmarks/mask_bounds.py [--annotations FILE ...] [--long-side 801] [--output-stride 8]

Two bounds take each person by itself, without any decoder: its mask averaged around each node and
restored bilinearly (cut at one half), and its signed distance at each node, clipped at 16 px and
restored bicubically (cut at 0). Below stand the masks of `bottomup oracle`, where one head serves
all people and the long offsets tell them apart: the paper's one probability a node, sub-cells, and
a distance head beside them, from clean fields and with noise where no loss looks. Before each head
stands what it would give if every node were told its person: what is missing there to the bounds is
where people touch, since nothing in such fields says where between two nodes. A third row says what
a network would reach that had a channel for each person, learned from the pixels that are one
person's alone. Segmentation AP over people with keypoints.
Without files it draws made-up people.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import numpy as np
from pycocotools import mask as rle_tools
from scipy.ndimage import convolve1d, distance_transform_edt, map_coordinates

from bottomup.coco import (
    Annotations,
    person_mask,
    read_annotations,
    segmentation_result,
)
from bottomup.coco_results import MASKS_OF_LABELLED, to_coco
from bottomup.datasets.synthetic import make_split
from bottomup.decoding.masks import filled, label_image, nodes_inside, run_lengths
from bottomup.evaluation import evaluate_task
from bottomup.fields.grid import PERSON_BITS, Frame
from bottomup.oracle import OracleSettings, ideal_fields, input_instance_map, run_oracle
from bottomup.records import annotated_keypoints, instance_map
from bottomup.skeleton import COCO_PERSON

CLIP_PX = 16
METRICS = ("AP", "AP50", "AP75", "APs", "APm", "APl")
# Sub-cells along a node, and whether there is a distance head.
HEADS = {
    "probability, 1 cell": (1, False),
    "probability, 2 x 2 cells": (2, False),
    "probability, 4 x 4 cells": (4, False),
    "probability, 1 cell, and distance": (1, True),
    "probability, 4 x 4 cells, and distance": (4, True),
}


def averaged(mask: np.ndarray, stride: int) -> np.ndarray:
    """The share of a person's pixels in the cell around each node."""
    taps = np.full(stride + 1, 1 / stride)
    taps[[0, -1]] /= 2
    share = convolve1d(mask.astype(float), taps, axis=0, mode="constant")
    return convolve1d(share, taps, axis=1, mode="constant")[::stride, ::stride] - 0.5


def distance(mask: np.ndarray, stride: int) -> np.ndarray:
    """The signed distance to a person's outline at each node, in px, positive inside."""
    signed = distance_transform_edt(mask) - distance_transform_edt(~mask)
    return np.clip(signed, -CLIP_PX, CLIP_PX)[::stride, ::stride]


def restored(values: np.ndarray, frame: Frame, stride: int, order: int) -> np.ndarray:
    """Native pixels at which the values between the nodes are positive, bool [height, width]."""
    grid = np.mgrid[: frame.height, : frame.width] * (frame.scale / stride)
    return map_coordinates(values, grid, order=order, mode="nearest") > 0


def bound_rows(
    parts: list[Annotations],
    settings: OracleSettings,
    sampled: Callable,
    order: int,
    alone: bool = False,
) -> Iterator[dict]:
    """A result row for each person with keypoints, taken by itself.

    `alone` leaves out the pixels that several people cover, as the targets of training do.
    """
    stride = settings.output_stride
    for part in parts:
        for image in part.images:
            frame = Frame.fit(image.height, image.width, settings.long_side)
            persons = part.persons[image.id]
            own = instance_map(persons, image.height, image.width) & PERSON_BITS
            numbers = np.cumsum([person.annotated for person in persons])
            for person, number in zip(persons, numbers, strict=True):
                if person.annotated and person.segmentation is not None:
                    whole = person_mask(person, image.height, image.width)
                    native = own == number if alone else whole
                    mask = input_instance_map(native.astype(np.int32), frame, stride) > 0
                    pixels = restored(sampled(mask, stride), frame, stride, order)
                    runs = rle_tools.encode(np.asfortranarray(pixels, np.uint8))
                    yield segmentation_result(image.id, runs, 1.0)


def told_rows(parts: list[Annotations], settings: OracleSettings) -> Iterator[dict]:
    """A result row for each person with keypoints, every node given to the person it lies on."""
    stride = settings.output_stride
    for part in parts:
        for image in part.images:
            frame = Frame.fit(image.height, image.width, settings.long_side)
            keypoints = annotated_keypoints(part.persons[image.id], part.skeleton)
            pixels = instance_map(part.persons[image.id], image.height, image.width)
            fields = ideal_fields(keypoints, pixels, frame, part.skeleton, settings)
            inside = nodes_inside(fields, settings.decoder)
            persons = input_instance_map(pixels, frame, stride)[::stride, ::stride] & PERSON_BITS
            owners = filled(fields, (persons * inside).astype(np.int16), inside)
            labels = label_image(fields, owners, settings.decoder, frame)
            for runs in run_lengths(labels, len(keypoints)):
                yield segmentation_result(image.id, runs, 1.0)


def line(name: str, values: dict[str, float]) -> str:
    """A row of the table."""
    return f"{name:48s}" + "".join(f"{values[metric]:8.3f}" for metric in METRICS)


def made_up(folder: Path) -> Path:
    """Annotations of a few dozen made-up images."""
    settings = {"images": {"val": 60}, "image_side": 401}
    make_split(settings, "val", 0, COCO_PERSON, folder / "images", folder / "made_up.json", 2)
    return folder / "made_up.json"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--annotations", type=Path, nargs="+")
    parser.add_argument("--long-side", type=int, default=801)
    parser.add_argument("--output-stride", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = options.annotations or [made_up(Path(folder))]
        parts = [read_annotations(path, COCO_PERSON) for path in paths]
        settings = OracleSettings(long_side=options.long_side, output_stride=options.output_stride)
        print(f"{options.long_side} px, stride {options.output_stride}")
        print(f"{'':48s}" + "".join(f"{metric:>8s}" for metric in METRICS))
        truth = to_coco(*parts)

        def show(name: str, rows: Iterator[dict]) -> None:
            scored = evaluate_task(truth, list(rows), MASKS_OF_LABELLED, COCO_PERSON).metrics()
            print(line(name, {metric: scored[metric][0] for metric in METRICS}), flush=True)

        show("bound: averaged mask, bilinear", bound_rows(parts, settings, averaged, 1))
        show("bound: signed distance, bicubic", bound_rows(parts, settings, distance, 3))
        own = bound_rows(parts, settings, averaged, 3, alone=True)
        show("a channel for each person's own pixels, bicubic", own)
        for name, (cells, with_distance) in HEADS.items():
            told = replace(settings, sub_cells=cells, distance=with_distance)
            show(f"{name}, told", told_rows(parts, told))
            for garbage in (None, 0):
                summary, _, _ = run_oracle(paths, replace(told, garbage=garbage))
                title = f"{name}, {'clean' if garbage is None else 'noise'}"
                print(line(title, summary[MASKS_OF_LABELLED]), flush=True)


if __name__ == "__main__":
    main()
