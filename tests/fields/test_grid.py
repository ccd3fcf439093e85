"""The arithmetic of pixels, nodes, sub-cells and frames."""

import numpy as np
import pytest

from bottomup.fields.grid import (
    Frame,
    by_channel,
    by_node,
    grid_size,
    node_xy,
    padded_side,
    sub_cell_offsets,
)


@pytest.mark.parametrize(("side", "stride", "padded"), [(257, 8, 257), (258, 8, 265), (1, 16, 1)])
def test_padded_side(side, stride, padded):
    assert padded_side(side, stride) == padded
    assert (grid_size(padded, stride) - 1) * stride + 1 == padded


def test_nodes_lie_at_multiples_of_the_stride():
    assert node_xy(2, 3, 8)[1, 2].tolist() == [16, 8]


@pytest.mark.parametrize(
    ("stride", "cells", "offsets"), [(8, 1, [0]), (8, 2, [-2, 2]), (8, 4, [-3, -1, 1, 3])]
)
def test_sub_cells_are_centred_on_the_node(stride, cells, offsets):
    assert sub_cell_offsets(stride, cells).tolist() == offsets


def test_a_frame_aligns_corners():
    frame = Frame.fit(height=480, width=640, long_side=801)
    np.testing.assert_allclose(frame.to_input([639, 0]), [800, 0])
    np.testing.assert_allclose(frame.to_image(frame.to_input([12.5, 99.0])), [12.5, 99.0])


def test_a_frame_pads_the_short_side_to_whole_cells():
    frame = Frame.fit(height=480, width=640, long_side=801)
    assert frame.input_size(stride=16) == (609, 801)


@pytest.mark.parametrize("long_side", [401, 513, 801, 1401])
@pytest.mark.parametrize("width", [3, 333, 640])
def test_rounding_never_adds_a_column_of_cells(width, long_side):
    assert Frame.fit(2, width, long_side).input_size(8)[1] == padded_side(long_side, 8)


def test_an_image_of_one_pixel_has_a_frame():
    assert np.isfinite(Frame.fit(1, 1, 801).to_image([0.0, 0.0])).all()


def test_channels_lie_in_one_piece_and_come_back():
    values = np.arange(2 * 3 * 4 * 2, dtype=np.float32).reshape(2, 3, 4, 2)
    channels = by_channel(values)
    assert channels.flags.c_contiguous
    np.testing.assert_array_equal(channels[3], values[:, :, 3])
    np.testing.assert_array_equal(by_node(channels), values)
    assert np.shares_memory(by_channel(by_node(channels)), channels)


def test_what_has_one_channel_stays_as_it_is():
    values = np.zeros((2, 3), np.float32)
    assert by_channel(values) is values
    assert by_node(values) is values
