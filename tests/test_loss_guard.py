"""A loss that is no number or explodes stops the run; a hard batch does not."""

import pytest

from bottomup.errors import InputError
from bottomup.loss_guard import LEAST_STEPS, WINDOW_STEPS, LossGuard


def after(losses, limit=10.0, warmup_steps=0):
    guard = LossGuard(limit, warmup_steps)
    for step, loss in enumerate(losses, 1):
        guard.check(step, {"loss": loss, "mid": loss}, [1, 2])
    return guard


def test_no_number_names_heads_and_images():
    with pytest.raises(InputError, match=r"step 3: the loss of mid is not a number.*\[8, 9\]"):
        LossGuard(None, 0).check(3, {"loss": 1.0, "mid": float("nan")}, [8, 9])


def test_an_explosion_names_losses_images_and_remedies():
    guard = after([2.0] * LEAST_STEPS)
    guard.check(51, {"loss": 19.9}, [1])
    with pytest.raises(InputError) as told:
        guard.check(52, {"loss": 20.1}, [8, 9])
    assert str(told.value).startswith(
        "step 52: the loss explodes, 20.1 after a median of 2 in the 51 steps before, "
        "in the batch of images [8, 9]; lower training.learning_rate"
    )


def test_one_hard_batch_moves_no_limit():
    guard = after([1.0] * LEAST_STEPS + [9.0])
    with pytest.raises(InputError, match="median of 1 "):
        guard.check(LEAST_STEPS + 2, {"loss": 11.0}, [1])


def test_the_first_steps_and_the_warm_up_are_free():
    after([1.0] * (LEAST_STEPS - 1) + [1000.0])
    after([1.0] * LEAST_STEPS + [1000.0], warmup_steps=LEAST_STEPS + 1)


def test_without_a_limit_only_no_number_stops():
    after([1.0] * LEAST_STEPS + [1e30], limit=None)


def test_it_goes_on_with_what_it_has_seen():
    guard = after([float(k) for k in range(300)], limit=None)
    again = LossGuard(2.0, 0, list(guard.seen))
    assert len(again.seen) == WINDOW_STEPS
    with pytest.raises(InputError, match=r"median of 199\.5"):
        again.check(301, {"loss": 400.0}, [1])
