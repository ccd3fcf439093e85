"""PersonLab: heatmaps, short, mid and long offsets, person segmentation.

Two options go beyond the paper: several segmentation cells a node, and a head for the distance to
the outline of the person underneath, so that masks part where people touch.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from bottomup.fields.distance import outline_distance
from bottomup.fields.grid import OUTLINE_REACH_PX
from bottomup.fields.heatmap import heatmap_weight, labelled, nearest_person
from bottomup.fields.offsets import long_offsets, mid_offsets, short_offsets
from bottomup.fields.refine import refine_long, refine_mid
from bottomup.fields.segmentation import segmentation_targets
from bottomup.fields.targets import with_weights
from bottomup.losses import logistic, offset_l1, scalar_l1
from bottomup.network import Head
from bottomup.skeleton import Skeleton

# Offsets between keypoints are learned in this unit, so that a fresh network's outputs, of order
# one, reach as far as a person of ordinary size.
REACH_PX = 32.0
HEATMAP_PRIOR = 0.02
SEGMENTATION_BIAS = -1.0


@dataclass(frozen=True)
class Options:
    """What a PersonLab experiment may set.

    Attributes:
        radius_px: Disk radius in input px.
        sub_cells: Segmentation cells along each side of a node; 1 is the paper's.
        distance: Whether there is a head for the distance to the outline; not in the paper.
        loss_weights: Weight of each head's loss.
        refine_in_training: Whether the losses see the refined offsets, as in the paper.
    """

    radius_px: float = 32.0
    sub_cells: int = 1
    distance: bool = False
    loss_weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "heatmap": 4.0,
            "short": 1.0,
            "mid": 0.25,
            "long": 0.125,
            "segmentation": 2.0,
            "distance": 1.0,
        }
    )
    refine_in_training: bool = True

    @classmethod
    def from_dict(cls, values: Mapping) -> "Options":
        """Options from plain values; keys left out keep their defaults."""
        weights = {**cls().loss_weights, **values.get("loss_weights", {})}
        return cls(**{**values, "loss_weights": weights})


def heads(skeleton: Skeleton, options: Options) -> dict[str, Head]:
    """The heads; 17 + 34 + 64 + 34 + sub_cells**2 channels for COCO's skeleton, 1 for distance."""
    keypoints, edges = skeleton.num_keypoints, len(skeleton.directed_edges)
    prior = math.log(HEATMAP_PRIOR / (1 - HEATMAP_PRIOR))
    found = {
        "heatmap": Head((keypoints,), bias=prior),
        "short": Head((keypoints, 2), unit=options.radius_px),
        "mid": Head((edges, 2), unit=REACH_PX),
        "long": Head((keypoints, 2), unit=REACH_PX),
        "segmentation": Head((options.sub_cells**2,), bias=SEGMENTATION_BIAS),
    }
    if options.distance:
        found["distance"] = Head((), unit=float(OUTLINE_REACH_PX))
    return found


def targets(keypoints, instance_map, skeleton: Skeleton, stride: int, options: Options) -> dict:
    """What the heads should say at the grid nodes, and where that counts (PersonLab, section 3).

    Args:
        keypoints: [batch, person, keypoint, 3] in input px, padded with rows of visibility 0.
        instance_map: int32 [batch, y, x], sides n * stride + 1 px (see `fields.grid`).
        skeleton: Whose keypoints and edges these are.
        stride: Input px between two nodes.
        options: `radius_px` (32 in the paper), `sub_cells` and `distance` matter.

    Returns:
        `heatmap` [batch, y, x, keypoint], `short` [..., keypoint, 2], `mid` [..., directed edge, 2]
        and `long` [..., keypoint, 2] in px, `segmentation` [..., sub_cells**2] and, if asked for,
        `distance` [batch, y, x] in px; for each a weight
        `<name>_weight` without the last axis of the offsets (`heatmap_weight` has one channel).
        Offsets without weight are 0.
    """
    height, width = instance_map.shape[1], instance_map.shape[2]
    node_map = instance_map[:, ::stride, ::stride]
    rows, columns = node_map.shape[1], node_map.shape[2]
    present = labelled(keypoints, height, width)
    nearest, disk = nearest_person(keypoints, present, rows, columns, stride, options.radius_px)
    edges = skeleton.directed_edges
    fields = {"heatmap": (disk, heatmap_weight(node_map))}
    fields["short"] = short_offsets(keypoints, nearest, disk, stride)
    fields["mid"] = mid_offsets(keypoints, present, nearest, disk, edges, stride)
    fields["long"] = long_offsets(keypoints, present, node_map, stride)
    fields["segmentation"] = segmentation_targets(instance_map, stride, options.sub_cells)
    if options.distance:
        fields["distance"] = outline_distance(instance_map, stride)
    return with_weights(fields)


def refined(outputs: dict, skeleton: Skeleton, stride: int) -> dict:
    """The outputs with mid and long offsets refined (PersonLab, section 3.1 and 3.2)."""
    short = outputs["short"]
    mid = refine_mid(outputs["mid"], short, skeleton.directed_edges, stride)
    long = refine_long(outputs["long"], short, stride)
    return {**outputs, "mid": mid, "long": long}


def losses(outputs: dict, goals: dict, options: Options) -> dict:
    """Each head's loss, unweighted.

    Args:
        outputs: Fields of the network.
        goals: What `targets` gives.
        options: The radius is the unit of the offset losses.
    """
    parts = {
        name: logistic(outputs[name], goals[name], goals[f"{name}_weight"])
        for name in ("heatmap", "segmentation")
    }
    for name in ("short", "mid", "long"):
        weights = goals[f"{name}_weight"]
        parts[name] = offset_l1(outputs[name], goals[name], weights, options.radius_px)
    if options.distance:
        goal, weights = goals["distance"], goals["distance_weight"]
        parts["distance"] = scalar_l1(outputs["distance"], goal, weights, OUTLINE_REACH_PX)
    return parts
