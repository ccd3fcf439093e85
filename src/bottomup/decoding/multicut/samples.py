"""Pairs of cells that do and do not belong to one person, to learn pairwise terms from.

After the public companion code of DeeperCut: for each pair of keypoints (a, b) and image, positives
are cells near a and b of one person; negatives are of three kinds, the cell of a right and that of
b wrong, the other way round, and both wrong. Its images hold one person. Ours may hold several:
half of the wrong cells are then near the same keypoint of somebody else, since those are the pairs
that grouping has to tell apart; the others lie anywhere away from the keypoint.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from bottomup.decoding.multicut.features import FEATURES, features_of_pairs
from bottomup.fields.grid import Frame, PairFields, cell_xy
from bottomup.skeleton import Skeleton

KINDS = ("b_wrong", "a_wrong", "both_wrong")


@dataclass
class PairSamples:
    """Features and labels by pair of keypoints (a, b), a < b, one array an image.

    Attributes:
        features: [sample, feature] each.
        together: bool [sample] each.
        images: Number of the image, as often as there are samples.
    """

    features: dict[tuple[int, int], list[np.ndarray]] = field(default_factory=dict)
    together: dict[tuple[int, int], list[np.ndarray]] = field(default_factory=dict)
    images: dict[tuple[int, int], list[np.ndarray]] = field(default_factory=dict)

    def add(self, pair, features, together, image: int) -> None:
        self.features.setdefault(pair, []).append(features)
        self.together.setdefault(pair, []).append(together)
        self.images.setdefault(pair, []).append(np.full(len(together), image))

    def of(self, pair) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Features, labels and image numbers of a pair, negatives no more than positives."""
        if pair not in self.features:
            return np.zeros((0, len(FEATURES))), np.zeros(0, bool), np.zeros(0, int)
        stores = (self.features, self.together, self.images)
        features, together, images = (np.concatenate(store[pair]) for store in stores)
        positive, negative = np.flatnonzero(together), np.flatnonzero(~together)
        generator = np.random.default_rng(len(together))
        if len(negative) > len(positive):
            negative = generator.permutation(negative)[: len(positive)]
        kept = np.sort(np.concatenate([positive, negative]))
        return features[kept], together[kept], images[kept]


def draw_samples(
    images: Iterable[tuple[PairFields, Frame, np.ndarray]],
    skeleton: Skeleton,
    radius_px: float,
    seed: int,
    per_image: int = 100,
) -> PairSamples:
    """Samples of many images.

    Args:
        images: Fields, frame, and the annotated keypoints [person, keypoint, 3] in native px.
        skeleton: Whose keypoints these are.
        radius_px: How near a cell must be to a keypoint to be right, in input px.
        seed: Of the draws.
        per_image: Most positives of an image and pair; of each kind of negative, a third of it.
    """
    samples = PairSamples()
    for number, (fields, frame, keypoints) in enumerate(images):
        generator = np.random.default_rng([seed, number])
        xy = frame.to_input(keypoints[..., :2])
        here = _Image(fields, xy, keypoints[..., 2] > 0, radius_px, generator)
        for a in range(skeleton.num_keypoints):
            for b in range(a + 1, skeleton.num_keypoints):
                rows = list(here.pairs(a, b, per_image))
                if rows:
                    features = np.concatenate([features for features, _ in rows])
                    together = [np.full(len(f), same) for f, same in rows]
                    samples.add((a, b), features, np.concatenate(together), number)
    return samples


class _Image:
    """One image: which of its cells are near whose keypoints."""

    def __init__(self, fields: PairFields, xy, present, radius_px, generator):
        self.fields, self.generator = fields, generator
        rows, columns, count = fields.heatmap.shape
        self.centres = cell_xy(rows, columns, fields.stride).reshape(-1, 2)
        self.short = fields.short.reshape(-1, count, 2)
        self.pairwise = fields.pairwise.reshape(len(self.centres), -1, 2)
        self.present, self.others = present, count - 1
        self.near = [self._cells_near(xy[:, k], present[:, k], radius_px**2) for k in range(count)]
        every = np.arange(len(self.centres))
        self.away = [np.setdiff1d(every, np.concatenate([every[:0], *n])) for n in self.near]

    def _cells_near(self, xy, present, limit) -> list[np.ndarray]:
        """For each person the cells within the radius that belong to nobody nearer."""
        away = np.full((len(xy), len(self.centres)), np.inf)
        for person in np.flatnonzero(present):
            away[person] = ((self.centres - xy[person]) ** 2).sum(1)
        nearest = away.argmin(axis=0) if len(xy) else np.zeros(0, int)
        return [np.flatnonzero((nearest == p) & (away[p] <= limit)) for p in range(len(xy))]

    def pairs(self, a: int, b: int, most: int) -> Iterator[tuple[np.ndarray, bool]]:
        """Features of drawn pairs of cells, and whether they belong together."""
        both = [
            p for p in range(len(self.present)) if len(self.near[a][p]) and len(self.near[b][p])
        ]
        if not both:
            return
        persons = self.generator.choice(both, most)
        right_a, right_b = (self._drawn([self.near[k][p] for p in persons]) for k in (a, b))
        most_pairs = sum(len(self.near[a][p]) * len(self.near[b][p]) for p in both)
        count = min(most, most_pairs)
        yield self._features(a, b, right_a[:count], right_b[:count]), True
        third = max(count // 3, 1)
        for number, kind in enumerate(KINDS):
            chosen = slice(number * third, (number + 1) * third)
            owners = persons[chosen]
            first = right_a[chosen] if kind == "b_wrong" else self._wrong(a, owners, turn=1)
            # Both near somebody else could be near the same person, and so be right.
            turn = int(kind != "both_wrong")
            second = right_b[chosen] if kind == "a_wrong" else self._wrong(b, owners, turn)
            fits = min(len(first), len(second))
            yield self._features(a, b, first[:fits], second[:fits]), False

    def _wrong(self, k: int, owners: np.ndarray, turn: int) -> np.ndarray:
        """Cells that are not near keypoint k of their owners, each second one near somebody's."""
        found = []
        for n, owner in enumerate(owners):
            others = [cells for p, cells in enumerate(self.near[k]) if p != owner and len(cells)]
            if n % 2 == turn and others:
                found.append(others[self.generator.integers(len(others))])
            else:
                found.append(self.away[k])
        return self._drawn([cells for cells in found if len(cells)])

    def _drawn(self, choices: list[np.ndarray]) -> np.ndarray:
        """One cell of each."""
        shares = self.generator.random(len(choices))
        picks = [cells[int(s * len(cells))] for s, cells in zip(shares, choices, strict=True)]
        return np.array(picks, int)

    def _features(self, a: int, b: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        there, back = self.others * a + b - 1, self.others * b + a
        return features_of_pairs(
            self.centres[first],
            self.centres[first] + self.short[first, a],
            self.pairwise[first, there],
            self.centres[second],
            self.centres[second] + self.short[second, b],
            self.pairwise[second, back],
        )
