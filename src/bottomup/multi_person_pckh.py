"""Several people by MPII's rules: average precision of each keypoint, and the mean of these.

People are scored in the regions of their groups, or in the whole image where the annotations name
none. In a region every detection is given to the person of whom it has the largest share of
labelled keypoints within half a head size, and every person keeps the one with the largest share
(Pishchulin et al. 2016; the same as PoseTrack's evaluation). Then each keypoint of a kept detection
is right or wrong by that distance; all other keypoints are wrong, and so is one of a kept detection
that its person has no label for. A keypoint with score 0 was not placed and does not count.

The matching is blind to scores and the ranking is by keypoints, so what COCO's AP forgives, a long
tail of unlikely people, would drown the likely ones here. Only people of some score are handed in,
the same that pictures show.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bottomup.coco import Annotations
from bottomup.pckh import PCKH, Metric, head_size, parts
from bottomup.person import Box, Person

LEAST_SCORE = 0.2  # of a person who is handed in
WHOLE = (-math.inf, -math.inf, math.inf, math.inf)


@dataclass(frozen=True)
class Judged:
    """The keypoints of the detections of one region.

    Attributes:
        scores: [detection, keypoint].
        right: bool [detection, keypoint].
        counted: bool [detection, keypoint].
        labelled: Labelled keypoints of its people, int [keypoint].
        people: Number of its people.
    """

    scores: np.ndarray
    right: np.ndarray
    counted: np.ndarray
    labelled: np.ndarray
    people: int


def multi_person_metrics(annotations: Annotations, rows: Sequence[Mapping]) -> list[Metric]:
    """`mAP`, and `AP:left_wrist` of every keypoint; `AP:wrist` is the mean of left and right.

    Args:
        annotations: The split. People without a head size cannot be scored; nobody is held
            responsible for what is found in their boxes, nor in those of crowds.
        rows: COCO keypoint results in the order of the annotations' skeleton.

    Returns:
        Values with the labelled keypoints that define them (`mAP`: people); [] if nobody has a
        head size.
    """
    by_image: dict[int, list[np.ndarray]] = {}
    for row in rows:
        if row["score"] >= LEAST_SCORE:
            by_image.setdefault(row["image_id"], []).append(np.reshape(row["keypoints"], (-1, 3)))
    judged = [
        region
        for image in annotations.images
        for region in _regions(annotations, image, by_image.get(image.id, []))
    ]
    people = sum(region.people for region in judged)
    if not people:
        return []
    precisions = [_precision(judged, k) for k in range(annotations.skeleton.num_keypoints)]
    labelled = np.sum([region.labelled for region in judged], axis=0)
    metrics = [Metric("mAP", _mean(precisions), people)]
    for name, places in parts(annotations.skeleton).items():
        value = _mean([precisions[k] for k in places])
        metrics.append(Metric(f"AP:{name}", value, int(labelled[places].sum())))
    return metrics


def _regions(annotations: Annotations, image, detections: list[np.ndarray]) -> Iterator[Judged]:
    """The people and detections of an image, judged region by region."""
    skeleton, persons = annotations.skeleton, annotations.persons[image.id]
    sizes = {person.id: head_size(person, skeleton) for person in persons}
    scored = [p for p in persons if _is_labelled(p) and not math.isnan(sizes[p.id])]
    others = [p.bbox for p in persons if p not in scored]
    boxes = [WHOLE]
    if image.regions is not None:
        boxes = [(x, y, x + width, y + height) for x, y, width, height in image.regions]
    homes = [_home(person.labels, boxes) for person in scored]
    found_homes = [_home(keypoints, boxes) for keypoints in detections]
    for number in range(len(boxes)):
        inside = [p for p, home in zip(scored, homes, strict=True) if home == number]
        found = [d for d, home in zip(detections, found_homes, strict=True) if home == number]
        yield judge(inside, [sizes[p.id] for p in inside], found, others, skeleton.num_keypoints)


def _is_labelled(person: Person) -> bool:
    return not person.crowd and bool((person.labels[:, 2] > 0).any())


def _centre(keypoints: np.ndarray) -> np.ndarray | None:
    placed = keypoints[keypoints[:, 2] > 0, :2]
    return placed.mean(axis=0) if len(placed) else None


def _home(keypoints: np.ndarray, boxes: Sequence[tuple]) -> int | None:
    """The region [left, top, right, bottom] that holds the centre of these keypoints.

    Of several it is the one whose own centre is nearest.
    """
    centre = _centre(keypoints)
    if centre is None:
        return None
    away = {
        number: math.dist(centre, ((left + right) / 2, (top + bottom) / 2))
        for number, (left, top, right, bottom) in enumerate(boxes)
        if left <= centre[0] <= right and top <= centre[1] <= bottom
    }
    return min(away, key=away.get) if away else None


def judge(
    people: Sequence[Person],
    head_sizes: Sequence[float],
    detections: Sequence[np.ndarray],
    ignored: Sequence[Box],
    num_keypoints: int,
) -> Judged:
    """Matches the detections of one region to its people, and judges their keypoints.

    Args:
        people: Those who are scored.
        head_sizes: Theirs, px.
        detections: Keypoints [keypoint, 3] each.
        ignored: Boxes of those who are not scored; a detection that matches nobody does not count
            if its centre is in one.
        num_keypoints: Number of keypoints.
    """
    found = np.array(detections, float).reshape(-1, num_keypoints, 3)
    labels = np.array([p.labels for p in people], float).reshape(-1, num_keypoints, 3)
    placed, labelled = found[..., 2] > 0, labels[..., 2] > 0
    far = np.linalg.norm(found[:, None, :, :2] - labels[None, :, :, :2], axis=-1)
    near = far <= PCKH * np.reshape(head_sizes, (1, -1, 1))
    near &= placed[:, None] & labelled[None]
    owners = match(near.sum(axis=-1) / np.maximum(labelled.sum(axis=-1), 1))
    right = np.zeros(placed.shape, bool)
    counted = placed.copy()
    for detection, person in enumerate(owners):
        if person >= 0:
            right[detection] = near[detection, person]
        elif _is_ignored(found[detection], ignored):
            counted[detection] = False
    return Judged(found[..., 2], right, counted, labelled.sum(axis=0), len(people))


def match(shares: np.ndarray) -> np.ndarray:
    """The person of each detection, -1 for nobody, int [detection].

    Args:
        shares: Share of a person's labelled keypoints that a detection has, [detection, person].
    """
    owners = np.full(len(shares), -1)
    if not shares.size:
        return owners
    favourite = shares.argmax(axis=1)
    wanted = np.where(np.arange(shares.shape[1]) == favourite[:, None], shares, 0)
    for person, detection in enumerate(wanted.argmax(axis=0)):
        if wanted[detection, person] > 0:
            owners[detection] = person
    return owners


def _is_ignored(keypoints: np.ndarray, boxes: Sequence[Box]) -> bool:
    centre = _centre(keypoints)
    return centre is not None and any(
        x <= centre[0] <= x + width and y <= centre[1] <= y + height
        for x, y, width, height in boxes
    )


def _precision(judged: Sequence[Judged], keypoint: int) -> float:
    counted = [region.counted[:, keypoint] for region in judged]
    scores = [r.scores[c, keypoint] for r, c in zip(judged, counted, strict=True)]
    right = [r.right[c, keypoint] for r, c in zip(judged, counted, strict=True)]
    labelled = sum(int(region.labelled[keypoint]) for region in judged)
    return average_precision(np.concatenate(scores), np.concatenate(right), labelled)


def average_precision(scores: np.ndarray, right: np.ndarray, labelled: int) -> float:
    """Area under precision over recall, precision made monotone; NaN if nothing is labelled.

    Args:
        scores: [found].
        right: bool [found].
        labelled: How many there were to find.
    """
    if not labelled:
        return math.nan
    hits = right[np.argsort(-scores, kind="stable")].astype(float)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float((hits * best_from_here).sum() / labelled)


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return float(np.mean(defined)) if defined else math.nan
