"""PersonLab: heatmaps, short, mid and long offsets, person segmentation."""

from bottomup.fields.heatmap import heatmap_weight, labelled, nearest_person
from bottomup.fields.offsets import long_offsets, mid_offsets, short_offsets
from bottomup.fields.segmentation import segmentation_targets
from bottomup.skeleton import Skeleton


def targets(
    keypoints, instance_map, skeleton: Skeleton, stride: int, radius_px: float, sub_cells: int = 1
) -> dict:
    """What the heads should say at the grid nodes, and where that counts (PersonLab, section 3).

    Args:
        keypoints: [batch, person, keypoint, 3] in input px, padded with rows of visibility 0.
        instance_map: int32 [batch, side, side] with side = n * stride + 1 (see `fields.grid`).
        skeleton: Whose keypoints and edges these are.
        stride: Input px between two nodes.
        radius_px: Disk radius in input px (32 in the paper).
        sub_cells: Segmentation cells along each side of a node.

    Returns:
        `heatmap` [batch, y, x, keypoint], `short` [..., keypoint, 2], `mid` [..., directed edge, 2]
        and `long` [..., keypoint, 2] in px, `segmentation` [..., sub_cells**2]; for each a weight
        `<name>_weight` without the last axis of the offsets (`heatmap_weight` has one channel).
        Offsets without weight are 0.
    """
    height, width = instance_map.shape[1], instance_map.shape[2]
    node_map = instance_map[:, ::stride, ::stride]
    rows, columns = node_map.shape[1], node_map.shape[2]
    present = labelled(keypoints, height, width)
    nearest, disk = nearest_person(keypoints, present, rows, columns, stride, radius_px)
    edges = skeleton.directed_edges
    fields = {"heatmap": (disk, heatmap_weight(node_map))}
    fields["short"] = short_offsets(keypoints, nearest, disk, stride)
    fields["mid"] = mid_offsets(keypoints, present, nearest, disk, edges, stride)
    fields["long"] = long_offsets(keypoints, present, node_map, stride)
    fields["segmentation"] = segmentation_targets(instance_map, stride, sub_cells)
    return {
        name + suffix: value
        for name, pair in fields.items()
        for suffix, value in zip(("", "_weight"), pair, strict=True)
    }
