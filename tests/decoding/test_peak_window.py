"""Peaks in a window: the kernel equals a slow reference, and a window keeps one peak of two."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter

from bottomup.decoding import DecoderSettings, decode
from bottomup.decoding.peaks import find_peaks, window_bins
from bottomup.skeleton import COCO_PERSON
from scenes import figure, scene


def found(plane, window_px):
    """Bins of the peaks, as (row, column), with margin and half-bin shifts rounded away."""
    accumulators = np.zeros((1, *plane.shape, 3), np.float32)
    accumulators[0, ..., 0] = plane  # every vote in the middle of its bin
    touched = np.flatnonzero(plane).astype(np.int32)
    decoder = DecoderSettings(hough_bin_px=2, peak_window_px=window_px, peak_threshold=0.001)
    xy, _, _ = find_peaks(accumulators, touched, decoder)
    return {tuple(np.rint(place / decoder.bin_px + 2).astype(int)[::-1]) for place in xy}


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**31), window_px=st.sampled_from([6.0, 8.0, 10.0, 20.0, 30.0]))
def test_equal_a_mirrored_maximum_filter(seed, window_px):
    generator = np.random.default_rng(seed)
    plane = np.zeros((30, 34))
    # Apart, so that what lies around a peak does not move it to another bin.
    for i, j in generator.permutation([(i, j) for i in range(1, 29, 4) for j in range(1, 33, 4)])[
        :20
    ]:
        plane[i, j] = generator.uniform(0.1, 1)
    bins = window_bins(DecoderSettings(hough_bin_px=2, peak_window_px=window_px))
    highest = maximum_filter(plane, size=bins, mode="reflect")
    expected = {tuple(map(int, bin)) for bin in np.argwhere((plane == highest) & (plane > 0))}
    assert found(plane, window_px) == expected


@pytest.mark.parametrize(("window_px", "bins"), [(None, 3), (1, 3), (6.25, 3), (20, 10)])
def test_a_window_is_so_many_bins(window_px, bins):
    assert window_bins(DecoderSettings(hough_bin_px=2, peak_window_px=window_px)) == bins


def test_of_a_plateau_one_bin_is_a_peak():
    plane = np.zeros((20, 20))
    plane[5, 5] = plane[5, 8] = 0.5
    assert found(plane, 20.0) == {(5, 5)}


def test_people_nearer_than_the_window_lose_seeds():
    fields, narrow, frame = scene([figure(150, 50, 300), figure(158, 50, 300)], assembly="paper")
    wide = DecoderSettings(assembly="paper", hough_bin_px=2, peak_window_px=20)
    near, far = (decode(fields, COCO_PERSON, each, frame) for each in (narrow, wide))
    assert len(far) <= len(near)
    assert len(far) >= 1
