"""Single people: the percentage of correct keypoints, of a person's size (PCK) or head (PCKh).

A person who is alone on an image is answered by the best detection of that image. A keypoint is
correct if it lies within a share of a length of its person from where it was labelled:

- PCKh@0.5 (Andriluka et al. 2014): half of the head size, which is 60 % of the diagonal of the
  head's box; where the annotations have no box, the length of the head from `upper_neck` to
  `head_top` stands for it. A person with neither does not count.
- PCK@0.2: a fifth of the longer side of the box round the person's labelled keypoints.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bottomup.coco import Annotations
from bottomup.person import Person
from bottomup.skeleton import HEAD_SEGMENT, Skeleton, part_of

HEAD_SHARE = 0.6  # of the diagonal of the head's box
PCKH, PCK = 0.5, 0.2
CURVE = np.arange(51) / 100  # shares of the head size under which MPII's area is taken


class Metric(NamedTuple):
    """One value, and how many labelled keypoints or people define it; NaN for none."""

    name: str
    value: float
    n: int


def head_size(person: Person, skeleton: Skeleton) -> float:
    """The length in px that PCKh counts in; NaN where the head is not annotated."""
    if person.head_box is not None:
        return HEAD_SHARE * math.hypot(*person.head_box[2:])
    if not set(HEAD_SEGMENT) <= set(skeleton.keypoints):
        return math.nan
    ends = person.labels[[skeleton.keypoints.index(name) for name in HEAD_SEGMENT]]
    length = math.dist(*ends[:, :2]) if (ends[:, 2] > 0).all() else 0.0
    return length or math.nan


def box_side(person: Person) -> float:
    """Longer side in px of the box round the labelled keypoints; NaN if it has no extent."""
    xy = person.labels[person.labels[:, 2] > 0, :2]
    side = float((xy.max(axis=0) - xy.min(axis=0)).max()) if len(xy) else 0.0
    return side or math.nan


def single_person_metrics(annotations: Annotations, rows: Sequence[Mapping]) -> list[Metric]:
    """PCKh@0.5, its area under the curve from 0 to 0.5, and PCK@0.2; total and for each keypoint.

    Args:
        annotations: The split; a person is alone if nobody else and no crowd is on the image.
        rows: COCO keypoint results in the order of the annotations' skeleton.

    Returns:
        `PCKh@0.5` and `PCK@0.2` over all labelled keypoints, `PCKh@0.5:left_wrist` of one,
        `PCKh@0.5:wrist` of a left and right one together, `PCKh_AUC`. Without any head PCKh is
        left out, and without anyone alone all is.
    """
    skeleton = annotations.skeleton
    people = [group[0] for group in annotations.persons.values() if is_alone(group)]
    if not people:
        return []
    best = best_detections(rows)
    far = np.stack([distances(person, best.get(person.image_id)) for person in people])
    heads = np.array([head_size(person, skeleton) for person in people])
    sides = np.array([box_side(person) for person in people])
    metrics = []
    if np.isfinite(heads).any():
        shares = far / heads[:, None]
        metrics += correct(shares, PCKH, f"PCKh@{PCKH}", skeleton)
        counted = shares[~np.isnan(shares)]
        curve = [np.mean(counted <= share) for share in CURVE] if len(counted) else [math.nan]
        metrics.append(Metric("PCKh_AUC", float(np.mean(curve)), len(counted)))
    return [*metrics, *correct(far / sides[:, None], PCK, f"PCK@{PCK}", skeleton)]


def is_alone(group: Sequence[Person]) -> bool:
    """Whether these are one person with labelled keypoints and nothing else."""
    return len(group) == 1 and not group[0].crowd and bool((group[0].labels[:, 2] > 0).any())


def best_detections(rows: Sequence[Mapping]) -> dict[int, np.ndarray]:
    """For each image the keypoints [keypoint, 3] of its detection with the highest score."""
    best: dict[int, Mapping] = {}
    for row in rows:
        if row["image_id"] not in best or row["score"] > best[row["image_id"]]["score"]:
            best[row["image_id"]] = row
    return {image: np.reshape(row["keypoints"], (-1, 3)) for image, row in best.items()}


def distances(person: Person, found: np.ndarray | None) -> np.ndarray:
    """Px from each labelled keypoint to where it was found, [keypoint].

    NaN where nothing is labelled, infinite where nobody was found.
    """
    labelled = person.labels[:, 2] > 0
    if found is None:
        return np.where(labelled, np.inf, np.nan)
    return np.where(labelled, np.linalg.norm(found[:, :2] - person.labels[:, :2], axis=1), np.nan)


def correct(
    shares: np.ndarray, threshold: float, name: str, skeleton: Skeleton
) -> Iterator[Metric]:
    """The share of labelled keypoints [person, keypoint] within a threshold: total, then each."""
    within = np.where(np.isnan(shares), np.nan, shares <= threshold)
    yield _mean(name, within)
    for part, places in parts(skeleton).items():
        yield _mean(f"{name}:{part}", within[:, places])


def parts(skeleton: Skeleton) -> dict[str, list[int]]:
    """Indices of every keypoint by itself, and of a left and a right one together, by name."""
    found = {name: [k] for k, name in enumerate(skeleton.keypoints)}
    for k, name in enumerate(skeleton.keypoints):
        if part_of(name) != name:
            found.setdefault(part_of(name), []).append(k)
    return found


def _mean(name: str, values: np.ndarray) -> Metric:
    counted = values[~np.isnan(values)]
    return Metric(name, float(counted.mean()) if counted.size else math.nan, counted.size)
