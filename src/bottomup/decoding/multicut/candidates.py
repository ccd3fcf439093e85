"""Candidates: cells where a keypoint is likely, the best of each neighbourhood."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from bottomup.decoding.multicut.settings import MulticutSettings
from bottomup.fields.grid import PairFields, cell_xy
from bottomup.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Candidates:
    """Detections of keypoints, by keypoint and then best first; lengths in input px.

    Attributes:
        keypoints: Keypoint index, int64 [candidate].
        scores: Heatmap probability, float32 [candidate].
        cells: Centre of the cell, float32 [candidate, 2].
        places: Refined place, float32 [candidate, 2].
        predicted: Offsets from the cell to every other keypoint of its person, float32
            [candidate, keypoint, 2]; that to its own keypoint leads to its place.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    cells: np.ndarray
    places: np.ndarray
    predicted: np.ndarray

    def only(self, chosen: np.ndarray) -> "Candidates":
        """Those chosen, by index or by a mask."""
        return Candidates(
            *(
                getattr(self, name)[chosen]
                for name in ("keypoints", "scores", "cells", "places", "predicted")
            )
        )


def find_candidates(
    fields: PairFields, skeleton: Skeleton, settings: MulticutSettings
) -> Candidates:
    """The best cells of each keypoint, none within the NMS radius of a better one.

    Args:
        fields: The fields of one image.
        skeleton: Whose keypoints these are.
        settings: `least_probability`, `nms`, `nms_radius_px` and `most_candidates` matter.
    """
    centres = cell_xy(*fields.heatmap.shape[:2], fields.stride)
    found = []
    for k in range(skeleton.num_keypoints):
        plane = fields.heatmap[:, :, k]
        i, j = np.nonzero(plane >= settings.least_probability)
        order = np.argsort(-plane[i, j], kind="stable")
        i, j = i[order], j[order]
        places = centres[i, j] + fields.short[i, j, k]
        by = places if settings.nms == "refined" else centres[i, j]
        kept = best_of_neighbours(
            np.ascontiguousarray(by), np.float32(settings.nms_radius_px), settings.most_candidates
        )
        found += [(k, *cell) for cell in zip(i[kept], j[kept], strict=True)]
    k, i, j = np.array(found, np.int64).reshape(-1, 3).T
    cells = centres[i, j]
    own = fields.short[i, j, k]
    return Candidates(k, fields.heatmap[i, j, k], cells, cells + own, _predicted(fields, k, i, j))


def _predicted(fields: PairFields, k, i, j) -> np.ndarray:
    """Offsets to all keypoints [candidate, keypoint, 2]; to the own one by the short offset."""
    others = fields.heatmap.shape[2] - 1
    number = k[:, None] * others + np.arange(others)
    offsets = fields.pairwise[i[:, None], j[:, None], number]
    found = np.empty((len(k), others + 1, 2), np.float32)
    own = np.arange(others + 1) == k[:, None]
    found[~own] = offsets.reshape(-1, 2)
    found[own] = fields.short[i, j, k]
    return found


@njit(cache=True, nogil=True)
def best_of_neighbours(xy, radius, most):
    """Indices of the points with no earlier kept point within the radius, at most `most`."""
    kept = np.empty(min(len(xy), most), np.int64)
    count = 0
    for n in range(len(xy)):
        if count == most:
            break
        alone = True
        for m in kept[:count]:
            dx, dy = xy[n, 0] - xy[m, 0], xy[n, 1] - xy[m, 1]
            if dx * dx + dy * dy <= radius * radius:
                alone = False
                break
        if alone:
            kept[count] = n
            count += 1
    return kept[:count]
