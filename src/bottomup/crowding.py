"""How much the people of an image are in each other's way (CrowdPose, Li et al. 2019)."""

from collections.abc import Sequence

import numpy as np

from bottomup.person import Person


def crowd_index(persons: Sequence[Person]) -> float:
    """Crowd Index of an image (CrowdPose, equation 10), 0 to 1.

    For each person with labelled keypoints, the number of other people's labelled keypoints inside
    its box is divided by the number of its own; the index is the mean over these people. Single
    ratios above 1 count as 1, so that the index keeps the paper's range. NaN if there is nobody
    with labelled keypoints.
    """
    annotated = [person for person in persons if person.annotated]
    if not annotated:
        return float("nan")
    labelled = [person.keypoints[person.keypoints[:, 2] > 0, :2] for person in annotated]
    shares = []
    for number, person in enumerate(annotated):
        others = [points for n, points in enumerate(labelled) if n != number]
        inside = sum(_inside(points, person.bbox) for points in others)
        shares.append(min(inside / len(labelled[number]), 1.0))
    return float(np.mean(shares))


def _inside(points: np.ndarray, box: Sequence[float]) -> int:
    x, y, width, height = box
    low, high = np.array([x, y]), np.array([x + width, y + height])
    return int(((points >= low) & (points <= high)).all(axis=1).sum())
