"""The bound of representation and decoder: annotations as ideal fields, decoded and scored."""

import dataclasses
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from keras import ops

from bottomup import lookup
from bottomup.coco import Annotations, keypoint_result, read_annotations, segmentation_result
from bottomup.coco_results import MASKS_OF_LABELLED, to_coco
from bottomup.decoding.decode import decode_poses, detections
from bottomup.decoding.masks import person_masks
from bottomup.decoding.multicut.fit import fit_terms
from bottomup.decoding.multicut.samples import draw_samples
from bottomup.decoding.multicut.terms import PairwiseTerms
from bottomup.decoding.settings import DecoderSettings
from bottomup.errors import InputError
from bottomup.evaluation import evaluate_task
from bottomup.fields.grid import Fields, Frame, PairFields, joined_cells, laid_by_channel
from bottomup.records import annotated_keypoints, instance_map
from bottomup.skeleton import COCO_PERSON, Skeleton

NOISE_PX = 1.0
PAIR_NOISE_PX = 32.0  # reach of the noise in fields of pairs; their radius is for the heatmap
OFFSETS = ("short", "mid", "long")
KEYPOINT_METRICS = ("AP", "AP50", "AP75", "APm", "APl", "AR")
MASK_METRICS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR100")


@dataclass(frozen=True)
class OracleSettings:
    """What the ideal network would be like.

    Attributes:
        system: Name of the module in `bottomup.systems` that encodes.
        long_side: Longer side of the network input in px.
        output_stride: Input px between nodes.
        sub_cells: Segmentation cells along each side of a node.
        distance: Whether there is a head for the distance to the outline.
        garbage: Seed of the noise where a loss promises nothing, or None for clean fields.
        decoder: Settings of the decoder; its radius is the one that encodes.
    """

    system: str = "personlab"
    long_side: int = 801
    output_stride: int = 16
    sub_cells: int = 1
    distance: bool = False
    garbage: int | None = None
    decoder: DecoderSettings = field(default_factory=DecoderSettings)


def run_oracle(
    paths: Sequence[Path],
    settings: OracleSettings,
    skeleton: Skeleton = COCO_PERSON,
    image_ids: Sequence[int] | None = None,
    learn_from: Sequence[Path] = (),
) -> tuple[dict, list[dict], list[dict]]:
    """Encodes, decodes and scores the images of some annotation files, pooled.

    Args:
        paths: The COCO files.
        settings: How to encode and decode.
        skeleton: Whose keypoints the files annotate.
        image_ids: Only these images; None for all.
        learn_from: COCO files whose noisy ideal fields pairwise terms are learned from, for a
            system that needs some. They share no image with the files that are scored.

    Returns:
        The summary (metrics of each task, counts, median decode times) and the rows of the COCO
        keypoint and segmentation result files. Without masks the metrics of masks are None.

    Raises:
        InputError: A file cannot be used, or an image id is in none of them.
    """
    parts = [read_annotations(path, skeleton) for path in paths]
    if image_ids is not None:
        parts = [part.only(set(image_ids)) for part in parts]
        missing = set(image_ids) - {image.id for part in parts for image in part.images}
        if missing:
            raise InputError(
                f"image {min(missing)} is in none of {', '.join(map(str, paths))} "
                f"({len(missing)} missing in all); give the files that annotate these images"
            )
    if learn_from:
        terms = learned_terms(parts, learn_from, settings, skeleton, image_ids)
        multicut = replace(settings.decoder.multicut, terms=terms)
        settings = replace(settings, decoder=replace(settings.decoder, multicut=multicut))
    truth = to_coco(*parts)
    keypoints, masks, pose_ms, mask_ms = [], [], [], []
    for image_id, fields, frame in ideal_images(parts, settings):
        found, times = timed_decode(fields, skeleton, settings.decoder, frame)
        pose_ms.append(times[0])
        mask_ms.append(times[1])
        keypoints += [keypoint_result(image_id, one.keypoints, one.score) for one in found]
        masks += [segmentation_result(image_id, one.mask, one.score) for one in found if one.mask]
    summary = {
        "keypoints": _metrics(truth, keypoints, "keypoints", skeleton),
        **{
            task: _metrics(truth, masks, task, skeleton) if masks else None
            for task in ("segmentation", MASKS_OF_LABELLED)
        },
        "images": sum(len(part.images) for part in parts),
        "persons": sum(p.annotated for part in parts for row in part.persons.values() for p in row),
        "decode_ms_per_image": float(np.median(pose_ms)),
        "mask_ms_per_image": float(np.median(mask_ms)),
    }
    return summary, keypoints, masks


def learned_terms(
    scored: Sequence[Annotations],
    paths: Sequence[Path],
    settings: OracleSettings,
    skeleton: Skeleton,
    image_ids: Sequence[int] | None = None,
) -> PairwiseTerms:
    """Pairwise terms of the noisy ideal fields of other images.

    Raises:
        InputError: An image is to be learned from and scored, or nobody is annotated.
    """
    parts = [read_annotations(path, skeleton) for path in paths]
    if image_ids is not None:
        parts = [part.only(set(image_ids)) for part in parts]
    both = {i.id for part in scored for i in part.images} & {i.id for p in parts for i in p.images}
    if both:
        raise InputError(
            f"image {min(both)} is to be learned from and scored ({len(both)} such in all); "
            "learn from another split"
        )
    noise = 0 if settings.garbage is None else settings.garbage
    images = ideal_images(parts, replace(settings, garbage=noise))
    persons = {image: rows for part in parts for image, rows in part.persons.items()}
    annotated = (
        (fields, frame, annotated_keypoints(persons[image_id], skeleton))
        for image_id, fields, frame in images
    )
    samples = draw_samples(annotated, skeleton, settings.decoder.radius_px, noise)
    return fit_terms(samples, skeleton).terms


