"""DeeperCut and ArtTrack: heatmap, location refinement, and offsets between all keypoint pairs.

Heads at half the stride of the trunk, by a transposed convolution each. The offsets between pairs
are learned less their mean and in units of their deviation over the training set.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from bottomup.errors import InputError
from bottomup.fields.pairwise import pair_targets
from bottomup.losses import huber, logistic
from bottomup.network import Head
from bottomup.skeleton import Skeleton

UPSAMPLING = 2  # cells of the heads between two nodes of the trunk
DISKS_SCALE = True  # the radius grows with the augmentation's scale
INTERMEDIATE_HEADS = ("heatmap",)
REFINEMENT_UNIT_PX = math.sqrt(53.0)  # of the location refinement (7.2801 in the public code)
HEATMAP_PRIOR = 0.02
REACH_PX = 32.0  # unit of pairwise offsets without statistics


@dataclass(frozen=True)
class Options:
    """What a DeeperCut experiment may set.

    Attributes:
        radius_px: How near a cell must be to a keypoint to count, at augmentation scale 1.
        pairwise_statistics: `mean` and `deviation` of the offset of every ordered pair, each
            [pair][2] in input px at scale 1; None stands for mean 0 and deviation 32 px.
        loss_weights: Weight of each head's loss.
    """

    refine_in_training: ClassVar[bool] = False  # there is nothing to refine

    radius_px: float = 17.0
    pairwise_statistics: Mapping | None = None
    loss_weights: Mapping[str, float] = field(
        default_factory=lambda: {"heatmap": 1.0, "short": 0.05, "pairwise": 0.05}
    )

    @classmethod
    def from_dict(cls, values: Mapping) -> "Options":
        """Options from plain values; keys left out keep their defaults.

        Raises:
            InputError: The statistics are asked for by name and were not measured yet.
        """
        weights = {**cls().loss_weights, **values.get("loss_weights", {})}
        if isinstance(values.get("pairwise_statistics"), str):
            raise InputError(
                f"pairwise_statistics is {values['pairwise_statistics']!r}, a name that the "
                "workflow replaces by what it measured; train through the workflow, or give "
                "`mean` and `deviation`"
            )
        return cls(**{**values, "loss_weights": weights})


def heads(skeleton: Skeleton, options: Options) -> dict[str, Head]:
    """The heads: J + 2 J + 2 J (J - 1) channels for J keypoints, 17 + 34 + 544 for COCO's."""
    count, pairs = skeleton.num_keypoints, len(skeleton.ordered_pairs)
    prior = math.log(HEATMAP_PRIOR / (1 - HEATMAP_PRIOR))
    mean, deviation = _statistics(options, pairs)
    return {
        "heatmap": Head((count,), bias=prior, doubled=True),
        "short": Head((count, 2), unit=REFINEMENT_UNIT_PX, doubled=True),
        "pairwise": Head((pairs, 2), unit=deviation, bias=mean, doubled=True),
    }


def _statistics(options: Options, pairs: int) -> tuple[tuple, tuple]:
    """Mean and deviation as nested tuples [pair][2]."""
    found = options.pairwise_statistics
    if found is None:
        return ((0.0, 0.0),) * pairs, ((REACH_PX, REACH_PX),) * pairs
    mean, deviation = (tuple(map(tuple, found[key])) for key in ("mean", "deviation"))
    if len(mean) != pairs or len(deviation) != pairs:
        raise InputError(
            f"pairwise_statistics are of {len(mean)} pairs where the skeleton has {pairs}; "
            "measure them on a dataset with this skeleton"
        )
    return mean, deviation


def targets(
    keypoints, instance_map, skeleton: Skeleton, stride: int, options: Options, scale=1.0
) -> dict:
    """What the heads should say at the cells, and where that counts (see `fields.pairwise`).

    Args:
        keypoints: [batch, person, keypoint, 3] in input px, padded with rows of visibility 0.
        instance_map: int32 [batch, y, x], sides 2 n * stride + 1 px.
        skeleton: Whose keypoints these are.
        stride: Input px between two cells.
        options: `radius_px` matters.
        scale: Of the augmentation, by which the radius is multiplied: a number, or [batch].
    """
    radius_px = options.radius_px * scale
    if hasattr(scale, "shape") and len(scale.shape):
        radius_px = radius_px[:, None, None, None]
    return pair_targets(keypoints, instance_map, skeleton.ordered_pairs, stride, radius_px)


def refined(outputs: dict, skeleton: Skeleton, stride: int) -> dict:
    """The outputs as they are: location refinement and pairs correct nothing else."""
    return dict(outputs)


def losses(outputs: dict, goals: dict, options: Options) -> dict:
    """Each head's loss, unweighted, of those that there are.

    Args:
        outputs: Fields of the network.
        goals: What `targets` gives.
        options: Their statistics give the unit of the pairwise loss.
    """
    parts = {}
    if "heatmap" in outputs:
        name = "heatmap"
        parts[name] = logistic(outputs[name], goals[name], goals[f"{name}_weight"])
    if "short" in outputs:
        parts["short"] = huber(
            outputs["short"], goals["short"], goals["short_weight"], REFINEMENT_UNIT_PX
        )
    if "pairwise" in outputs:
        name = "pairwise"
        _, deviation = _statistics(options, outputs[name].shape[-2])
        parts[name] = huber(outputs[name], goals[name], goals[f"{name}_weight"], deviation)
    return parts
