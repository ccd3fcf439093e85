"""Losses (PersonLab, section 3; DeeperCut): weighted means; what is excluded counts nowhere."""

from keras import ops


def weighted_mean(values, weights):
    """The mean of `values` where `weights` count; 0 where nothing does."""
    weights = ops.broadcast_to(weights, ops.shape(values))
    return ops.sum(values * weights) / ops.maximum(ops.sum(weights), 1.0)


def logistic(logits, targets, weights):
    """Mean logistic loss.

    Args:
        logits: Any shape.
        targets: In 0..1, of the same shape.
        weights: Broadcast to that shape.
    """
    # The stable form of -t log(sigmoid(x)) - (1 - t) log(1 - sigmoid(x)).
    values = ops.maximum(logits, 0) - logits * targets + ops.log1p(ops.exp(-ops.abs(logits)))
    return weighted_mean(values, weights)


def offset_l1(offsets, targets, weights, radius_px: float):
    """Mean of |dx| + |dy| in units of the disk radius.

    Args:
        offsets: [..., 2] in input px.
        targets: Of the same shape.
        weights: [...], one weight a vector.
        radius_px: The disk radius in input px.
    """
    return weighted_mean(ops.sum(ops.abs(offsets - targets), axis=-1) / radius_px, weights)


def huber(offsets, targets, weights, unit):
    """Mean Huber loss of the components of offsets: half the square up to one unit, then linear.

    Args:
        offsets: [..., 2] in input px.
        targets: Of the same shape.
        weights: [...], one weight a vector.
        unit: What counts as one, in px; a number, or values that broadcast to the offsets.
    """
    errors = ops.abs(offsets - targets) / ops.convert_to_tensor(unit, dtype="float32")
    values = ops.where(errors < 1, 0.5 * ops.square(errors), errors - 0.5)
    return weighted_mean(values, weights[..., None])


def scalar_l1(values, targets, weights, unit: float):
    """Mean absolute error in some unit.

    Args:
        values: Any shape.
        targets: Of the same shape.
        weights: Of the same shape.
        unit: What counts as one.
    """
    return weighted_mean(ops.abs(values - targets) / unit, weights)
