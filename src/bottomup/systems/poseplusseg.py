"""PosePlusSeg (Ahmad et al., AAAI 2022): PersonLab's fields, corrected by refinement networks.

What is PersonLab's is taken from there: trunk, heatmaps ("strong keypoint" maps once they have
voted), short, mid and long offsets, segmentation, targets, losses and the refinement of offsets. Of
its own it has

- a mask offset from every pixel of a person to the centroid of that person's keypoints, which
  decides whose pixel it is;
- a refinement network for keypoints (heatmaps and short offsets, looking at both and at the body
  heat map) and one for masks (segmentation and mask offsets): `correction`;
- its loss weights: 4, 2, 1, 4 and 8 for heatmap, segmentation, short, mid and long offsets, as
  released; PersonLab's last two, 1/4 and 1/8, may have been meant.

What is open. The released code is PersonLab's graph: it has no refinement network, and its "mask
offsets" are the long offsets. The figure names the refinement networks and a "keypoint as
centroid" without layers, losses or weights. Chosen here: two hidden convolutions each; the losses
and weights of the first fields, which train the correction alone; the mean of the labelled
keypoints as centroid; for its loss the weight of the released short offsets. With
`correction_channels: 0` and `centroid: false` the system is the released graph.

The strong keypoint map (Hough votes) and the body heat map are made in decoding and shown by the
figure `keypoint_and_body_maps`; peaks in windows of 20 x 20 px are a protocol
(`decoder.peak_window_px`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from keras import ops

from bottomup.correction import FIRST, LAYER, Correction
from bottomup.fields.heatmap import labelled
from bottomup.fields.offsets import long_offsets
from bottomup.losses import offset_l1
from bottomup.network import Head
from bottomup.skeleton import Skeleton
from bottomup.systems import personlab

GROUPS = (("heatmap", "short"), ("segmentation", "centroid"))

refined = personlab.refined


@dataclass(frozen=True)
class Options:
    """What a PosePlusSeg experiment may set.

    Attributes:
        radius_px: Disk radius in input px.
        sub_cells: Segmentation cells along each side of a node; 1 in the released code.
        centroid: Whether there is a head for offsets to the centroid of the person's keypoints.
        correction_channels: Width of the refinement networks; 0 for none.
        loss_weights: Weight of each head's loss; a field's loss before the correction, named
            `first_<head>`, weighs the same.
        refine_in_training: Whether the losses see the refined offsets.
    """

    radius_px: float = 32.0
    sub_cells: int = 1
    centroid: bool = True
    correction_channels: int = 64
    loss_weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "heatmap": 4.0,
            "short": 1.0,
            "mid": 4.0,
            "long": 8.0,
            "segmentation": 2.0,
            "centroid": 1.0,
        }
    )
    refine_in_training: bool = True

    @classmethod
    def from_dict(cls, values: Mapping) -> "Options":
        """Options from plain values; keys left out keep their defaults."""
        weights = {**cls().loss_weights, **values.get("loss_weights", {})}
        weights |= {FIRST + name: weights[name] for group in GROUPS for name in group}
        return cls(**{**values, "loss_weights": weights})

    @property
    def shared(self) -> personlab.Options:
        """The options of PersonLab's part."""
        return personlab.Options(radius_px=self.radius_px, sub_cells=self.sub_cells)


def heads(skeleton: Skeleton, options: Options) -> dict[str, Head]:
    """PersonLab's heads, and two channels for the offset to the centroid."""
    found = personlab.heads(skeleton, options.shared)
    if options.centroid:
        found["centroid"] = Head((1, 2), unit=personlab.REACH_PX)
    return found


def corrected(outputs: dict, named: Mapping[str, Head], options: Options) -> dict:
    """The first fields and those that the refinement networks make of them."""
    if not options.correction_channels:
        return outputs
    groups = [[name for name in group if name in named] for group in GROUPS]
    units = {
        name: named[name].unit if len(named[name].shape) > 1 else None
        for group in groups
        for name in group
    }
    return Correction(groups, units, options.correction_channels, name=LAYER)(outputs)


def targets(keypoints, instance_map, skeleton: Skeleton, stride: int, options: Options) -> dict:
    """PersonLab's targets, and with a centroid head `centroid` [batch, y, x, 1, 2] in px.

    The centroid is the mean of the keypoints that are labelled inside the input; its weight
    `centroid_weight` [batch, y, x, 1] is 1 on the pixels of one person alone who has any.
    """
    goals = personlab.targets(keypoints, instance_map, skeleton, stride, options.shared)
    if not options.centroid:
        return goals
    present = labelled(keypoints, instance_map.shape[1], instance_map.shape[2])
    count = ops.sum(present, axis=2, keepdims=True)
    total = ops.sum(keypoints * present[..., None], axis=2, keepdims=True)
    means = total / ops.maximum(count, 1.0)[..., None]
    node_map = instance_map[:, ::stride, ::stride]
    known = ops.cast(count > 0, "float32")
    centroid, weight = long_offsets(means, known, node_map, stride)
    return {**goals, "centroid": centroid, "centroid_weight": weight}


def losses(outputs: dict, goals: dict, options: Options) -> dict:
    """Each head's loss, unweighted, after the correction and, as `first_<head>`, before it."""
    parts = personlab.losses(outputs, goals, options.shared)
    if "centroid" in outputs:
        weight = goals["centroid_weight"]
        parts["centroid"] = offset_l1(
            outputs["centroid"], goals["centroid"], weight, options.radius_px
        )
    first = {
        name.removeprefix(FIRST): value for name, value in outputs.items() if name.startswith(FIRST)
    }
    if first:
        before = losses({**_unprefixed(outputs), **first}, goals, options)
        parts |= {FIRST + name: before[name] for name in first}
    return parts


def _unprefixed(outputs: Mapping) -> dict:
    return {name: value for name, value in outputs.items() if not name.startswith(FIRST)}
