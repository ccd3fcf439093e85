"""Detections already matched to people, to be counted again and again over drawn images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Matches:
    """Detections in the order of their scores, for counting them again and again.

    Attributes:
        true: Matched to a person, bool [threshold, detection].
        false: Matched to nobody, bool [threshold, detection]; neither if it is to be ignored.
        image: Position of the detection's image, int [detection].
        score: Of the detection, [detection].
        recalls: Where precision is read, [recall].
    """

    true: np.ndarray
    false: np.ndarray
    image: np.ndarray
    score: np.ndarray
    recalls: np.ndarray

    @classmethod
    def gather(
        cls,
        images: Sequence[dict | None],
        recalls: np.ndarray,
        thresholds: int,
        limit: int | None = None,
    ) -> "Matches":
        """Joins the evaluated images (None: neither person nor detection).

        Of each image at most `limit` detections, the best.
        """
        found = [(k, e) for k, e in enumerate(images) if e is not None and len(e["dtScores"])]
        if not found:
            none = np.zeros((thresholds, 0), bool)
            return cls(none, none, np.zeros(0, int), np.zeros(0), recalls)
        scores = np.concatenate([e["dtScores"][:limit] for _, e in found])
        order = np.argsort(-scores, kind="mergesort")
        matched = np.concatenate([e["dtMatches"][:, :limit] > 0 for _, e in found], axis=1)[
            :, order
        ]
        ignored = np.concatenate([e["dtIgnore"][:, :limit] for _, e in found], axis=1)
        ignored = ignored[:, order].astype(bool)
        counts = [len(e["dtScores"][:limit]) for _, e in found]
        image = np.repeat([k for k, _ in found], counts)[order]
        right, wrong = matched & ~ignored, ~matched & ~ignored
        return cls(right, wrong, image, np.asarray(scores)[order], recalls)

    def of_images(self, positions: np.ndarray) -> "Matches":
        """Only the detections of some images, up to the last one that matches at all."""
        kept = np.isin(self.image, positions)
        kept &= np.cumsum(self.true.any(0)[::-1] & kept[::-1])[::-1] > 0
        arrays = (self.true[:, kept], self.false[:, kept], self.image[kept], self.score[kept])
        return Matches(*arrays, self.recalls)

    def precision(self, persons: int, weights: np.ndarray) -> np.ndarray:
        """Interpolated precision [threshold, recall], each image counted `weights` times."""
        weight = weights[self.image]
        hits = np.cumsum(self.true * weight, axis=1, dtype=np.int32)
        misses = np.cumsum(self.false * weight, axis=1, dtype=np.int32)
        precision = hits / (hits + misses + np.spacing(1))
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        # One more column answers for every recall that is never reached.
        precision = np.pad(precision, ((0, 0), (0, 1)))
        reached = [np.searchsorted(row / persons, self.recalls, side="left") for row in hits]
        return np.take_along_axis(precision, np.array(reached), axis=1)

    def recall(self, persons: int, weights: np.ndarray) -> np.ndarray:
        """Share of the persons that are found [threshold], each image counted `weights` times."""
        return (self.true * weights[self.image]).sum(axis=1) / persons
