"""Assembly `paper`: from each seed along the whole tree, always placing every keypoint."""

import numpy as np
from numba import njit

from bottomup.decoding.bilinear import bilinear_offset
from bottomup.decoding.settings import DecoderSettings
from bottomup.fields.grid import Fields, by_channel
from bottomup.skeleton import Skeleton


def assemble_tree(fields: Fields, peaks, skeleton: Skeleton, settings: DecoderSettings):
    """Follows the mid offsets from each seed, best seed first (PersonLab, section 3.1).

    Args:
        fields: Refined fields of one image.
        peaks: Positions [peak, 2], keypoint indices and masses of `find_peaks`, best first.
        skeleton: Its tree.
        settings: `seed_radius_px` matters.

    Returns:
        As `linked.assemble_linked`; every keypoint counts as placed.
    """
    xy, keypoints, _ = peaks
    persons = np.zeros((len(xy), skeleton.num_keypoints, 2), np.float32)
    count = _grow(
        xy, keypoints, by_channel(fields.mid), np.float32(fields.stride), skeleton.directed_edges,
        np.float32(settings.seed_radius_px), persons,
    )  # fmt: skip
    return persons[:count], np.ones((count, skeleton.num_keypoints), bool)


@njit(cache=True, nogil=True)
def _grow(xy, keypoints, mid, stride, edges, seed_radius, persons):
    num_keypoints = persons.shape[1]
    known = np.empty(num_keypoints, np.bool_)
    count = 0
    for p in range(len(xy)):
        k = keypoints[p]
        taken = False
        for n in range(count):
            dx, dy = persons[n, k, 0] - xy[p, 0], persons[n, k, 1] - xy[p, 1]
            if dx * dx + dy * dy <= seed_radius * seed_radius:
                taken = True
                break
        if taken:
            continue
        known[:] = False
        known[k] = True
        persons[count, k] = xy[p]
        changed = True
        while changed:
            changed = False
            for e in range(len(edges)):
                source, target = edges[e, 0], edges[e, 1]
                if known[source] and not known[target]:
                    step_x, step_y = bilinear_offset(
                        mid, e, persons[count, source, 0], persons[count, source, 1], stride
                    )
                    persons[count, target, 0] = persons[count, source, 0] + step_x
                    persons[count, target, 1] = persons[count, source, 1] + step_y
                    known[target] = True
                    changed = True
        count += 1
    return count
