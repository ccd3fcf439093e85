"""One person: what a trained network says of an image that is taken to show a single person.

Fields that tell people apart by pairs of keypoints are read by the maximum of each heatmap
(`decoding.argmax`); all others by the system's own decoder, of whose people one is taken: the best
in an image, and in a crop round somebody the best who stands in its middle.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bottomup.crops import crop_sides
from bottomup.decoding import DecoderSettings, Detection, decode
from bottomup.decoding.argmax import decode_single
from bottomup.fields.grid import Fields, Frame, PairFields
from bottomup.imputation import Finder
from bottomup.inference import Predictor, fields_of_images
from bottomup.skeleton import Skeleton

# How far from the middle of a crop, as a share of its side, a person loses most of the score.
MIDDLE = 0.15


def decode_one(
    fields: Fields | PairFields, skeleton: Skeleton, settings: DecoderSettings, frame: Frame
) -> list[Detection]:
    """The person that the fields of one image describe; [] if there is none.

    Raises:
        InputError: As `decode`.
    """
    return _candidates(fields, skeleton, settings, frame)[:1]


def decode_middle(
    fields: Fields | PairFields, skeleton: Skeleton, settings: DecoderSettings, frame: Frame
) -> list[Detection]:
    """The person in the middle of a crop; [] if there is nobody. Raises as `decode_one`."""
    people = _candidates(fields, skeleton, settings, frame)
    middle = np.array([frame.width - 1, frame.height - 1]) / 2
    return sorted(people, key=lambda person: -_middle_score(person, middle))[:1]


def _middle_score(person: Detection, middle: np.ndarray) -> float:
    """The score, less the farther the box of the placed keypoints is from the middle."""
    placed = person.placed if person.placed.any() else slice(None)
    xy = person.keypoints[placed, :2]
    centre = (xy.min(axis=0) + xy.max(axis=0)) / 2
    away = np.abs(centre - middle).max() / (2 * middle.max())
    return person.score * float(np.exp(-((away / MIDDLE) ** 2)))


def _candidates(
    fields: Fields | PairFields, skeleton: Skeleton, settings: DecoderSettings, frame: Frame
) -> list[Detection]:
    """Best first."""
    if isinstance(fields, Fields):
        return decode(fields, skeleton, settings, frame)
    found = decode_single(fields, skeleton)
    keypoints = np.column_stack([frame.to_image(found[:, :2]), found[:, 2]]).astype(np.float32)
    return [Detection(keypoints, np.ones(len(keypoints), bool), float(found[:, 2].mean()))]


def finder(run_dir: Path | str) -> tuple[Finder, Skeleton, int]:
    """What finds the one person in a crop by a finished run, as `imputation.impute` takes it.

    Returns:
        The function from crops to keypoints, the skeleton of these, and the side in px at which
        crops are seen as in training.

    Raises:
        InputError: The run is not whole.
    """
    predictor = Predictor.load(run_dir)
    settings = json.loads((Path(run_dir) / "run.json").read_text(encoding="utf-8"))["settings"]
    crop_px = max(crop_sides(settings))
    decoder = replace(trained_decoder(settings), masks=False)

    def find(crops: Sequence[np.ndarray]) -> list[np.ndarray | None]:
        seen = fields_of_images(predictor, crops, {"sides": [crop_px], "flip": False})
        found = [
            decode_middle(fields, predictor.skeleton, decoder, frame) for fields, frame in seen
        ]
        return [people[0].keypoints if people else None for people in found]

    return find, predictor.skeleton, crop_px


def trained_decoder(settings: dict) -> DecoderSettings:
    """The decoder's defaults, with the radius that an experiment was trained with."""
    return DecoderSettings.from_dict({"radius_px": settings["system_options"].get("radius_px")})
