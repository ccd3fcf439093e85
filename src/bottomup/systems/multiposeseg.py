"""MultiPoseSeg (Ahmad et al., ICPR 2022): a pose and a segmentation branch, trained in stages.

Fields, targets, losses, loss weights (as released: 4, 2, 1, 4, 8) and the refinement of offsets are
PersonLab's. Of its own it has

- two branches between trunk and heads: PoseNet, which gives heatmaps, short and mid offsets, and
  SegNet, which gives the segmentation; their sum, the merge, gives the long offsets, which tie
  each pixel of a mask to the keypoints of a pose. The decoder merges poses and masks by them;
- training in stages on data whose images of single people are thinned more and more (subsets
  `*_reduced30` to `80`), where each stage starts from what earlier ones learned, their ancestors.

A stage is an experiment, and the stages are a chain of experiments in the graph: stage s has

    initial_weights: {experiment: <stage s-1>, part: all}                     the last ancestor
    initial_weights: {experiment: <stage s-1>, part: all, ancestors: mean}    the mean of them all
    initial_weights: random                                                   none: independent

Since every stage is a run of its own, the chain goes on wherever it was interrupted.

What is open. The released code is PersonLab's graph in one piece: no branches, no stages, no
transfer; the figure draws PoseNet and SegNet, their sum fed back to "ancestor models", and an arrow
from these to the backbone. Layers, losses, schedule, and whether weights, gradients or soft targets
are fed back are not known. Chosen here: two 3 x 3 convolutions a branch, the plain reading that
weights are handed on, and equal steps for each stage. A loss towards the ancestors' outputs is in
none of the sources and not made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from keras import layers

from bottomup.network import Head
from bottomup.skeleton import Skeleton
from bottomup.systems import personlab

POSE_HEADS = ("heatmap", "short", "mid")
SEGMENTATION_HEADS = ("segmentation",)
MERGED_HEADS = ("long",)
DEPTH = 2

refined = personlab.refined


@dataclass(frozen=True)
class Options:
    """What a MultiPoseSeg experiment may set.

    Attributes:
        radius_px: Disk radius in input px.
        sub_cells: Segmentation cells along each side of a node; 1 in the released code.
        branch_channels: Width of both branches; 0 for heads on the trunk itself, as released.
        loss_weights: Weight of each head's loss.
        refine_in_training: Whether the losses see the refined offsets.
    """

    radius_px: float = 32.0
    sub_cells: int = 1
    branch_channels: int = 256
    loss_weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "heatmap": 4.0,
            "short": 1.0,
            "mid": 4.0,
            "long": 8.0,
            "segmentation": 2.0,
        }
    )
    refine_in_training: bool = True

    @classmethod
    def from_dict(cls, values: Mapping) -> "Options":
        """Options from plain values; keys left out keep their defaults."""
        weights = {**cls().loss_weights, **values.get("loss_weights", {})}
        return cls(**{**values, "loss_weights": weights})

    @property
    def shared(self) -> personlab.Options:
        """The options of PersonLab's part."""
        return personlab.Options(radius_px=self.radius_px, sub_cells=self.sub_cells)


def heads(skeleton: Skeleton, options: Options) -> dict[str, Head]:
    """PersonLab's heads."""
    return personlab.heads(skeleton, options.shared)


def branches(features, options: Options) -> dict:
    """What each head looks at: features [batch, y, x, branch_channels] by the head's name."""
    if not options.branch_channels:
        return {}
    pose = _branch(features, options.branch_channels, "pose")
    segmentation = _branch(features, options.branch_channels, "segmentation")
    merged = layers.Add(name="merge")([pose, segmentation])
    places = (POSE_HEADS, pose), (SEGMENTATION_HEADS, segmentation), (MERGED_HEADS, merged)
    return {name: branch for names, branch in places for name in names}


def _branch(x, channels: int, name: str):
    """Two 3 x 3 convolutions; named as layers that belong to the heads and not to the trunk."""
    for number in range(DEPTH):
        x = layers.Conv2D(
            channels,
            3,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            name=f"{name}_branch_{number + 1}_convolution",
        )(x)
    return x


def targets(keypoints, instance_map, skeleton: Skeleton, stride: int, options: Options) -> dict:
    """PersonLab's targets."""
    return personlab.targets(keypoints, instance_map, skeleton, stride, options.shared)


def losses(outputs: dict, goals: dict, options: Options) -> dict:
    """Each head's loss, unweighted."""
    return personlab.losses(outputs, goals, options.shared)
