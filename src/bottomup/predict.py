"""Predict: the people on any images by a finished run, as COCO results, pictures and cut-outs."""

import glob
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from bottomup.coco import keypoint_result, segmentation_result
from bottomup.crops import crop_sides
from bottomup.decoding import DecoderSettings, Detection, decode
from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.inference import Predictor, fields_of_images, read_image
from bottomup.multi_person_pckh import LEAST_SCORE
from bottomup.publish.drawing import detected, draw_people
from bottomup.rle import rle_mask
from bottomup.single_person import decode_one
from bottomup.skeleton import Skeleton

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif"}
SMALL_PX = 500  # drawn at twice the size, so that lines do not hide the people


@dataclass(frozen=True)
class Drawings:
    """What to draw: a picture of each image, each person cut out."""

    pictures: bool = True
    cut_outs: bool = False


def predict(
    run_dir: Path | str,
    images: Sequence[Path | str],
    out_dir: Path | str,
    protocol: Mapping | None,
    name: str | None = None,
    drawings: Drawings = Drawings(),
    single_person: bool = False,
) -> dict[str, str]:
    """Writes images.json, keypoints.json, segmentation.json and what is to be drawn.

    Args:
        run_dir: Folder of a finished run.
        images: Image files, folders of them, or patterns.
        out_dir: Where to write.
        protocol: The keys of a protocol file; None looks once, at the side trained with.
        name: Of the protocol; a run of DeeperCut has pairwise terms for each that it was tested by.
        drawings: What to draw; people of at least a score of .2.
        single_person: Take every image to show one person.

    Returns:
        Images that could not be read, and why; the others are done all the same.

    Raises:
        InputError: No image is found, or the run is not whole.
    """
    paths = image_files(images)
    stated = protocol or {}
    predictor = Predictor.load(run_dir, stated.get("output_stride"), stated.get("refine", True))
    settings = json.loads((Path(run_dir) / "run.json").read_text())["settings"]
    protocol = protocol or {"sides": [max(crop_sides(settings))], "flip": False, "decoder": {}}
    terms = None if single_person else run_terms(run_dir, settings, name)
    decoder = _decoder_settings(settings["system_options"], protocol["decoder"], terms)
    listed, results, unread = [], {"keypoints": [], "segmentation": []}, {}
    for number, path in enumerate(tqdm(paths, unit="image", file=sys.stderr), 1):
        try:
            pixels = read_image(path)
        except InputError as error:
            unread[str(path)] = str(error)
            continue
        fields, frame = fields_of_images(predictor, [pixels], protocol)[0]
        people = (decode_one if single_person else decode)(
            fields, predictor.skeleton, decoder, frame
        )
        size = {"height": pixels.shape[0], "width": pixels.shape[1]}
        listed.append({"id": number, "file_name": str(path)} | size)
        _add_results(results, number, people)
        stem = f"{number:05d}-{path.stem}"
        sure = [person for person in people if person.score >= LEAST_SCORE]
        if drawings.pictures:
            _draw(pixels, sure, predictor.skeleton, Path(out_dir) / f"{stem}.png")
        if drawings.cut_outs:
            _cut_out(pixels, sure, Path(out_dir) / "people", stem)
    for name, rows in {"images": listed, **results}.items():
        with written_aside(Path(out_dir) / f"{name}.json") as aside:
            aside.write_text(json.dumps(rows))
    return unread


def run_terms(run_dir: Path | str, settings: Mapping, protocol: str | None) -> str | None:
    """The file of a run's pairwise terms for a protocol; None for systems without.

    Raises:
        InputError: The run needs terms and has none for this protocol.
    """
    if "pairwise_statistics" not in settings["system_options"]:
        return None
    files = sorted(Path(run_dir).glob("pairwise/*/terms.json"))
    fitting = [path for path in files if protocol in (None, path.parent.name)]
    if not fitting:
        known = ", ".join(path.parent.name for path in files) or "none"
        raise InputError(
            f"{run_dir}: no pairwise terms for protocol {protocol!r} (there are: {known}); test "
            "the run by this protocol in a study, or name one that it was tested by"
        )
    return str(fitting[0])


def _decoder_settings(
    system_options: Mapping, decoder: Mapping, terms: str | None
) -> DecoderSettings:
    """The protocol's settings, with the radius trained with where it states none."""
    radius_px = decoder.get("radius_px") or system_options.get("radius_px")
    multicut = {**decoder.get("multicut", {}), "terms": terms}
    return DecoderSettings.from_dict({**decoder, "radius_px": radius_px, "multicut": multicut})


def image_files(images: Iterable[Path | str]) -> list[Path]:
    """The files given, and those with an image's suffix in folders and patterns, sorted.

    Raises:
        InputError: A path does not exist, a pattern fits nothing, or there is no image at all.
    """
    found: list[Path] = []
    for given in images:
        path = Path(given)
        if path.is_dir():
            found += sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
        elif path.is_file():
            found.append(path)
        elif glob.has_magic(str(given)):
            found += _fitting(str(given))
        else:
            raise InputError(f"{path}: no such file or folder; give images or folders of images")
    if not found:
        raise InputError(f"{', '.join(map(str, images))}: no images there ({sorted(SUFFIXES)})")
    return found


def _fitting(pattern: str) -> list[Path]:
    fitting = sorted(map(Path, glob.glob(pattern, recursive=True)))
    fitting = [p for p in fitting if p.is_file() and p.suffix.lower() in SUFFIXES]
    if not fitting:
        raise InputError(f"{pattern}: no image fits this pattern ({sorted(SUFFIXES)})")
    return fitting


def _add_results(results: Mapping[str, list], image_id: int, people: Sequence[Detection]) -> None:
    for person in people:
        results["keypoints"].append(keypoint_result(image_id, person.keypoints, person.score))
        if person.mask is not None:
            results["segmentation"].append(segmentation_result(image_id, person.mask, person.score))


def _draw(pixels, people: Sequence[Detection], skeleton: Skeleton, path: Path) -> None:
    shown = [detected(person) for person in people]
    enlarge = 2 if max(pixels.shape) < SMALL_PX else 1
    with written_aside(path) as aside:
        Image.fromarray(draw_people(pixels, shown, skeleton, enlarge)).save(aside, "PNG")


def _cut_out(pixels: np.ndarray, people: Sequence[Detection], folder: Path, name: str) -> None:
    """Each person alone, the rest of the box transparent; best first."""
    for number, person in enumerate(people, 1):
        mask = None if person.mask is None else rle_mask(person.mask)
        if mask is None or not mask.any():
            continue
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        opacity = (255 * mask[box]).astype(np.uint8)
        cut = np.concatenate([pixels[box], opacity[..., None]], axis=-1)
        with written_aside(folder / f"{name}-person-{number:02d}.png") as aside:
            Image.fromarray(cut, "RGBA").save(aside, "PNG")
