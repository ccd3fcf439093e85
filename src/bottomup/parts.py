"""Parts of a split as splits of their own, cut by a seeded order of its images.

Who holds one annotated split only can train on one part of it and test on another: the order
depends on seed and image ids alone, so the parts are the same on every machine, and parts of one
seed whose percentages do not overlap share no image.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from bottomup.coco import read_images, write_subset
from bottomup.errors import InputError
from bottomup.subsets import ranked, rounded_share


def part_of(image_ids: Collection[int], take: Mapping) -> list[int]:
    """The ids of a part, ascending.

    Args:
        image_ids: Ids of all images.
        take: `from_percent`, `to_percent` (0 to 100) of the seeded order, and `seed`.

    Raises:
        InputError: No image is left.
    """
    order = ranked(image_ids, take["seed"])
    start, end = (rounded_share(len(order), take[key]) for key in ("from_percent", "to_percent"))
    if start >= end:
        raise InputError(
            f"take from {take['from_percent']} to {take['to_percent']} per cent of {len(order)} "
            "images holds none; take more"
        )
    return sorted(order[start:end])


def write_part(source_path: Path | str, take: Mapping, out_path: Path | str) -> None:
    """Writes the COCO file of a part of the split in `source_path`."""
    ids = part_of([image.id for image in read_images(source_path)], take)
    write_subset(source_path, ids, out_path)
