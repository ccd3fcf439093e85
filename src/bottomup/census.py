"""How many people each image of a split has, counted without keeping anybody in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bottomup.coco import COUNTING_RULES, count_people, read_images, read_persons
from bottomup.skeleton import Skeleton


@dataclass(frozen=True)
class Census:
    """People per image.

    Attributes:
        path: The annotation file.
        people: Number of people by the counting rule, then by the id of every image, ascending.
    """

    path: Path
    people: Mapping[str, Mapping[int, int]]


def take_census(path: Path | str, skeleton: Skeleton) -> Census:
    """Counts the people of an annotation file, and checks every one of them.

    Raises:
        InputError: The file cannot be used (see `coco.read_annotations`).
    """
    images = {image.id: image for image in read_images(path)}
    people = {rule: dict.fromkeys(images, 0) for rule in COUNTING_RULES}
    for person in read_persons(path, skeleton, images):
        for rule in COUNTING_RULES:
            people[rule][person.image_id] += count_people([person], rule)
    return Census(Path(path), people)
