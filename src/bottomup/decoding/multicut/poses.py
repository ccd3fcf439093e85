"""From DeeperCut's fields of one image to its people in input px."""

import numpy as np

from bottomup.decoding.arrays import checked_arrays
from bottomup.decoding.multicut.candidates import find_candidates
from bottomup.decoding.multicut.group import group, poses_of
from bottomup.decoding.multicut.settings import MulticutSettings
from bottomup.fields.grid import PairFields
from bottomup.skeleton import Skeleton


def multicut_poses(
    fields: PairFields, skeleton: Skeleton, settings: MulticutSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Candidates, grouped: places, placed and keypoint scores as `group.poses_of` gives them.

    Raises:
        InputError: A field is of the wrong shape or holds values that are not finite, or the
            pairwise terms are missing.
    """
    fields = checked_pairs(fields, skeleton)
    members, person = group(find_candidates(fields, skeleton, settings), skeleton, settings)
    return poses_of(members, person, skeleton)


def checked_pairs(fields: PairFields, skeleton: Skeleton) -> PairFields:
    """The fields as float32.

    Raises:
        InputError: A field is of the wrong shape or holds values that are not finite.
    """
    rows, columns = fields.heatmap.shape[:2]
    count = skeleton.num_keypoints
    shapes = {
        "heatmap": (rows, columns, count),
        "short": (rows, columns, count, 2),
        "pairwise": (rows, columns, count * (count - 1), 2),
    }
    arrays = checked_arrays(fields, shapes, f"skeleton {skeleton.name!r}", "skeleton")
    return PairFields(**arrays, stride=fields.stride)
