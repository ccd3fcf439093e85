"""Stops a training whose loss is no number any more, or explodes.

A loss explodes when one step's is more than `limit` times the median of the steps before it. The
median forgives single hard batches, and a window of steps follows a loss that falls. Steps of the
warm-up and the first ones after it only fill the window.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from statistics import median

from bottomup.errors import InputError

WINDOW_STEPS = 200
LEAST_STEPS = 50  # before there is a median to trust


class LossGuard:
    """Judges the losses of one step after the other."""

    def __init__(self, limit: float | None, warmup_steps: int, seen: Sequence[float] = ()):
        """Starts with the losses that `seen` of an interrupted run's guard gave.

        Args:
            limit: How many times the median; None watches only for what is no number.
            warmup_steps: Steps of the learning rate's warm-up.
            seen: Losses of the last steps.
        """
        self.limit, self.warmup_steps = limit, warmup_steps
        self.seen: deque[float] = deque(seen, maxlen=WINDOW_STEPS)

    def check(self, step: int, parts: Mapping[str, float], image_ids: Sequence[int]) -> None:
        """Takes one step's losses by head, with the whole under `loss`.

        Raises:
            InputError: A loss is no number, or the whole one exploded; names the batch's images.
        """
        broken = [name for name, value in parts.items() if not math.isfinite(value)]
        if broken:
            raise InputError(
                f"step {step}: the loss of {' and '.join(broken)} is not a number, in the "
                f"batch of images {list(image_ids)}; lower training.learning_rate or look at these"
            )
        loss, usual = float(parts["loss"]), self._usual(step)
        if usual is not None and loss > self.limit * usual:
            raise InputError(
                f"step {step}: the loss explodes, {loss:.4g} after a median of {usual:.4g} in the "
                f"{len(self.seen)} steps before, in the batch of images {list(image_ids)}; lower "
                "training.learning_rate, set training.clip_norm, or look at these (a loss may be "
                f"up to {self.limit:g} times the median: training.loss_limit)"
            )
        self.seen.append(loss)

    def _usual(self, step: int) -> float | None:
        ready = step > self.warmup_steps and len(self.seen) >= LEAST_STEPS
        return median(self.seen) if self.limit and ready else None
