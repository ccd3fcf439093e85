"""Every choice of grouping by multicut, with the defaults that serve COCO and made-up people."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bottomup.decoding.choices import check_choices, given_keys
from bottomup.decoding.multicut.terms import PairwiseTerms, read_terms

CHOICES = {
    "graph": ("sparse", "complete"),
    "nms": ("refined", "cells"),
    "stages": ("one", "three"),
}


@dataclass(frozen=True)
class MulticutSettings:
    """Settings of grouping by multicut; lengths are input px.

    Attributes:
        graph: Which pairs of keypoints have an edge: ArtTrack's bottom-up graph, or all. Pairs of
            candidates of one keypoint always have one.
        least_probability: Cells below this heatmap probability are no candidates.
        nms: What a candidate's neighbours are: by refined places, or by cells as published.
        nms_radius_px: Within this radius only the best candidate of a keypoint stays.
        most_candidates: Of each keypoint, the best ones.
        same_px: Two candidates of one keypoint this far apart may as well be one as two.
        same_slope: Log-odds that they are two, for each px more.
        stages: `three` adds keypoints from head to feet, each time keeping the best of each person.
        terms: What makes a pair of candidates one person, learned from a run's own fields.
    """

    graph: str = "sparse"
    least_probability: float = 0.2
    nms: str = "refined"
    nms_radius_px: float = 10.0
    most_candidates: int = 100
    same_px: float = 10.0
    same_slope: float = 0.2
    stages: str = "one"
    terms: PairwiseTerms | None = None

    def __post_init__(self) -> None:
        check_choices(self, CHOICES, "decoder multicut.")

    @classmethod
    def from_dict(cls, values: Mapping) -> "MulticutSettings":
        """Settings from plain values; `terms` is the path of a file of pairwise terms.

        Raises:
            InputError: A key or a choice is unknown, or the file cannot be used.
        """
        given = given_keys(cls, values, "decoder key multicut.")
        if isinstance(given.get("terms"), str | Path):
            given["terms"] = read_terms(given["terms"])
        return cls(**given)
