"""Skeletons: keypoint names, the edges between them, their sigmas. The only home of such facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bottomup.errors import InputError

# The head of MPII: this segment is as long as about 60 % of the diagonal of the head's box.
HEAD_SEGMENT = ("upper_neck", "head_top")


@dataclass(frozen=True)
class Skeleton:
    """What a dataset annotates on a person.

    Attributes:
        name: Name of the skeleton.
        keypoints: Keypoint names; a pair whose names differ only by `left` and `right` swaps
            when the image is mirrored.
        edges: The kinematic tree as pairs of keypoint names.
        sigmas: COCO's per-keypoint standard deviations (OKS uses kappa = 2 sigma).

    Raises:
        InputError: A name is repeated or unknown, the edges are no spanning tree, a mirrored edge
            is missing, or the number of sigmas is wrong.
    """

    name: str
    keypoints: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    sigmas: tuple[float, ...]

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise InputError(f"skeleton {self.name!r}: {problem}")

    def _problem(self) -> str | None:
        if len(set(self.keypoints)) != len(self.keypoints):
            return "a keypoint name is repeated; give each keypoint a name of its own"
        if len(self.sigmas) != len(self.keypoints) or min(self.sigmas, default=0) <= 0:
            return (
                f"{len(self.sigmas)} sigmas for {len(self.keypoints)} keypoints; "
                "give one positive sigma a keypoint"
            )
        unknown = {end for edge in self.edges for end in edge} - set(self.keypoints)
        if unknown:
            return f"edge end {sorted(unknown)[0]!r} is no keypoint; use one of {self.keypoints}"
        if not self._is_spanning_tree():
            return "the edges must form one tree that reaches every keypoint"
        directed = {tuple(edge) for edge in self.directed_edges.tolist()}
        for edge in self.directed_edges:
            if tuple(self.flip_keypoints[edge].tolist()) not in directed:
                names = tuple(self.keypoints[end] for end in edge)
                return f"edge {names} has no mirrored edge; add it, so that images can be flipped"
        return None

    def _is_spanning_tree(self) -> bool:
        reached = {self.keypoints[0]}
        for _ in self.edges:
            reached |= {b for a, b in self.edges if a in reached}
            reached |= {a for a, b in self.edges if b in reached}
        return len(self.edges) == self.num_keypoints - 1 and len(reached) == self.num_keypoints

    @property
    def num_keypoints(self) -> int:
        return len(self.keypoints)

    @cached_property
    def edge_indices(self) -> np.ndarray:
        """Edges as keypoint indices, int [edge, 2]."""
        index = {name: k for k, name in enumerate(self.keypoints)}
        return np.array([[index[a], index[b]] for a, b in self.edges], int).reshape(-1, 2)

    @cached_property
    def directed_edges(self) -> np.ndarray:
        """Both directions of every edge: all as written, then all reversed, int [2 edge, 2]."""
        return np.concatenate([self.edge_indices, self.edge_indices[:, ::-1]])

    @cached_property
    def flip_keypoints(self) -> np.ndarray:
        """For each keypoint, the index of the keypoint that takes its place in a mirrored image."""
        index = {name: k for k, name in enumerate(self.keypoints)}
        return np.array([index.get(mirrored(name), k) for name, k in index.items()], int)

    @cached_property
    def flip_edges(self) -> np.ndarray:
        """For each directed edge, the index of the directed edge that mirrors it."""
        directed = self.directed_edges.tolist()
        return np.array(
            [directed.index(self.flip_keypoints[e].tolist()) for e in self.directed_edges], int
        )

    @cached_property
    def ordered_pairs(self) -> np.ndarray:
        """All pairs of different keypoints, both ways, by the first one: int [pair, 2].

        With J keypoints, pair (a, b) is number (J - 1) a + b, less one if a < b.
        """
        every = range(self.num_keypoints)
        return np.array([[a, b] for a in every for b in every if a != b], int).reshape(-1, 2)

    @cached_property
    def flip_pairs(self) -> np.ndarray:
        """For each ordered pair, the index of the ordered pair that mirrors it."""
        a, b = self.flip_keypoints[self.ordered_pairs].T
        return (self.num_keypoints - 1) * a + b - (a < b)

    @cached_property
    def sparse_pairs(self) -> np.ndarray:
        """Pairs (a < b) of ArtTrack's bottom-up graph, int [pair, 2].

        The published ones where this skeleton has their keypoints and no others; elsewhere all
        keypoints at most two edges of the tree apart.
        """
        if set(self.keypoints) == {name for pair in ARTTRACK_PAIRS for name in pair}:
            index = {name: k for k, name in enumerate(self.keypoints)}
            return np.array(sorted(sorted((index[a], index[b])) for a, b in ARTTRACK_PAIRS), int)
        near = np.eye(self.num_keypoints, dtype=int)
        near[tuple(self.directed_edges.T)] = 1
        return np.argwhere(np.triu(near @ near, 1))

    def shared_with(self, other: "Skeleton") -> tuple[str, ...]:
        """Names of the keypoints that both have, in the order of this skeleton."""
        return tuple(name for name in self.keypoints if name in other.keypoints)

    def to_dict(self) -> dict:
        """Plain values, as written in YAML and in run records."""
        return {
            "name": self.name,
            "keypoints": list(self.keypoints),
            "edges": [list(edge) for edge in self.edges],
            "sigmas": list(self.sigmas),
        }

    @classmethod
    def from_dict(cls, values: Mapping) -> "Skeleton":
        """The inverse of `to_dict`."""
        return cls(
            name=values["name"],
            keypoints=tuple(values["keypoints"]),
            edges=tuple((a, b) for a, b in values["edges"]),
            sigmas=tuple(float(sigma) for sigma in values["sigmas"]),
        )


def mirrored(name: str) -> str:
    """The keypoint name with the words left and right exchanged."""
    swap = {"left": "right", "right": "left"}
    return "_".join(swap.get(word, word) for word in name.split("_"))


def part_of(name: str) -> str:
    """What a keypoint is a left or right one of; the two ends of MPII's head are the head."""
    if name in HEAD_SEGMENT:
        return "head"
    return "_".join(word for word in name.split("_") if word not in ("left", "right"))


