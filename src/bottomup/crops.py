"""The sides of the crops that an experiment trains on."""

from collections.abc import Mapping


def crop_sides(settings: Mapping) -> tuple[int, ...]:
    """Sides of the crops that an experiment trains on in turn, in px."""
    crop = settings["crop"]
    return (crop,) if isinstance(crop, int) else tuple(crop)
