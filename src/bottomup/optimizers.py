"""The optimiser and its learning rate, from an experiment's schedule."""

from collections.abc import Mapping

import keras
from keras import ops

LOWEST_SHARE = 0.02  # of the highest learning rate, at the end of a cosine


def optimizer(schedule: Mapping) -> keras.optimizers.Optimizer:
    """The optimiser that the keys of `training` describe.

    Weight decay takes `weight_decay * learning rate` of each weight off at a step, beside the
    gradient's step and not as a part of it (Loshchilov and Hutter 2019).
    """
    common = {
        "learning_rate": learning_rate(schedule),
        "weight_decay": schedule.get("weight_decay") or None,
        "global_clipnorm": schedule.get("clip_norm"),
        "use_ema": bool(schedule.get("average_decay")),
        "ema_momentum": schedule.get("average_decay") or 0.99,
    }
    if schedule.get("optimizer", "adam") == "sgd":
        return keras.optimizers.SGD(momentum=0.9, **common)
    return keras.optimizers.Adam(beta_2=0.99, **common)


def highest_learning_rate(schedule: Mapping) -> float:
    """The learning rate for the batch in use: in proportion, where it is stated for another."""
    stated_for = schedule.get("learning_rate_batch")
    scale = schedule["batch"] / stated_for if stated_for else 1
    return schedule["learning_rate"] * scale


def learning_rate(schedule: Mapping) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate, constant or by step."""
    peak, steps = highest_learning_rate(schedule), schedule["steps"]
    warmup = warmup_steps(schedule)
    kind = schedule.get("schedule", "constant")
    if kind == "cosine":
        return keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else peak,
            max(steps - warmup, 1),
            alpha=LOWEST_SHARE,
            warmup_target=peak if warmup else None,
            warmup_steps=warmup,
        )
    if kind == "step":
        drops = [round(steps * share) for share in schedule.get("drop_at", [0.6, 0.9])]
        return StepDecay(peak, warmup, drops, schedule.get("drop_factor", 0.1))
    if kind == "table":
        rows = schedule["learning_rates"]
        rates = [peak * row["factor"] for row in rows]
        ends = [row["until"] for row in rows[:-1]]
        # At step n, counted from 0, the rate of the first end that is greater than n.
        return keras.optimizers.schedules.PiecewiseConstantDecay([n - 1 for n in ends], rates)
    if warmup:
        return keras.optimizers.schedules.PolynomialDecay(0.0, warmup, end_learning_rate=peak)
    return peak


def warmup_steps(schedule: Mapping) -> int:
    """Steps in which the learning rate rises."""
    return round(schedule["steps"] * schedule.get("warmup_share", 0))


@keras.saving.register_keras_serializable("bottomup")
class StepDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly for `warmup` steps, then is multiplied by `factor` at each of `drops`."""

    def __init__(self, peak: float, warmup: int, drops: list[int], factor: float):
        self.peak, self.warmup, self.drops, self.factor = peak, warmup, drops, factor

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rate = (
            self.peak * ops.minimum(step / max(self.warmup, 1), 1.0) if self.warmup else self.peak
        )
        for drop in self.drops:
            rate = rate * ops.where(step >= drop, self.factor, 1.0)
        return rate

    def get_config(self):
        own = ("peak", "warmup", "drops", "factor")
        return {name: getattr(self, name) for name in own}
