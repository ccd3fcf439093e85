"""Annotated images of each split of the study, drawn by lot among those with people: masks, edges
and keypoints, one colour a person. Hollow keypoints are labelled but hidden; crowd regions are
grey; a person whose keypoints are not labelled has a mask only.

Reads the images and annotations of each split.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import SubFigure

from bottomup.census import take_census
from bottomup.coco import Person, count_people, read_annotations
from bottomup.person import Image
from bottomup.publish import drawing, style
from bottomup.publish.inputs import DatasetImages, Inputs
from bottomup.subsets import ranked

KIND = "figure"
CATEGORY = "Data"
NEEDS = ("dataset_images",)
COLUMNS = 6
ROWS = 2
SEED = 0
SIDE_PX = 300


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    count = max(1, len(inputs.dataset_images))
    with style.new_figure(style.TWO_COLUMNS, 2.75 * count) as figure:
        if not inputs.dataset_images:
            style.nothing_to_draw(figure, "no dataset in this study")
        parts = figure.subfigures(count, squeeze=False)[:, 0]
        for part, split in zip(parts, inputs.dataset_images, strict=False):
            _draw_split(part, split)
        style.save(figure, outputs)


def choose(people: Mapping[int, int], count: int) -> list[int]:
    """Ids of images with people, the first in a seeded order; `people` is their number by id."""
    return ranked((image_id for image_id in people if people[image_id]), SEED)[:count]


def _draw_split(part: SubFigure, split: DatasetImages) -> None:
    census = take_census(split.annotations_path, split.skeleton)
    chosen = choose(census.people["any"], ROWS * COLUMNS)
    annotations = read_annotations(split.annotations_path, split.skeleton, chosen)
    images = sorted(annotations.images, key=lambda image: chosen.index(image.id))
    part.suptitle(f"{split.dataset} {split.split}", x=0.01, ha="left", size=8, weight="bold")
    panels = part.subplots(ROWS, COLUMNS, squeeze=False).flat
    for axes in panels:
        axes.set_axis_off()
    for axes, image in zip(part.axes, images, strict=False):
        persons = annotations.persons[image.id]
        pixels = drawing.read_pixels(split.images_dir / image.file_name)
        enlarge = max(1, round(SIDE_PX / max(pixels.shape)))
        people = [drawing.annotated(person, image) for person in persons]
        axes.imshow(drawing.draw_people(pixels, people, split.skeleton, enlarge))
        axes.set_title(_described(image, persons), size=5, weight="normal", pad=2)


def _described(image: Image, persons: Sequence[Person]) -> str:
    people = count_people(persons, "any")
    crowds = len(persons) - people
    words = f"{people} {'person' if people == 1 else 'people'}"
    return f"{image.id}: {words}" + (" and a crowd" if crowds else "")