def ideal_images(
    parts: Sequence[Annotations], settings: OracleSettings
) -> Iterator[tuple[int, Fields | PairFields, Frame]]:
    """Image id, ideal refined fields and frame of every image."""
    for part in parts:
        for image in part.images:
            persons = part.persons[image.id]
            frame = Frame.fit(image.height, image.width, settings.long_side)
            keypoints = annotated_keypoints(persons, part.skeleton)
            pixels = instance_map(persons, image.height, image.width)
            noise = None if settings.garbage is None else [settings.garbage, image.id]
            yield (
                image.id,
                ideal_fields(keypoints, pixels, frame, part.skeleton, settings, noise),
                frame,
            )


def ideal_fields(
    keypoints: np.ndarray,
    pixels: np.ndarray,
    frame: Frame,
    skeleton: Skeleton,
    settings: OracleSettings,
    noise: Sequence[int] | None = None,
) -> Fields | PairFields:
    """What a perfect network would say about one image.

    Args:
        keypoints: float32 [person, keypoint, 3] in native px.
        pixels: Instance map int32 [height, width] of the native image.
        frame: How the image lies in the input.
        skeleton: Whose keypoints these are.
        settings: How to encode.
        noise: Seed words of the noise, or None for clean fields.
    """
    stride, radius_px = settings.output_stride, settings.decoder.radius_px
    system = lookup.load("systems", settings.system)
    people = np.concatenate([keypoints, np.zeros_like(keypoints, shape=(1, *keypoints.shape[1:]))])
    people[..., :2] = frame.to_input(people[..., :2])
    input_map = input_instance_map(pixels, frame, stride)
    known = {"radius_px": radius_px, "sub_cells": settings.sub_cells, "distance": settings.distance}
    fitting = {one.name for one in dataclasses.fields(system.Options)}
    options = system.Options.from_dict({name: v for name, v in known.items() if name in fitting})
    encoded = system.targets(people[None], input_map[None], skeleton, stride, options)
    arrays = {name: np.asarray(ops.convert_to_numpy(value))[0] for name, value in encoded.items()}
    if noise is not None:
        reach_px = PAIR_NOISE_PX if "pairwise" in arrays else radius_px
        spoil(arrays, np.random.default_rng(noise), reach_px)
    if "pairwise" in arrays:
        return PairFields(arrays["heatmap"], arrays["short"], arrays["pairwise"], stride)
    raw = {name: arrays[name][None] for name in OFFSETS}
    refined = system.refined(raw, skeleton, stride)
    offsets = {name: np.asarray(ops.convert_to_numpy(refined[name]))[0] for name in OFFSETS}
    fields = Fields(
        heatmap=arrays["heatmap"],
        segmentation=joined_cells(arrays["segmentation"], settings.sub_cells),
        stride=stride,
        sub_cells=settings.sub_cells,
        distance=arrays.get("distance"),
        centroid=arrays.get("centroid"),
        **offsets,
    )
    return laid_by_channel(fields)


def input_instance_map(pixels: np.ndarray, frame: Frame, stride: int) -> np.ndarray:
    """The instance map at network input size, by the nearest native pixel; padding is empty."""
    rows, columns = frame.input_size(stride)
    y = np.floor(np.arange(rows) / frame.scale + 0.5).astype(int)
    x = np.floor(np.arange(columns) / frame.scale + 0.5).astype(int)
    y, x = y[y < frame.height], x[x < frame.width]
    out = np.zeros((rows, columns), np.int32)
    out[: len(y), : len(x)] = pixels[np.ix_(y, x)]
    return out


def spoil(arrays: dict, generator: np.random.Generator, reach_px: float) -> None:
    """Replaces what no loss supervises by uniform noise, and blurs the rest, in place."""
    for name in (*OFFSETS, "pairwise", "distance", "centroid"):
        if name not in arrays:
            continue
        values, weight = arrays[name], arrays[f"{name}_weight"]
        weight = weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
        guess = generator.uniform(-reach_px, reach_px, values.shape)
        blurred = values + generator.normal(0, NOISE_PX, values.shape)
        arrays[name] = np.where(weight > 0, blurred, guess).astype(np.float32)


def timed_decode(
    fields: Fields | PairFields, skeleton: Skeleton, decoder: DecoderSettings, frame: Frame
):
    """Detections with masks, and the CPU milliseconds of the poses and of the masks."""
    start = time.thread_time()
    poses = decode_poses(fields, skeleton, decoder)
    middle = time.thread_time()
    masks = [None] * len(poses.scores)
    if isinstance(fields, Fields):
        masks = person_masks(fields, poses, decoder, frame)
    end = time.thread_time()
    return detections(poses, masks, frame), (1e3 * (middle - start), 1e3 * (end - middle))


def write_results(out_dir: Path, keypoints: list[dict], masks: list[dict]) -> None:
    """Writes the two COCO result files, `keypoints.json` and `segmentation.json`."""
    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / "keypoints.json").write_text(json.dumps(keypoints))
    (out_dir / "segmentation.json").write_text(json.dumps(masks))


def _metrics(truth, rows: list[dict], task: str, skeleton: Skeleton) -> dict[str, float]:
    names = KEYPOINT_METRICS if task == "keypoints" else MASK_METRICS
    values = evaluate_task(truth, rows, task, skeleton).metrics()
    return {name: values[name][0] for name in names}
