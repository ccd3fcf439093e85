"""One person in the image: each keypoint where its heatmap is highest (DeeperCut, section 5.1)."""

import numpy as np

from bottomup.decoding.multicut.poses import checked_pairs
from bottomup.fields.grid import PairFields, cell_xy
from bottomup.skeleton import Skeleton


def decode_single(fields: PairFields, skeleton: Skeleton) -> np.ndarray:
    """The best place of every keypoint, whoever else is in the image.

    Args:
        fields: Fields of one image.
        skeleton: Whose keypoints these are.

    Returns:
        x, y in input px, the cell's centre plus its location refinement, and the score, the
        heatmap's probability there; float32 [keypoint, 3].

    Raises:
        InputError: A field is of the wrong shape or holds values that are not finite.
    """
    fields = checked_pairs(fields, skeleton)
    rows, columns, count = fields.heatmap.shape
    best = fields.heatmap.reshape(-1, count).argmax(axis=0)
    i, j = np.divmod(best, columns)
    keypoints = np.arange(count)
    xy = cell_xy(rows, columns, fields.stride)[i, j] + fields.short[i, j, keypoints]
    return np.concatenate([xy, fields.heatmap[i, j, keypoints][:, None]], 1).astype(np.float32)
