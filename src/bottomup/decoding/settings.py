"""Every choice of the decoder, with the defaults that serve COCO and made-up people alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bottomup.decoding.choices import check_choices, given_keys
from bottomup.decoding.multicut.settings import MulticutSettings
from bottomup.errors import InputError

BINS_PER_RADIUS = 10
LEAST_BIN_PX = 2.0
CHOICES = {
    "assembly": ("linked", "paper"),
    "score": ("expected_oks", "hough"),
    "person_score": ("soft_nms", "mean"),
}


@dataclass(frozen=True)
class DecoderSettings:
    """Settings of `decode`; lengths are input px.

    Attributes:
        assembly: `paper` follows the tree from each seed and always places every keypoint;
            `linked` joins peaks that point at each other, by mid or long offsets.
        score: Keypoint score, `expected_oks` or `hough`.
        person_score: `soft_nms`, or `mean`, in which every keypoint counts.
        radius_px: Disk radius that the fields were trained with.
        hough_bin_px: Side of a bin of the Hough accumulators; None is a tenth of the
            radius, at least 2.
        vote_threshold: Nodes below this heatmap probability cast no vote.
        peak_threshold: Least Hough mass of a peak; a whole disk has mass 1.
        peak_window_px: Side of the square in which a peak is the greatest; None for 3 x 3 bins.
        seed_radius_px: A seed this near the same keypoint of an earlier person is dropped, and a
            keypoint this near that of a better person adds nothing to the soft-NMS score.
        link_threshold: Least agreement, 0 to 1, that joins two peaks (`linked`).
        least_score: Detections below are dropped.
        max_people: Detections kept, best first.
        person_threshold: Person probability from which on a pixel belongs to somebody.
        embedding_threshold: Largest embedding distance of a pixel, in person scales.
        mask_score_gate: Least score of a person that may own pixels.
        masks: Whether to make masks at all.
        multicut: How the fields of DeeperCut are grouped; the fields of PersonLab never are.
    """

    assembly: str = "linked"
    score: str = "expected_oks"
    person_score: str = "soft_nms"
    radius_px: float = 32.0
    hough_bin_px: float | None = None
    vote_threshold: float = 0.05
    peak_threshold: float = 0.01
    peak_window_px: float | None = None
    seed_radius_px: float = 10.0
    link_threshold: float = 0.5
    least_score: float = 0.001
    max_people: int = 100
    person_threshold: float = 0.5
    embedding_threshold: float = 0.25
    mask_score_gate: float = 0.0
    masks: bool = True
    multicut: MulticutSettings = field(default_factory=MulticutSettings)

    def __post_init__(self) -> None:
        check_choices(self, CHOICES, "decoder ")
        for name in ("radius_px", "bin_px", "max_people"):
            if not getattr(self, name) > 0:
                raise InputError(
                    f"decoder {name} is {getattr(self, name)!r}; use a positive number"
                )

    @property
    def bin_px(self) -> float:
        """Side of a bin of the Hough accumulators."""
        if self.hough_bin_px is None:
            return max(LEAST_BIN_PX, self.radius_px / BINS_PER_RADIUS)
        return self.hough_bin_px

    @classmethod
    def from_dict(cls, values: Mapping) -> "DecoderSettings":
        """Settings from plain values; what is absent or None keeps its default.

        Raises:
            InputError: A key is unknown or a value is out of range.
        """
        given = given_keys(cls, values, "decoder key ")
        if isinstance(given.get("multicut"), Mapping):
            given["multicut"] = MulticutSettings.from_dict(given["multicut"])
        return cls(**given)
