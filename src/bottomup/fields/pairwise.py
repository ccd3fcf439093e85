"""DeeperCut's targets: heatmap, short and pairwise offsets at cell centres (DeeperCut, section 3).

A cell is near a keypoint within the radius, which grows and shrinks with the augmentation's scale;
where two people's keypoints are near, the nearer one's owner matters, as in PersonLab.
"""

from bottomup.fields.grid import cell_count
from bottomup.fields.heatmap import heatmap_weight, labelled, nearest_person
from bottomup.fields.offsets import mid_offsets, short_offsets
from bottomup.fields.targets import with_weights


def pair_targets(keypoints, instance_map, ordered_pairs, stride: int, radius_px) -> dict:
    """What the heads should say at the cells, and where that counts.

    Args:
        keypoints: [batch, person, keypoint, 3] in input px, padded with rows of visibility 0.
        instance_map: int32 [batch, y, x], sides n * stride + 1 px (see `fields.grid`).
        ordered_pairs: Keypoint indices (from, to), int [pair, 2].
        stride: Input px between two cells, even.
        radius_px: How near is near, in input px; a number, or one an image [batch, 1, 1, 1].

    Returns:
        `heatmap` [batch, y, x, keypoint], `short` [..., keypoint, 2] and `pairwise` [..., pair, 2]
        in px, and for each its weight as `systems.personlab.targets` gives it.
    """
    height, width = instance_map.shape[1], instance_map.shape[2]
    rows, columns = cell_count(height, stride), cell_count(width, stride)
    first = stride // 2
    cell_map = instance_map[:, first::stride, first::stride]
    present = labelled(keypoints, height, width)
    nearest, disk = nearest_person(keypoints, present, rows, columns, stride, radius_px, first)
    fields = {
        "heatmap": (disk, heatmap_weight(cell_map)),
        "short": short_offsets(keypoints, nearest, disk, stride, first),
        "pairwise": mid_offsets(keypoints, present, nearest, disk, ordered_pairs, stride, first),
    }
    return with_weights(fields)
