"""Subsets of a dataset: which images a recipe keeps, and how the strata change by it.

A stratum is the set of images with the same number of people. A recipe says whom to count
(`people`), whether images with nobody are kept (`keep_empty`), and which share of one stratum is
left out (`drop`); all other strata are kept whole.

Reads an annotation file; writes `annotations.json`, `images.txt` and `strata.csv`.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pandas as pd

from bottomup.coco import Annotations, count_people, write_subset
from bottomup.errors import InputError
from bottomup.files import written_aside


def draw_subset(annotations: Annotations, recipe: Mapping) -> list[int]:
    """The ids of the images that a recipe keeps, ascending; the same on every machine.

    Args:
        annotations: The dataset's split.
        recipe: `people` (`with_keypoints` or `any`), `keep_empty`, `seed`, and `drop`, which is
            None or `{people, percent}`: of the images with exactly so many people, that share is
            left out. With one seed, a larger share leaves out the same images and some more.

    Raises:
        InputError: The recipe is at fault, or nobody is left.
    """
    people = people_per_image(annotations, recipe["people"])
    kept = {image_id for image_id in people if people[image_id] or recipe["keep_empty"]}
    if recipe["drop"] is not None:
        stratum = [i for i in kept if people[i] == recipe["drop"]["people"]]
        kept -= dropped(stratum, recipe["drop"]["percent"], recipe["seed"])
    if not any(people[image_id] for image_id in kept):
        raise InputError(
            f"{annotations.path}: the subset would hold no person (people: {recipe['people']}, "
            f"drop: {recipe['drop']}); drop less, or count people by another rule"
        )
    return sorted(kept)


def people_per_image(annotations: Annotations, rule: str) -> dict[int, int]:
    """Number of people by the counting rule, for the id of every image."""
    return {image_id: count_people(found, rule) for image_id, found in annotations.persons.items()}


def dropped(stratum: Collection[int], percent: int, seed: int) -> set[int]:
    """The share of the image ids that is left out, rounded half up: the first in a seeded order."""
    if type(percent) is not int or not 0 <= percent <= 100:
        raise InputError(
            f"a subset's drop.percent is {percent!r}; give a whole number from 0 to 100"
        )
    count = (2 * len(stratum) * percent + 100) // 200
    return set(sorted(stratum, key=lambda image_id: (rank(image_id, seed), image_id))[:count])


def rank(image_id: int, seed: int) -> str:
    """A place in an order that depends on nothing but seed and id, not on other images."""
    return hashlib.sha256(f"{seed}:{image_id}".encode("ascii")).hexdigest()


def strata_table(annotations: Annotations, ids: Iterable[int], rule: str) -> pd.DataFrame:
    """Images by number of people, in the whole split and in a subset of it.

    Returns:
        One row for every number of people from 0 to the largest: `stratum` (`people=2`), `people`,
        `images_before`, `images_after`, `share_before`, `share_after`. Shares (0 to 1) are of the
        images with people, so they are missing (NaN) in the row of images with nobody.
    """
    people = people_per_image(annotations, rule)
    before = Counter(people.values())
    after = Counter(people[image_id] for image_id in ids)
    table = pd.DataFrame({"people": range(max(before) + 1)})
    table.insert(0, "stratum", [f"people={count}" for count in table["people"]])
    for name, counts in (("before", before), ("after", after)):
        table[f"images_{name}"] = [counts[count] for count in table["people"]]
    for name in ("before", "after"):
        images = table[f"images_{name}"].where(table["people"] > 0)
        table[f"share_{name}"] = images / images.sum()
    return table


def write_subset_files(annotations: Annotations, recipe: Mapping, out_dir: str | Path) -> None:
    """Draws a subset and writes its three files.

    - `annotations.json`: the COCO file cut down to the subset
    - `images.txt`: the ids, one a line
    - `strata.csv`: the table of `strata_table`
    """
    out_dir = Path(out_dir)
    ids = draw_subset(annotations, recipe)
    table = strata_table(annotations, ids, recipe["people"])
    write_subset(annotations.path, ids, out_dir / "annotations.json")
    with written_aside(out_dir / "images.txt") as aside:
        aside.write_text("".join(f"{image_id}\n" for image_id in ids), encoding="ascii")
    with written_aside(out_dir / "strata.csv") as aside:
        table.to_csv(aside, index=False, lineterminator="\n")
