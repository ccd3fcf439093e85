"""Subsets of a dataset: which images a recipe keeps, and how the strata change by it.

A stratum is the set of images with the same number of people; from `many` people on, all images
are one stratum. A recipe says whom to count (`people`) and whether images with nobody are kept
(`keep_empty`), and then, in this order, what of the images is kept:

1. `least_people`: only images with at least so many people, the crowds;
2. `drop`: a share of the images with exactly so many people is left out (bias reduction);
3. `at_most`: of each stratum at most so many images are kept;
4. `control_of`: instead of 1 to 3, as many images as another recipe keeps, drawn from all alike;
5. `weights`: how often each kept image is trained on, all alike or the rarer strata more often.

Who is left out depends on nothing but the seed and the image's own id, so growing shares give
nested subsets and every machine and Python version draws the same.

Reads an annotation file; writes `annotations.json`, `images.txt` and `strata.csv`.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pandas as pd

from bottomup.census import Census
from bottomup.coco import check_counting, write_subset
from bottomup.errors import InputError
from bottomup.files import written_aside

MANY = 9  # people from which on images are one stratum, as in the published shares
WEIGHT_UNIT = 10**9  # inverse_frequency: so many parts are shared out among a stratum's images
WEIGHTS = ("equal", "inverse_frequency")


def draw_subset(census: Census, recipe: Mapping) -> list[int]:
    """The ids of the images that a recipe keeps, ascending; the same on every machine.

    Args:
        census: The people of the dataset's split.
        recipe: `people` (`with_keypoints` or `any`), `keep_empty` and `seed`; and, each of which
            may be absent or None, `least_people`; `drop`, `{people, percent}`: of the images with
            exactly so many people, that share is left out; `at_most`, images of a stratum, which
            begins anew with each number of people up to `many`; `control_of`, another recipe. With
            one seed, a larger share leaves out the same images and some more, and so does a smaller
            number.

    Raises:
        InputError: The recipe is at fault, or nobody is left.
    """
    people = people_per_image(census, recipe["people"])
    kept = {image_id for image_id in people if people[image_id] or recipe["keep_empty"]}
    if recipe.get("control_of") is not None:
        kept = _control(census, recipe, kept)
    else:
        kept = {i for i in kept if people[i] >= (recipe.get("least_people") or 0)}
        kept = _thinned(kept, people, recipe)
    if not any(people[image_id] for image_id in kept):
        raise InputError(
            f"{census.path}: the subset would hold no person (people: {recipe['people']}, "
            f"drop: {recipe.get('drop')}, least_people: {recipe.get('least_people')}); drop less, "
            "or count people by another rule"
        )
    return sorted(kept)


def _thinned(kept: set[int], people: Mapping[int, int], recipe: Mapping) -> set[int]:
    """Without the dropped share of one stratum, and with at most so many images of each."""
    if recipe.get("drop") is not None:
        stratum = [i for i in kept if people[i] == recipe["drop"]["people"]]
        kept = kept - dropped(stratum, recipe["drop"]["percent"], recipe["seed"])
    if recipe.get("at_most") is None:
        return kept
    groups: dict[int, list[int]] = {}
    for image_id in kept:
        groups.setdefault(stratum_of(people[image_id], recipe), []).append(image_id)
    chosen = (ranked(group, recipe["seed"])[: recipe["at_most"]] for group in groups.values())
    return {image_id for group in chosen for image_id in group}


def _control(census: Census, recipe: Mapping, eligible: Collection[int]) -> set[int]:
    """As many of the images as the other recipe keeps, whoever is on them.

    They are drawn in an order of their own, so that the control is not made of the images that the
    other recipe keeps.
    """
    count = len(draw_subset(census, recipe["control_of"]))
    if count > len(eligible):
        raise InputError(
            f"{census.path}: control_of: the other subset has {count} images, and this recipe "
            f"has only {len(eligible)} to draw from; give both the same people and keep_empty"
        )
    return set(ranked(eligible, f"control:{recipe['seed']}")[:count])


def stratum_of(people: int, recipe: Mapping) -> int:
    """The number of people that names an image's stratum: its own, or `many` and more."""
    return min(people, recipe.get("many") or MANY)


