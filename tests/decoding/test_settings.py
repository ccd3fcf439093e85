"""Decoder settings from plain values."""

import pytest

from bottomup.decoding import DecoderSettings
from bottomup.errors import InputError


def test_absent_and_null_keys_keep_their_defaults():
    settings = DecoderSettings.from_dict({"assembly": "paper", "radius_px": None})
    assert settings == DecoderSettings(assembly="paper")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"peek_threshold": 1}, "'peek_threshold' is unknown"),
        ({"assembly": "greedy"}, "'greedy'; use one of"),
        ({"score": "mean"}, "'mean'; use one of"),
        ({"radius_px": 0}, "radius_px is 0; use a positive number"),
    ],
)
def test_bad_values_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        DecoderSettings.from_dict(values)
