"""Pairwise terms: how probable it is that two candidates belong to one person.

A logistic regression for each pair of keypoints, on how well the offsets that each candidate
predicts agree with where the other one is (DeeperCut, section 3.2; ArtTrack).
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bottomup.decoding.multicut.features import FEATURES
from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class PairwiseTerms:
    """Coefficients for each pair of keypoints a < b; the others' rows are unused.

    Attributes:
        keypoints: The skeleton's keypoint names.
        low: Least value of each feature in the training data, [a, b, feature].
        high: Highest value.
        weights: Of the features from 0 at `low` to 1 at `high`, and of 1: [a, b, feature + 1].
        samples: How many samples each pair was learned from, int [a, b]; 0 where all pairs
            together were, for want of enough of its own.
    """

    keypoints: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    weights: np.ndarray
    samples: np.ndarray

    def probability(self, a: int, b: int, features: np.ndarray) -> np.ndarray:
        """Of belonging together, [sample], from raw features [sample, feature]."""
        span = np.maximum(self.high[a, b] - self.low[a, b], 1e-12)
        scaled = (features - self.low[a, b]) / span
        return 1 / (1 + np.exp(-(scaled @ self.weights[a, b, :-1] + self.weights[a, b, -1])))

    def fits(self, skeleton: Skeleton) -> bool:
        """Whether they were learned for these keypoints."""
        return self.keypoints == tuple(skeleton.keypoints)


def write_terms(path: Path | str, terms: PairwiseTerms) -> None:
    """Writes the coefficients as JSON, one pair a line, keypoints by their names."""
    names = terms.keypoints
    rows = [
        {
            "pair": [names[a], names[b]],
            "samples": int(terms.samples[a, b]),
            "low": terms.low[a, b].tolist(),
            "high": terms.high[a, b].tolist(),
            "weights": terms.weights[a, b].tolist(),
        }
        for a in range(len(names))
        for b in range(a + 1, len(names))
    ]
    head = json.dumps({"keypoints": names, "features": [*FEATURES, "1"]})[:-1]
    body = ",\n  ".join(map(json.dumps, rows))
    with written_aside(path) as aside:
        aside.write_text(f'{head}, "terms": [\n  {body}\n]}}\n', encoding="utf-8")


def read_terms(path: Path | str) -> PairwiseTerms:
    """The inverse of `write_terms`.

    Raises:
        InputError: The file is missing or holds no such coefficients.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        names = tuple(content["keypoints"])
        count, size = len(names), len(FEATURES)
        low, high = np.zeros((count, count, size)), np.ones((count, count, size))
        weights = np.zeros((count, count, size + 1))
        samples = np.zeros((count, count), int)
        for row in content["terms"]:
            pair = tuple(sorted(names.index(name) for name in row["pair"]))
            low[pair], high[pair] = row["low"], row["high"]
            weights[pair], samples[pair] = row["weights"], row["samples"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: no pairwise terms can be read here ({error}); learn them with the rule "
            "fit_pairwise_terms, or give the file that it wrote"
        ) from error
    return PairwiseTerms(names, low, high, weights, samples)
