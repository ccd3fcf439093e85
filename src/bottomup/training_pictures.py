"""Pictures of what a network should say and what it says, side by side, while it trains."""

from collections.abc import Mapping

import numpy as np
from keras import ops

from bottomup.augment import augment
from bottomup.fields.grid import grid_size

SHOWN = ("heatmap", "segmentation")  # fields of probabilities, which a network gives as logits
FAR = 30.0  # a logit beyond which a probability is 0 or 1 for the eye
TINT = np.array([255.0, 64.0, 0.0])


def compared(step, batch: Mapping) -> dict[str, np.ndarray]:
    """Targets and predictions of a batch that is not augmented, as `side_by_side` shows them.

    Args:
        step: A `TrainingStep`.
        batch: What one is called with.
    """
    image, instances, keypoints = augment(batch, step.augmentation, step.crop_px, step.skeleton)
    goals = step.goals(keypoints, instances, batch["draws"])
    outputs = step.fields(image, training=False)
    goals, outputs = (
        {name: ops.convert_to_numpy(fields[name]) for name in SHOWN if name in fields}
        for fields in (goals, outputs)
    )
    return side_by_side(ops.convert_to_numpy(image), goals, outputs, step.stride)


def side_by_side(image, goals: Mapping, outputs: Mapping, stride: int) -> dict[str, np.ndarray]:
    """One picture a field, of all images below each other: target, prediction.

    Args:
        image: [batch, y, x, 3] in 0..255, sides n stride + 1 px.
        goals: Targets by field, [batch, y, x, channel] in 0..1 at the grid's nodes.
        outputs: Predictions by field, as logits.
        stride: Input px between two nodes.

    Returns:
        Pictures uint8 [batch y, 2 x, 3], for the fields that are there to be shown.
    """
    image = np.asarray(image, np.float32)
    pictures = {}
    for name in (name for name in SHOWN if name in outputs and name in goals):
        target = np.asarray(goals[name], np.float32)
        # A network whose weights are no numbers says nothing.
        logits = np.nan_to_num(np.asarray(outputs[name], np.float32), nan=-FAR).clip(-FAR, FAR)
        predicted = 1 / (1 + np.exp(-logits))
        halves = [tinted(image, strongest(field), stride) for field in (target, predicted)]
        pictures[name] = np.concatenate(np.concatenate(halves, axis=2), axis=0)
    return pictures


def strongest(field: np.ndarray) -> np.ndarray:
    """The highest of a node's channels: [batch, y, x, channel] -> [batch, y, x]."""
    return field.max(axis=-1)


def tinted(image: np.ndarray, field: np.ndarray, stride: int) -> np.ndarray:
    """A grey image, uint8, coloured where the field [batch, y, x] is near one.

    The field is at nodes, of which there is one more than whole strides, or at cells.
    """
    rows, columns = (
        np.rint(np.arange(side) / stride).astype(int)
        if count == grid_size(side, stride)
        else np.minimum(np.arange(side) // stride, count - 1)
        for side, count in zip(image.shape[1:3], field.shape[1:3], strict=True)
    )
    share = field[:, rows][:, :, columns, None].clip(0, 1)
    grey = image.mean(axis=-1, keepdims=True)
    return ((1 - share) * grey + share * TINT).clip(0, 255).astype(np.uint8)