BODY_EDGES = (
    ("left_shoulder", "left_hip"),
    ("right_shoulder", "right_hip"),
    ("left_hip", "left_knee"),
    ("right_hip", "right_knee"),
    ("left_knee", "left_ankle"),
    ("right_knee", "right_ankle"),
    ("left_shoulder", "left_elbow"),
    ("right_shoulder", "right_elbow"),
    ("left_elbow", "left_wrist"),
    ("right_elbow", "right_wrist"),
)

# The part graph of ArtTrack's bottom-up model, as its public configuration for COCO has it.
ARTTRACK_PAIRS = tuple(
    (a, b)
    for a, others in {
        "nose": ("left_eye", "right_eye", "left_ear", "right_ear"),
        "left_eye": ("right_eye", "left_ear"),
        "right_eye": ("right_ear",),
        "left_shoulder": (
            *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
            *("right_shoulder", "left_elbow", "left_hip", "right_hip"),
        ),
        "right_shoulder": (
            *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
            *("right_elbow", "left_hip", "right_hip"),
        ),
        "left_wrist": ("left_shoulder", "left_elbow"),
        "right_wrist": ("right_shoulder", "right_elbow"),
        "left_elbow": ("left_ear",),
        "right_elbow": ("right_ear",),
        "left_hip": ("right_hip", "left_knee", "right_knee", "left_ankle"),
        "right_hip": ("left_knee", "right_knee", "right_ankle"),
        "left_knee": ("right_knee", "left_ankle"),
        "right_knee": ("right_ankle",),
    }.items()
    for b in others
)

