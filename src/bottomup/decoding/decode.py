"""From the fields of one image to its people."""

from dataclasses import dataclass, replace

import numpy as np

from bottomup.decoding.arrays import checked_arrays
from bottomup.decoding.linked import assemble_linked
from bottomup.decoding.masks import person_masks
from bottomup.decoding.multicut.poses import multicut_poses
from bottomup.decoding.peaks import find_peaks
from bottomup.decoding.scores import keypoint_scores, person_scales, person_scores
from bottomup.decoding.settings import DecoderSettings
from bottomup.decoding.tree import assemble_tree
from bottomup.decoding.votes import cast_votes
from bottomup.fields.grid import Fields, Frame, PairFields, laid_by_channel
from bottomup.skeleton import Skeleton

SCALE_FLOOR = 0.5  # of the radius: least side of the box that gives a person's scale


@dataclass(frozen=True, eq=False)
class Detection:
    """One person.

    Attributes:
        keypoints: x, y in native image px and the keypoint's score, float32 [keypoint, 3]; every
            keypoint stands at its best guess.
        placed: Which keypoints the fields confirm, bool [keypoint].
        score: The person's score.
        mask: Compressed run lengths of native size (`counts` a str), or None.
    """

    keypoints: np.ndarray
    placed: np.ndarray
    score: float
    mask: dict | None = None


@dataclass(frozen=True, eq=False)
class Poses:
    """The people of one image before masks, best first, in input px.

    Attributes:
        places: [person, keypoint, 2].
        placed: bool [person, keypoint].
        keypoint_scores: [person, keypoint].
        scales: [person].
        scores: [person].
    """

    places: np.ndarray
    placed: np.ndarray
    keypoint_scores: np.ndarray
    scales: np.ndarray
    scores: np.ndarray


def decode(
    fields: Fields | PairFields, skeleton: Skeleton, settings: DecoderSettings, frame: Frame
) -> list[Detection]:
    """The people that the fields of one image describe, best first; [] if there are none.

    The fields of DeeperCut describe no masks.

    Raises:
        InputError: A field is of the wrong shape or holds values that are not finite.
    """
    poses = decode_poses(fields, skeleton, settings)
    masks = [None] * len(poses.scores)
    if settings.masks and masks and isinstance(fields, Fields):
        masks = person_masks(fields, poses, settings, frame)
    return detections(poses, masks, frame)


def detections(poses: Poses, masks: list[dict | None], frame: Frame) -> list[Detection]:
    """Poses and their masks in native image px."""
    xy = frame.to_image(poses.places)
    keypoints = np.concatenate([xy, poses.keypoint_scores[..., None]], -1).astype(np.float32)
    rows = zip(keypoints, poses.placed, poses.scores, masks, strict=True)
    return [Detection(points, placed, float(s), mask) for points, placed, s, mask in rows]


def decode_poses(
    fields: Fields | PairFields, skeleton: Skeleton, settings: DecoderSettings
) -> Poses:
    """`decode` without masks and in input px."""
    if isinstance(fields, PairFields):
        places, placed, scores = multicut_poses(fields, skeleton, settings.multicut)
        scales = person_scales(places, placed, settings.radius_px * SCALE_FLOOR)
        return ranked(places, placed, scores, scales, settings)
    fields = checked(fields, skeleton)
    accumulators, touched = cast_votes(fields, settings)
    peaks = find_peaks(accumulators, touched, settings)
    if settings.assembly == "paper":
        places, placed = assemble_tree(fields, peaks, skeleton, settings)
    else:
        places, placed = assemble_linked(fields, peaks, skeleton, settings, accumulators.shape[:3])
    scales = person_scales(places, placed, settings.radius_px * SCALE_FLOOR)
    scores = keypoint_scores(fields, accumulators, places, scales, skeleton.sigmas, settings)
    return ranked(places, placed, scores, scales, settings)


def ranked(places, placed, scores, scales, settings: DecoderSettings) -> Poses:
    """Poses best first, without those that score too little or are too many."""
    order, totals = person_scores(places, scores, settings)
    kept = min(int((totals >= settings.least_score).sum()), settings.max_people)
    order = order[:kept]
    return Poses(places[order], placed[order], scores[order], scales[order], totals[:kept])


def checked(fields: Fields, skeleton: Skeleton) -> Fields:
    """The fields as float32, each channel in one piece.

    Raises:
        InputError: A field is of the wrong shape or holds values that are not finite.
    """
    rows, columns = fields.heatmap.shape[:2]
    num, edges = skeleton.num_keypoints, len(skeleton.directed_edges)
    cells = fields.sub_cells
    # What is needed first comes last, so that it is in the cache still.
    shapes = {
        "distance": (rows, columns),
        "centroid": (rows, columns, 1, 2),
        "segmentation": (rows * cells, columns * cells),
        "long": (rows, columns, num, 2),
        "mid": (rows, columns, edges, 2),
        "short": (rows, columns, num, 2),
        "heatmap": (rows, columns, num),
    }
    for name in ("distance", "centroid"):
        if getattr(fields, name) is None:
            del shapes[name]
    fields = laid_by_channel(fields)
    arrays = checked_arrays(fields, shapes, f"skeleton {skeleton.name!r}", "skeleton and sub_cells")
    return replace(fields, **arrays)
