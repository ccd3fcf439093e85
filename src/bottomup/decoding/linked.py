"""Assembly `linked`: peaks that point at each other become one person, surest links first."""

import numpy as np
from numba import njit

from bottomup.decoding.links import Links, label_bins, long_links, mid_links
from bottomup.decoding.settings import DecoderSettings
from bottomup.fields.grid import Fields, by_channel
from bottomup.skeleton import Skeleton

REACH_SHARE = 0.25  # of the radius: how near a landing place must be to count for a peak
LONG_WORTH = np.float32(0.9)  # long offsets come after the nearer, more certain mid offsets
# Peaks with less mass join others later: a trained network puts weak ones where the other arm is.
SURE_MASS = np.float32(0.5)
PAIR = np.dtype(
    [("first", np.int64), ("second", np.int64), ("agreement", np.float32), ("weight", np.float32)]
)
ONE_SIDED = 0.9  # worth of a link whose other end no node answers for


def assemble_linked(fields: Fields, peaks, skeleton: Skeleton, settings: DecoderSettings, shape):
    """Joins peaks to persons.

    Args:
        fields: Refined fields of one image.
        peaks: Positions [peak, 2], keypoint indices and masses of `find_peaks`, best first.
        skeleton: Whose tree the mid offsets follow.
        settings: `radius_px`, `hough_bin_px`, `vote_threshold` and `link_threshold` matter.
        shape: Keypoints, rows and columns of Hough bins.

    Returns:
        Positions in px float32 [person, keypoint, 2], every keypoint at its best guess, and which
        of them are confirmed by the fields, bool [person, keypoint].
    """
    xy, keypoints, masses = peaks
    sureness = np.minimum(masses / SURE_MASS, 1)
    bin_px = settings.bin_px
    reach_px = max(REACH_SHARE * settings.radius_px, 2 * bin_px)
    labels = label_bins(xy, keypoints, shape, bin_px, reach_px)
    edges = skeleton.directed_edges
    threshold = np.float32(settings.link_threshold)
    mid = mid_links(fields, xy, keypoints, labels, bin_px, edges, settings)
    members, owner = _single(keypoints, fields.heatmap.shape[2])
    near = _pairs(keypoints, sureness, mid, threshold, np.float32(1))
    surer = near["agreement"] > LONG_WORTH
    _join(near, surer, members, owner)
    # Whoever is complete by now can neither gain nor give; only the others ask the long offsets.
    incomplete = _incomplete(members, owner)
    long = mid
    if incomplete.any():
        long = long_links(fields, xy, keypoints, labels, bin_px, settings, incomplete)
        far = _pairs(keypoints, sureness, long, threshold, LONG_WORTH)
        rest = np.concatenate([near[~surer], far])
        _join(rest, np.ones(len(rest), bool), members, owner)
        _join_at_shared_peaks(mid.peak, mid.agreement, members, owner, threshold)
    return _place(
        _persons(members, owner),
        xy,
        mid.peak,
        mid.agreement,
        mid.xy,
        mid.asked,
        long.peak,
        long.agreement,
        long.xy,
        by_channel(fields.mid),
        np.float32(fields.stride),
        edges,
        threshold,
    )


@njit(cache=True, nogil=True)
def _single(keypoints, num_keypoints):
    """Every peak a person of its own.

    Returns:
        Peak index of each person's keypoints, -1 for none, int32 [person, keypoint], and the
        person that each peak belongs to, int64 [peak].
    """
    members = np.full((len(keypoints), num_keypoints), -1, np.int32)
    for p in range(len(keypoints)):
        members[p, keypoints[p]] = p
    return members, np.arange(len(keypoints))


@njit(cache=True, nogil=True)
def _persons(members, owner):
    """The rows of `members` that are persons still."""
    return members[owner == np.arange(len(owner))]


@njit(cache=True, nogil=True)
def _incomplete(members, owner):
    """Whether the person of each peak lacks a keypoint, bool [peak]."""
    lacking = np.zeros(len(owner), np.bool_)
    for p in range(len(owner)):
        if owner[p] == p:
            lacking[p] = (members[p] < 0).any()
    return lacking[owner]


def _pairs(keypoints, sureness, links: Links, threshold, worth) -> np.ndarray:
    """Pairs of peaks that belong together, each once: how far they agree, and weight (`PAIR`).

    A peak that no node answers for cannot confirm a link, so such a link is worth a little less.
    """
    return _find_pairs(
        keypoints, sureness, links.peak, links.agreement, links.asked, threshold, worth
    )


