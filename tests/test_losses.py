"""Losses against values worked out by hand."""

import math

import numpy as np
import pytest

from bottomup.losses import logistic, offset_l1, weighted_mean


def test_logistic_of_zero_logits_is_log_two():
    assert float(logistic(np.zeros((2, 3)), np.ones((2, 3)), np.ones((2, 1)))) == pytest.approx(
        math.log(2)
    )


def test_logistic_by_hand():
    logits = np.array([2.0, -1.0], np.float32)
    targets = np.array([1.0, 0.0], np.float32)
    by_hand = (-math.log(1 / (1 + math.exp(-2))) - math.log(1 - 1 / (1 + math.exp(1)))) / 2
    assert float(logistic(logits, targets, np.ones(2, np.float32))) == pytest.approx(by_hand)


def test_logistic_does_not_overflow():
    logits = np.array([500.0, -500.0], np.float32)
    assert float(logistic(logits, np.array([0.0, 1.0], np.float32), np.ones(2, np.float32))) == 500


def test_excluded_positions_count_neither_above_nor_below_the_line():
    values = np.array([1.0, 100.0, 3.0], np.float32)
    assert float(weighted_mean(values, np.array([1.0, 0.0, 1.0], np.float32))) == 2


def test_no_weight_at_all_is_no_loss():
    assert float(weighted_mean(np.ones(3, np.float32), np.zeros(3, np.float32))) == 0


def test_a_weight_of_one_channel_serves_all():
    values = np.array([[1.0, 3.0], [5.0, 7.0]], np.float32)
    assert float(weighted_mean(values, np.array([[1.0], [0.0]], np.float32))) == 2


def test_offset_loss_is_in_units_of_the_radius():
    offsets = np.array([[3.0, 4.0], [50.0, 50.0]], np.float32)
    loss = offset_l1(offsets, np.zeros((2, 2), np.float32), np.array([1.0, 0.0], np.float32), 10.0)
    assert float(loss) == pytest.approx(0.7)
