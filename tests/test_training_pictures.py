"""Pictures show targets on the left and predictions on the right, where they are."""

import numpy as np

from bottomup.training_pictures import TINT, side_by_side


def test_a_node_is_coloured_where_it_looks():
    image = np.full((2, 17, 17, 3), 100.0)
    goals = {"heatmap": np.zeros((2, 3, 3, 4))}
    outputs = {"heatmap": np.full((2, 3, 3, 4), -50.0), "mid": np.zeros((2, 3, 3, 4, 2))}
    goals["heatmap"][0, 1, 2, 3] = 1  # node (x 2, y 1) is pixel (16, 8)
    outputs["heatmap"][1, 2, 0, 0] = 50
    pictures = side_by_side(image, goals, outputs, 8)
    assert set(pictures) == {"heatmap"}
    picture = pictures["heatmap"]
    assert picture.shape == (2 * 17, 2 * 17, 3)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture[8, 16], TINT)
    np.testing.assert_array_equal(picture[17 + 16, 17 + 0], TINT)
    np.testing.assert_array_equal(picture[8, 0], 100)
    assert (picture == TINT).all(-1).sum() == 5 * 7 + 5 * 5  # of each node, what is nearest


def test_what_is_no_number_is_drawn_as_nothing():
    outputs = {"heatmap": np.full((1, 3, 3, 1), np.nan)}
    pictures = side_by_side(
        np.zeros((1, 17, 17, 3)), {"heatmap": np.zeros((1, 3, 3, 1))}, outputs, 8
    )
    assert not pictures["heatmap"].any()
