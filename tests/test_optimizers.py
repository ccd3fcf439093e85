"""Schedules, and that what an experiment asks of its optimiser is done."""

import keras
import numpy as np
import pytest

from bottomup.optimizers import learning_rate, optimizer

BASIS = {"steps": 100, "batch": 4, "learning_rate": 0.1}


def rates(**schedule):
    rate = learning_rate(BASIS | schedule)
    return [float(rate(step)) if callable(rate) else rate for step in range(101)]


def one_step(gradient, value=2.0, **schedule):
    """What is left of a weight after one step."""
    weight = keras.Variable(np.full(3, value, np.float32))
    rule = optimizer(BASIS | schedule)
    rule.build([weight])
    rule.apply_gradients([(keras.ops.full([3], gradient), weight)])
    return weight.numpy()


def test_constant_stays():
    assert set(rates()) == {0.1}


def test_step_drops_where_it_is_asked_to():
    found = rates(schedule="step", drop_at=[0.5, 0.8], drop_factor=0.1)
    np.testing.assert_allclose([found[i] for i in (0, 49, 50, 79, 80, 100)],
                               [0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rtol=1e-5)  # fmt: skip


def test_step_warms_up():
    found = rates(schedule="step", warmup_share=0.1, drop_at=[0.5], drop_factor=0.5)
    np.testing.assert_allclose([found[i] for i in (0, 5, 10, 49, 50)],
                               [0, 0.05, 0.1, 0.1, 0.05], rtol=1e-5)  # fmt: skip


def test_cosine_falls_to_two_per_cent():
    found = rates(schedule="cosine", warmup_share=0.1)
    np.testing.assert_allclose([found[i] for i in (0, 10, 100)], [0, 0.1, 0.002], rtol=1e-4)
    assert found[55] == pytest.approx((0.1 + 0.002) / 2, rel=1e-3)


def test_the_rate_follows_the_batch_that_it_is_stated_for():
    assert set(rates(learning_rate_batch=8)) == {0.05}
    assert rates(learning_rate_batch=16, schedule="cosine")[0] == pytest.approx(0.025)
    assert set(rates(learning_rate_batch=None)) == {0.1}


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_weight_decay_shrinks_weights_that_have_no_gradient(name):
    kept = one_step(0.0, optimizer=name)
    np.testing.assert_array_equal(kept, 2.0)
    decayed = one_step(0.0, optimizer=name, weight_decay=0.5)
    np.testing.assert_allclose(decayed, 2.0 * (1 - 0.5 * 0.1), rtol=1e-6)


def test_weight_decay_is_not_blown_up_by_a_small_gradient():
    # As a part of Adam's gradient it would move the weight by the whole learning rate.
    decayed = one_step(0.0, optimizer="adam", weight_decay=1e-4)
    np.testing.assert_allclose(decayed, 2.0 * (1 - 1e-5), rtol=1e-6)


def test_a_long_gradient_is_clipped_and_a_short_one_is_not():
    assert 2.0 - one_step(100.0, optimizer="sgd", clip_norm=1.0)[0] == pytest.approx(
        0.1 / np.sqrt(3), rel=1e-4
    )
    np.testing.assert_array_equal(
        one_step(0.01, optimizer="sgd", clip_norm=1.0), one_step(0.01, optimizer="sgd")
    )


def test_a_schedule_survives_saving():
    rate = learning_rate(BASIS | {"schedule": "step", "drop_at": [0.5], "drop_factor": 0.5})
    again = type(rate).from_config(rate.get_config())
    assert [float(again(step)) for step in (0, 60)] == [float(rate(step)) for step in (0, 60)]


def test_a_table_gives_the_rate_of_each_step():
    rows = [{"until": 10, "factor": 0.25}, {"until": 30, "factor": 1}, {"until": 99, "factor": 0.1}]
    rate = learning_rate(BASIS | {"schedule": "table", "learning_rates": rows})
    peak = BASIS["learning_rate"]
    expected = {0: 0.25, 9: 0.25, 10: 1, 29: 1, 30: 0.1, 98: 0.1, 500: 0.1}
    for step, factor in expected.items():
        assert float(rate(step)) == pytest.approx(factor * peak), step