@njit(cache=True, nogil=True)
def _find_pairs(keypoints, sureness, link_peak, agreement, asked, threshold, worth):
    num_keypoints = link_peak.shape[1]
    pairs = np.empty(len(keypoints) * num_keypoints, PAIR)
    count = 0
    for a in range(len(keypoints)):
        k = keypoints[a]
        for target in range(num_keypoints):
            b = link_peak[a, target]
            if b < 0:
                continue
            mutual = link_peak[b, k] == a
            if mutual and b < a:
                continue
            if asked[b] > 0:
                back = agreement[b, k] if mutual else np.float32(0)
                value = np.float32(0.5) * (agreement[a, target] + back)
            else:
                value = np.float32(ONE_SIDED) * agreement[a, target]
            if value >= threshold:
                pairs[count].first, pairs[count].second = a, b
                pairs[count].agreement = value
                pairs[count].weight = worth * value * min(sureness[a], sureness[b])
                count += 1
    return pairs[:count]


def _join(pairs, chosen, members, owner) -> None:
    """Makes persons of the chosen pairs, the surest first, in place."""
    order = np.argsort(-pairs["weight"], kind="stable")
    _merge_all(pairs, order, chosen, members, owner)


@njit(cache=True, nogil=True)
def _merge_all(pairs, order, chosen, members, owner):
    for n in order:
        if chosen[n]:
            _merge(pairs[n].first, pairs[n].second, members, owner)


@njit(cache=True, nogil=True)
def _merge(p, q, members, owner):
    """Makes the persons of two peaks one, unless both have a keypoint of some type."""
    a, b = min(owner[p], owner[q]), max(owner[p], owner[q])
    if a == b:
        return
    first, second = members[a], members[b]
    shared = np.int32(0)
    for k in range(len(first)):
        shared += np.int32((first[k] >= 0) & (second[k] >= 0))
    if shared:
        return
    for k in range(len(first)):
        if second[k] >= 0:
            first[k] = second[k]
            owner[second[k]] = a


@njit(cache=True, nogil=True)
def _join_at_shared_peaks(mid_peak, mid_agreement, members, owner, threshold):
    """Two fragments that point at the same peak, which a third person has, share its keypoint.

    Where keypoints of two people coincide there is one peak, so the other person falls apart there.
    """
    claimant = np.full(len(owner), -1, np.int64)
    for a in range(len(owner)):
        for target in range(members.shape[1]):
            p = mid_peak[a, target]
            if p < 0 or mid_agreement[a, target] < threshold:
                continue
            if owner[p] == owner[a] or members[owner[a], target] >= 0:
                continue
            if claimant[p] < 0:
                claimant[p] = a
            else:
                _merge(claimant[p], a, members, owner)


@njit(cache=True, nogil=True)
def _place(
    persons, xy, mid_peak, mid_agreement, mid_xy, mid_asked, long_peak, long_agreement, long_xy,
    mid, stride, edges, threshold,
):  # fmt: skip
    count, num_keypoints = persons.shape
    places = np.zeros((count, num_keypoints, 2), np.float32)
    placed = np.zeros((count, num_keypoints), np.bool_)
    known = np.zeros(num_keypoints, np.bool_)
    for n in range(count):
        for k in range(num_keypoints):
            known[k] = persons[n, k] >= 0
            if known[k]:
                placed[n, k] = True
                places[n, k] = xy[persons[n, k]]
        for k in range(num_keypoints):
            if known[k]:
                continue
            best = np.float32(0)
            for source in range(num_keypoints):
                p = persons[n, source]
                if p < 0:
                    continue
                if mid_peak[p, k] >= 0 and mid_agreement[p, k] > best:
                    best = mid_agreement[p, k]
                    places[n, k] = mid_xy[p, k]
                if long_peak[p, k] >= 0 and long_agreement[p, k] > best:
                    best = long_agreement[p, k]
                    places[n, k] = long_xy[p, k]
            if best >= threshold:
                placed[n, k] = True
                known[k] = True
        _guess(n, persons, known, places, mid_xy, mid_asked, mid, stride, edges)
    return places, placed


@njit(cache=True, nogil=True)
def _guess(n, persons, known, places, mid_xy, mid_asked, mid, stride, edges):
    """Places what is still unknown by following mid offsets from what is known."""
    rows, columns = mid.shape[1], mid.shape[2]
    for _ in range(len(known)):
        changed = False
        for e in range(len(edges)):
            source, target = edges[e, 0], edges[e, 1]
            if not known[source] or known[target]:
                continue
            p = persons[n, source]
            if p >= 0 and mid_asked[p] > 0:
                places[n, target] = mid_xy[p, target]
            else:
                x, y = places[n, source, 0], places[n, source, 1]
                j = min(max(int(np.floor(x / stride + np.float32(0.5))), 0), columns - 1)
                i = min(max(int(np.floor(y / stride + np.float32(0.5))), 0), rows - 1)
                places[n, target, 0] = x + mid[e, i, j, 0]
                places[n, target, 1] = y + mid[e, i, j, 1]
            known[target] = True
            changed = True
        if not changed:
            break