def image_weights(census: Census, ids: Iterable[int], recipe: Mapping) -> dict[int, int]:
    """How often each image is trained on, relative to the others.

    Weights are whole numbers, so that they are the same everywhere: 1 each, or for
    `inverse_frequency` 10**9 divided by the number of images of its stratum, rounded half up.
    """
    ids = list(ids)
    rule = recipe.get("weights", "equal")
    if rule not in WEIGHTS:
        raise InputError(f"a subset's weights are {rule!r}; use one of {', '.join(WEIGHTS)}")
    if rule == "equal":
        return dict.fromkeys(ids, 1)
    people = people_per_image(census, recipe["people"])
    stratum = {image_id: stratum_of(people[image_id], recipe) for image_id in ids}
    sizes = Counter(stratum.values())
    return {i: (2 * WEIGHT_UNIT + sizes[stratum[i]]) // (2 * sizes[stratum[i]]) for i in ids}


def people_per_image(census: Census, rule: str) -> Mapping[int, int]:
    """Number of people by the counting rule, for the id of every image."""
    check_counting(rule)
    return census.people[rule]


def dropped(stratum: Collection[int], percent: int, seed: int) -> set[int]:
    """The share of the image ids that is left out, rounded half up: the first in a seeded order."""
    if type(percent) is not int or not 0 <= percent <= 100:
        raise InputError(
            f"a subset's drop.percent is {percent!r}; give a whole number from 0 to 100"
        )
    return set(ranked(stratum, seed)[: rounded_share(len(stratum), percent)])


def rounded_share(count: int, percent: int) -> int:
    """So many per cent of a number, rounded half up."""
    return (2 * count * percent + 100) // 200


def ranked(image_ids: Iterable[int], seed: int | str) -> list[int]:
    """The ids in a seeded order."""
    return sorted(image_ids, key=lambda image_id: (rank(image_id, seed), image_id))


def rank(image_id: int, seed: int | str) -> str:
    """A place in an order that depends on nothing but seed and id, not on other images."""
    return hashlib.sha256(f"{seed}:{image_id}".encode("ascii")).hexdigest()


def strata_table(
    census: Census,
    ids: Iterable[int],
    rule: str,
    weights: Mapping[int, int] | None = None,
) -> pd.DataFrame:
    """Images by number of people, in the whole split and in a subset of it.

    Returns:
        One row for every number of people from 0 to the largest: `stratum` (`people=2`), `people`,
        `images_before`, `images_after`, `share_before`, `share_after`, and with weights
        `share_drawn`. Shares (0 to 1) are of the images with people, so they are missing (NaN) in
        the row of images with nobody; the last one is of what training draws of them.
    """
    people, ids = people_per_image(census, rule), list(ids)
    before = Counter(people.values())
    after = Counter(people[image_id] for image_id in ids)
    table = pd.DataFrame({"people": range(max(before) + 1)})
    table.insert(0, "stratum", [f"people={count}" for count in table["people"]])
    for name, counts in (("before", before), ("after", after)):
        table[f"images_{name}"] = [counts[count] for count in table["people"]]
    for name in ("before", "after"):
        images = table[f"images_{name}"].where(table["people"] > 0)
        table[f"share_{name}"] = images / images.sum()
    if weights:
        totals = Counter()
        for image_id in ids:
            totals[people[image_id]] += weights[image_id]
        drawn = table["people"].map(totals).where(table["people"] > 0)
        table["share_drawn"] = drawn / drawn.sum()
    return table


def write_subset_files(census: Census, recipe: Mapping, out_dir: str | Path) -> None:
    """Draws a subset and writes its three files.

    - `annotations.json`: the COCO file cut down to the subset
    - `images.txt`: the ids, one a line, and behind each its weight where weights differ
    - `strata.csv`: the table of `strata_table`
    """
    out_dir = Path(out_dir)
    ids = draw_subset(census, recipe)
    weights = image_weights(census, ids, recipe)
    weighted = recipe.get("weights", "equal") != "equal"
    table = strata_table(census, ids, recipe["people"], weights if weighted else None)
    write_subset(census.path, ids, out_dir / "annotations.json")
    lines = (f"{i} {weights[i]}\n" if weighted else f"{i}\n" for i in ids)
    with written_aside(out_dir / "images.txt") as aside:
        aside.write_text("".join(lines), encoding="ascii")
    with written_aside(out_dir / "strata.csv") as aside:
        table.to_csv(aside, index=False, lineterminator="\n")
