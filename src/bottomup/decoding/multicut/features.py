"""What a pair of candidates is judged by: do the offsets that each predicts lead to the other?"""

import numpy as np
from numba import njit

MEASURES = ("distance_there", "angle_there", "distance_back", "angle_back")
FEATURES = (*MEASURES, *(f"exp_minus_{name}" for name in MEASURES))


@njit(cache=True, nogil=True)
def pair_features(cell, place, predicted, other_cell, other_place, other_predicted, out):
    """Features of one pair of candidates, d and e, into `out` [feature].

    There: the vector from the cell of d to the place of e, beside the one that d predicts; their
    difference in px and the angle between them in radians, 0 to pi. Back: the same from e to d.
    Then exp(-value) of each.

    Args:
        cell: Centre of the cell of d in input px, [2].
        place: Refined place of d, [2].
        predicted: Offset that d predicts to the keypoint of e, [2] in px.
        other_cell: The same three of e, whose offset is to the keypoint of d.
        other_place: As above.
        other_predicted: As above.
        out: Gets the features.
    """
    out[0], out[1] = _difference(
        other_place[0] - cell[0], other_place[1] - cell[1], predicted[0], predicted[1]
    )
    out[2], out[3] = _difference(
        place[0] - other_cell[0], place[1] - other_cell[1], other_predicted[0], other_predicted[1]
    )
    for n in range(4):
        out[4 + n] = np.exp(-out[n])


@njit(cache=True, nogil=True)
def _difference(x, y, predicted_x, predicted_y):
    """Length of the difference of two vectors, and the angle between them."""
    distance = np.sqrt((x - predicted_x) ** 2 + (y - predicted_y) ** 2)
    angle = np.abs(np.arctan2(y, x) - np.arctan2(predicted_y, predicted_x))
    return distance, min(angle, 2 * np.pi - angle)


@njit(cache=True, nogil=True)
def features_of_pairs(cells, places, predicted, other_cells, other_places, other_predicted):
    """`pair_features` of many pairs, float64 [pair, feature]; every argument is [pair, 2]."""
    found = np.empty((len(cells), len(FEATURES)))
    for n in range(len(cells)):
        pair_features(
            cells[n], places[n], predicted[n],
            other_cells[n], other_places[n], other_predicted[n], found[n],
        )  # fmt: skip
    return found
