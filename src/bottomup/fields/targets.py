"""Targets of a system by name."""

from collections.abc import Mapping


def with_weights(fields: Mapping) -> dict:
    """Targets and their weights side by side: `heatmap`, `heatmap_weight`, ..."""
    return {
        name + suffix: value
        for name, pair in fields.items()
        for suffix, value in zip(("", "_weight"), pair, strict=True)
    }
