"""The arithmetic of pixels and grid cells, once, and the plain data that crosses it (NumPy only).

Pixel centres sit at integer coordinates; grid node (i, j) is input pixel (j * stride, i * stride).
DeeperCut has cells instead of nodes: cell (i, j) lies between four nodes, its centre is input pixel
(j * stride + stride / 2, i * stride + stride / 2), and an input side of n * stride + 1 has n cells.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

PERSON_BITS = 4095
CROWD = 4096
UNANNOTATED = 8192
OVERLAP = 16384
OUTLINE_REACH_PX = 16  # distances to an outline are told up to this many input px


def padded_side(side: int, stride: int) -> int:
    """The smallest n * stride + 1 that is at least `side`."""
    return -(-(side - 1) // stride) * stride + 1


def grid_size(side: int, stride: int) -> int:
    """Number of grid nodes along an input side of n * stride + 1 pixels."""
    return (side - 1) // stride + 1


def node_xy(rows: int, columns: int, stride: int) -> np.ndarray:
    """Input pixel (x, y) of every grid node, float32 [rows, columns, 2]."""
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    return np.stack([x, y], -1).astype(np.float32) * stride


def cell_count(side: int, stride: int) -> int:
    """Number of cells along an input side of n * stride + 1 pixels."""
    return (side - 1) // stride


def cell_xy(rows: int, columns: int, stride: int) -> np.ndarray:
    """Input pixel (x, y) of every cell's centre, float32 [rows, columns, 2]."""
    return node_xy(rows, columns, stride) + np.float32(stride / 2)


def sub_cell_offsets(stride: int, sub_cells: int) -> np.ndarray:
    """Where a node's sub-cells sit along one axis, in px from the node, float32 [sub_cells]."""
    return ((np.arange(sub_cells) + 0.5) * stride / sub_cells - stride / 2).astype(np.float32)


@dataclass(frozen=True)
class Frame:
    """How an image lies in the network input: anchored at the top left, scaled, padded.

    Attributes:
        scale: Input pixels for one image pixel (aligned corners).
        height: Native image height in px.
        width: Native image width in px.
    """

    scale: float
    height: int
    width: int

    @classmethod
    def fit(cls, height: int, width: int, long_side: int) -> "Frame":
        """The frame in which the longer image side spans `long_side` input pixels."""
        return cls((long_side - 1) / max(max(height, width) - 1, 1), int(height), int(width))

    def to_input(self, xy: np.ndarray) -> np.ndarray:
        """Image pixels to input pixels."""
        return np.asarray(xy) * self.scale

    def to_image(self, xy: np.ndarray) -> np.ndarray:
        """Input pixels to image pixels."""
        return np.asarray(xy) / self.scale

    def input_size(self, stride: int) -> tuple[int, int]:
        """Height and width of the smallest padded input that holds the whole image."""
        # The product of scale and size may miss an integer by a rounding error of the scale.
        height = math.ceil((self.height - 1) * self.scale - 1e-6) + 1
        width = math.ceil((self.width - 1) * self.scale - 1e-6) + 1
        return padded_side(height, stride), padded_side(width, stride)


@dataclass(frozen=True)
class Fields:
    """What a network promises at the grid nodes of one image, refined; NumPy float32.

    A decoder lays them by channel first; those from `fields.store` and `inference` lie so.

    Attributes:
        heatmap: Probability that a node lies within the radius of a keypoint, [y, x, keypoint].
        short: Offsets to the nearest keypoint of each type in px, [y, x, keypoint, 2].
        mid: Offsets from a keypoint to its neighbour in px, [y, x, directed edge, 2], refined.
        long: Offsets to all keypoints of the person underneath in px, [y, x, keypoint, 2], refined.
        segmentation: Probability of "person", [y * sub_cells, x * sub_cells].
        stride: Input pixels between two nodes.
        sub_cells: Segmentation cells along each side of a node.
        distance: Signed distance to the outline of the person underneath in px, positive inside,
            [y, x]; None if the network has no such head.
        centroid: Offsets to the mean of the keypoints of the person underneath in px, [y, x, 1, 2];
            None if the network has no such head.
    """

    heatmap: np.ndarray
    short: np.ndarray
    mid: np.ndarray
    long: np.ndarray
    segmentation: np.ndarray
    stride: int
    sub_cells: int = 1
    distance: np.ndarray | None = None
    centroid: np.ndarray | None = None


@dataclass(frozen=True)
class PairFields:
    """What a DeeperCut network promises at the cells of one image; NumPy float32.

    Attributes:
        heatmap: Probability that a cell lies within the radius of a keypoint, [y, x, keypoint].
        short: Offsets from cell centres to the nearest keypoint of each type in px,
            [y, x, keypoint, 2].
        pairwise: Offsets from cells near a keypoint to each other keypoint of the same person in
            px, [y, x, ordered pair, 2], pairs as in `Skeleton.ordered_pairs`.
        stride: Input pixels between two cells.
    """

    heatmap: np.ndarray
    short: np.ndarray
    pairwise: np.ndarray
    stride: int


def by_channel(values: np.ndarray) -> np.ndarray:
    """[y, x, channel, ...] as contiguous float32 [channel, y, x, ...]: a view if it lies so.

    A decoder looks at one channel at a time, around a few places: where a channel lies in one
    piece, what it needs is in fewer lines of the cache. [y, x] has one channel and stays.
    """
    if values.ndim > 2:
        values = values.transpose(2, 0, 1, *range(3, values.ndim))
    return np.ascontiguousarray(values, np.float32)


def by_node(values: np.ndarray) -> np.ndarray:
    """[channel, y, x, ...] as a view [y, x, channel, ...]; [y, x] stays."""
    return values.transpose(1, 2, 0, *range(3, values.ndim)) if values.ndim > 2 else values


def laid_by_channel(fields: Fields) -> Fields:
    """The same fields, each channel in one piece of memory."""
    names = ["heatmap", "short", "mid", "long"] + ["centroid"] * (fields.centroid is not None)
    return replace(fields, **{name: by_node(by_channel(getattr(fields, name))) for name in names})


def joined_cells(cells: np.ndarray, sub_cells: int) -> np.ndarray:
    """Mask cells of nodes as one picture: [y, x, s * s] to [y * s, x * s]."""
    rows, columns = cells.shape[:2]
    blocks = cells.reshape(rows, columns, sub_cells, sub_cells).transpose(0, 2, 1, 3)
    return blocks.reshape(rows * sub_cells, columns * sub_cells)