COCO_PERSON = Skeleton(
    name="coco_person",
    keypoints=(
        "nose",
        *("left_eye", "right_eye", "left_ear", "right_ear"),
        *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow"),
        *("left_wrist", "right_wrist", "left_hip", "right_hip"),
        *("left_knee", "right_knee", "left_ankle", "right_ankle"),
    ),
    # PersonLab's tree, in the channel order of its public implementations.
    edges=(
        ("nose", "left_eye"),
        ("nose", "right_eye"),
        ("nose", "left_shoulder"),
        ("nose", "right_shoulder"),
        ("left_eye", "left_ear"),
        ("right_eye", "right_ear"),
        *BODY_EDGES,
    ),
    sigmas=(
        *(0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072),
        *(0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
    ),
)

CROWDPOSE = Skeleton(
    name="crowdpose",
    keypoints=(
        *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow"),
        *("left_wrist", "right_wrist", "left_hip", "right_hip"),
        *("left_knee", "right_knee", "left_ankle", "right_ankle"),
        *("head", "neck"),
    ),
    edges=(
        ("head", "neck"),
        ("neck", "left_shoulder"),
        ("neck", "right_shoulder"),
        *BODY_EDGES,
    ),
    sigmas=(
        *(0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107),
        *(0.087, 0.087, 0.089, 0.089, 0.079, 0.079),
    ),
)

OCHUMAN = Skeleton(
    name="ochuman",
    # Found by name in the dataset's file; `head` and `neck` are named as recalled.
    keypoints=(*COCO_PERSON.keypoints, "head", "neck"),
    edges=(
        *(("head", "nose"), ("neck", "nose")),
        *(("nose", "left_eye"), ("nose", "right_eye")),
        *(("left_eye", "left_ear"), ("right_eye", "right_ear")),
        *(("neck", "left_shoulder"), ("neck", "right_shoulder")),
        *BODY_EDGES,
    ),
    # It has none of its own: COCO's, and CrowdPose's for head and neck.
    sigmas=(*COCO_PERSON.sigmas, 0.079, 0.079),
)

MPII = Skeleton(
    name="mpii",
    # The 14 that are scored, as DeeperCut orders them; a block with `pelvis` and `thorax` has all.
    keypoints=(
        *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
        *("right_wrist", "right_elbow", "right_shoulder"),
        *("left_shoulder", "left_elbow", "left_wrist"),
        *HEAD_SEGMENT,
    ),
    edges=(
        HEAD_SEGMENT,
        ("upper_neck", "left_shoulder"),
        ("upper_neck", "right_shoulder"),
        *BODY_EDGES,
    ),
    # MPII has none: COCO's for the body, CrowdPose's for head and neck.
    sigmas=(
        *(0.089, 0.087, 0.107, 0.107, 0.087, 0.089),
        *(0.062, 0.072, 0.079, 0.079, 0.072, 0.062),
        *(0.079, 0.079),
    ),
)

AI_CHALLENGER = Skeleton(
    name="ai_challenger",
    keypoints=(
        *("right_shoulder", "right_elbow", "right_wrist"),
        *("left_shoulder", "left_elbow", "left_wrist"),
        *("right_hip", "right_knee", "right_ankle"),
        *("left_hip", "left_knee", "left_ankle"),
        *("head_top", "neck"),
    ),
    edges=(
        ("head_top", "neck"),
        ("neck", "left_shoulder"),
        ("neck", "right_shoulder"),
        *BODY_EDGES,
    ),
    # Those of the evaluation of AI Challenger 2017.
    sigmas=(
        *(0.01388152, 0.01515228, 0.01057665, 0.01417709, 0.01497891, 0.01402144),
        *(0.03909642, 0.03686941, 0.01981803, 0.03843971, 0.03412318, 0.02415081),
        *(0.01291456, 0.01236173),
    ),
)

# The places of COCO's 17 keypoints with the neck where the nose is and the top of the head where
# the left eye is. They keep their own names, so that a mirrored image leaves them where they are;
# as `left_eye` the top of the head would swap into the empty place of the right eye.
AI_CHALLENGER_AS_COCO = Skeleton(
    name="ai_challenger_as_coco",
    keypoints=(
        *("neck", "head_top", "right_eye", "left_ear", "right_ear"),
        *COCO_PERSON.keypoints[5:],
    ),
    edges=(
        ("neck", "head_top"),
        ("neck", "right_eye"),
        ("neck", "left_shoulder"),
        ("neck", "right_shoulder"),
        ("head_top", "left_ear"),
        ("head_top", "right_ear"),
        *BODY_EDGES,
    ),
    sigmas=(0.079, 0.079, *COCO_PERSON.sigmas[2:]),
)
