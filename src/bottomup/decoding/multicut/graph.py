"""The graph on the candidates and what its nodes and edges cost (ArtTrack, section 3)."""

import numpy as np
from numba import njit

from bottomup.decoding.multicut.candidates import Candidates
from bottomup.decoding.multicut.features import FEATURES, pair_features
from bottomup.decoding.multicut.settings import MulticutSettings
from bottomup.errors import InputError
from bottomup.skeleton import Skeleton

LEAST = 1e-7  # probabilities are kept this far from 0 and 1


def costs(
    candidates: Candidates, skeleton: Skeleton, settings: MulticutSettings
) -> tuple[np.ndarray, np.ndarray]:
    """What it costs to keep a candidate, and to have two in one person.

    Args:
        candidates: Of one image.
        skeleton: Whose keypoints these are.
        settings: `graph`, `terms`, `same_px` and `same_slope` matter.

    Returns:
        log((1 - p) / p) of the heatmap, [candidate], and of the pairwise terms, symmetric
        [candidate, candidate], 0 where there is no edge. Candidates of one keypoint cost
        same_slope (distance - same_px).

    Raises:
        InputError: There are no pairwise terms, or those of another skeleton.
    """
    terms = settings.terms
    if terms is None:
        raise InputError(
            "decoder multicut.terms is missing: grouping needs pairwise terms, which the rule "
            "fit_pairwise_terms learns from a run's own fields; give the file that it wrote"
        )
    if not terms.fits(skeleton):
        raise InputError(
            f"decoder multicut.terms are of the keypoints {terms.keypoints}, but the network's "
            f"are {skeleton.keypoints}; learn them for this run"
        )
    probability = np.clip(candidates.scores.astype(np.float64), LEAST, 1 - LEAST)
    join = np.zeros((len(candidates.scores),) * 2)
    _join_costs(
        candidates.keypoints, candidates.cells, candidates.places, candidates.predicted,
        linked_keypoints(skeleton, settings), terms.low, terms.high, terms.weights,
        settings.same_px, settings.same_slope, join,
    )  # fmt: skip
    return np.log((1 - probability) / probability), join


def linked_keypoints(skeleton: Skeleton, settings: MulticutSettings) -> np.ndarray:
    """Which pairs of keypoints have edges, symmetric bool [keypoint, keypoint]."""
    count = skeleton.num_keypoints
    if settings.graph == "complete":
        return np.ones((count, count), bool)
    linked = np.eye(count, dtype=bool)
    a, b = skeleton.sparse_pairs.T
    linked[a, b] = linked[b, a] = True
    return linked


@njit(cache=True, nogil=True)
def _join_costs(
    keypoints, cells, places, predicted, linked, low, high, weights, same_px, same_slope, join
):
    size = len(FEATURES)
    features = np.empty(size)
    limit = np.log((1 - LEAST) / LEAST)
    for d in range(len(keypoints)):
        for e in range(d + 1, len(keypoints)):
            a, b = keypoints[d], keypoints[e]
            if a == b:
                distance = np.sqrt(
                    (places[d, 0] - places[e, 0]) ** 2 + (places[d, 1] - places[e, 1]) ** 2
                )
                value = same_slope * (distance - same_px)
            elif linked[a, b]:
                # Candidates are sorted by keypoint, so that a < b.
                pair_features(
                    cells[d], places[d], predicted[d, b],
                    cells[e], places[e], predicted[e, a], features,
                )  # fmt: skip
                score = weights[a, b, size]
                for n in range(size):
                    span = max(high[a, b, n] - low[a, b, n], 1e-12)
                    score += weights[a, b, n] * (features[n] - low[a, b, n]) / span
                value = min(max(-score, -limit), limit)
            else:
                continue
            join[d, e] = join[e, d] = value
