"""From the candidates of an image to its people."""

import numpy as np

from bottomup.decoding.multicut.candidates import Candidates
from bottomup.decoding.multicut.graph import costs
from bottomup.decoding.multicut.settings import MulticutSettings
from bottomup.decoding.multicut.solver import SUPPRESSED, solve
from bottomup.skeleton import Skeleton

FIRST = ("nose", "eye", "ear", "head", "neck", "shoulder")
SECOND = ("elbow", "wrist", "hand")


def group(
    candidates: Candidates, skeleton: Skeleton, settings: MulticutSettings
) -> tuple[Candidates, np.ndarray]:
    """Who belongs to whom.

    Returns:
        The candidates that belong to somebody, and the person of each, int64 [candidate]. What
        the solver suppresses is not among them, and so can never become a person.
    """
    taken = np.zeros(len(candidates.keypoints), bool)
    person = np.full(len(taken), SUPPRESSED)
    for stage in stages(skeleton) if settings.stages == "three" else [skeleton.keypoints]:
        new = np.isin(candidates.keypoints, [skeleton.keypoints.index(name) for name in stage])
        chosen = np.flatnonzero(taken | new)
        part = candidates.only(chosen)
        unary, join = costs(part, skeleton, settings)
        found = solve(unary, join, start=person[chosen])
        person[chosen] = found
        if settings.stages == "three":
            person[_beaten(candidates, person)] = SUPPRESSED
        taken = person != SUPPRESSED
    return candidates.only(taken), person[taken]


def stages(skeleton: Skeleton) -> list[list[str]]:
    """Keypoints of head and shoulders, then arms, then the rest: DeeperCut's incremental scheme."""
    found: list[list[str]] = [[], [], []]
    for name in skeleton.keypoints:
        words = name.split("_")
        first, second = (any(word in words for word in part) for part in (FIRST, SECOND))
        found[0 if first else 1 if second else 2].append(name)
    return [names for names in found if names]


def _beaten(candidates: Candidates, person: np.ndarray) -> np.ndarray:
    """Candidates whose person has a better one of the same keypoint, bool [candidate]."""
    seen: set[tuple[int, int]] = set()
    beaten = np.zeros(len(person), bool)
    for n in np.argsort(-candidates.scores, kind="stable"):
        key = (int(person[n]), int(candidates.keypoints[n]))
        beaten[n] = key in seen and person[n] != SUPPRESSED
        seen.add(key)
    return beaten


def poses_of(
    members: Candidates, person: np.ndarray, skeleton: Skeleton
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places of every person's keypoints.

    A keypoint stands at the mean of its candidates' refined places, weighted by their scores, and
    scores what the best of them does. One without candidates stands where the placed keypoint that
    is nearest along the edges says, scores 0, and counts as not placed.

    Returns:
        Places [person, keypoint, 2], placed bool [person, keypoint], scores [person, keypoint].
    """
    count, num = int(person.max(initial=-1)) + 1, skeleton.num_keypoints
    scores = np.zeros((count, num), np.float32)
    weights, sums = np.zeros((count, num)), np.zeros((count, num, 2))
    at = (person, members.keypoints)
    np.maximum.at(scores, at, members.scores)
    np.add.at(weights, at, members.scores)
    np.add.at(sums, at, members.scores[:, None] * members.places)
    placed = weights > 0
    places = (sums / np.maximum(weights, 1e-12)[..., None]).astype(np.float32)
    steps = _steps_between(skeleton)
    for n in range(count):
        own = np.flatnonzero(person == n)
        own = own[np.argsort(-members.scores[own], kind="stable")]
        for k in np.flatnonzero(~placed[n]):
            nearest = own[np.argmin(steps[members.keypoints[own], k])]
            places[n, k] = members.cells[nearest] + members.predicted[nearest, k]
    return places, placed, scores


def _steps_between(skeleton: Skeleton) -> np.ndarray:
    """Edges of the tree between every two keypoints, int [keypoint, keypoint]."""
    count = skeleton.num_keypoints
    steps = np.where(np.eye(count, dtype=bool), 0, count)
    steps[tuple(skeleton.directed_edges.T)] = 1
    for k in range(count):
        steps = np.minimum(steps, steps[:, [k]] + steps[[k]])
    return steps
