"""Learning the pairwise terms: one logistic regression a pair of keypoints, and how calibrated."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from bottomup.decoding.multicut.features import FEATURES
from bottomup.decoding.multicut.samples import PairSamples
from bottomup.decoding.multicut.terms import PairwiseTerms
from bottomup.errors import InputError
from bottomup.skeleton import Skeleton

# The public code weighs each sample by C = 1e-3 and has 4000 images of 100 positives and as many
# negatives; the regularisation is the same for fewer samples if C times their number is.
STRENGTH = 1e-3 * 4000 * 200
LEAST_SAMPLES = 200
MOST_SHARED = 2000  # samples of each pair in the terms of those pairs that have too few
SEED = 42
BINS = 10
HELD_OUT = 5  # every fifth image tells how well calibrated the others' terms are


@dataclass(frozen=True)
class Fit:
    """Terms of all samples, and the reliability of terms of four fifths on the last one.

    Attributes:
        terms: The coefficients.
        calibration: One row a bin of the predicted probability: low, high, predicted (mean),
            observed (share that belongs together), samples.
    """

    terms: PairwiseTerms
    calibration: pd.DataFrame


def fit_terms(samples: PairSamples, skeleton: Skeleton) -> Fit:
    """Learns the terms of every pair of keypoints.

    A pair with fewer than `LEAST_SAMPLES` takes the terms of all pairs together.

    Raises:
        InputError: There are no samples at all.
    """
    terms = _learned(samples, skeleton, None)
    parts = []
    known = _learned(samples, skeleton, HELD_OUT)
    for pair in samples.features:
        features, together, images = samples.of(pair)
        chosen = images % HELD_OUT == 0
        if chosen.any():
            predicted = known.probability(*pair, features[chosen])
            parts.append(np.stack([predicted, together[chosen]]))
    return Fit(terms, _reliability(*np.concatenate([np.zeros((2, 0)), *parts], axis=1)))


def _learned(samples: PairSamples, skeleton: Skeleton, leave: int | None) -> PairwiseTerms:
    """Terms of all images, or of those whose number `leave` does not divide."""
    count, size = skeleton.num_keypoints, len(FEATURES)
    low, high = np.zeros((count, count, size)), np.ones((count, count, size))
    weights = np.zeros((count, count, size + 1))
    counts = np.zeros((count, count), int)
    lacking = []
    for pair in combinations(range(count), 2):
        features, together = _kept(samples, pair, leave)
        if len(together) >= LEAST_SAMPLES and 0 < together.sum() < len(together):
            low[pair], high[pair], weights[pair] = _fitted(features, together)
            counts[pair] = len(together)
        else:
            lacking.append(pair)
    if lacking:
        shared = _fitted(*_of_all_pairs(samples, leave))
        for pair in lacking:
            low[pair], high[pair], weights[pair] = shared
    return PairwiseTerms(tuple(skeleton.keypoints), low, high, weights, counts)


def _kept(samples: PairSamples, pair, leave: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of a pair, without the images whose number `leave` divides."""
    features, together, images = samples.of(pair)
    kept = slice(None) if leave is None else images % leave != 0
    return features[kept], together[kept]


def _of_all_pairs(samples: PairSamples, leave: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The same of all pairs together, evenly thinned to at most so many of each."""
    features, together = [np.zeros((0, len(FEATURES)))], [np.zeros(0, bool)]
    for pair in samples.features:
        rows, labels = _kept(samples, pair, leave)
        step = -(-len(labels) // MOST_SHARED) or 1
        features.append(rows[::step])
        together.append(labels[::step])
    return np.concatenate(features), np.concatenate(together)


def _fitted(
    features: np.ndarray, together: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least and highest features, and the weights of the scaled ones and of 1."""
    from sklearn.linear_model import LogisticRegression

    if not 0 < together.sum() < len(together):
        raise InputError(
            f"{len(together)} pairs of cells to learn pairwise terms from, {int(together.sum())} "
            "of them of one person; give images with people whose keypoints are annotated"
        )
    low, high = features.min(0), features.max(0)
    scaled = (features - low) / np.maximum(high - low, 1e-12)
    model = LogisticRegression(
        C=STRENGTH / len(together), solver="liblinear", random_state=SEED, max_iter=1000
    )
    model.fit(scaled, together)
    return low, high, np.concatenate([model.coef_[0], model.intercept_])


def _reliability(predicted: np.ndarray, together: np.ndarray) -> pd.DataFrame:
    edges = np.linspace(0, 1, BINS + 1)
    bins = np.clip(np.digitize(predicted, edges) - 1, 0, BINS - 1)
    rows = []
    for n in range(BINS):
        here = bins == n
        if here.any():
            means = float(predicted[here].mean()), float(together[here].mean())
            rows.append((edges[n], edges[n + 1], *means, int(here.sum())))
    return pd.DataFrame(rows, columns=["low", "high", "predicted", "observed", "samples"])
