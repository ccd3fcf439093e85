"""What goes wrong with keypoints: misses, jitter, swaps, inversions (Ronchi and Perona 2017).

Detections are matched to people at an OKS of .10, best score first. Each labelled keypoint of a
matched person is then judged by where the detection put it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pycocotools.coco import COCO

from bottomup.skeleton import Skeleton

# In the order of their severity; `undetected` are the keypoints of people without a detection.
KINDS = ("good", "jitter", "inversion", "swap", "miss", "undetected")
MATCH_OKS = 0.1
NEAR, EXACT = 0.5, 0.85  # keypoint similarities: of the right place, and as well as people label


def judge(
    predicted: np.ndarray, person: int, keypoints: np.ndarray, areas: np.ndarray, skeleton: Skeleton
) -> list[str]:
    """The kind of each labelled keypoint of one person, in the skeleton's order.

    A keypoint is good or jitters if its similarity to its own place is at least .85 or .5.
    Otherwise the most similar labelled keypoint of the image decides, if it is similar by .5: of
    the same person it is an inversion, of another a swap. What is left is a miss.

    Args:
        predicted: The detection matched to the person, [keypoint, 2] in px.
        person: Which of the people it is matched to.
        keypoints: Of all people of the image, [person, keypoint, 3] with visibility.
        areas: Of all people, px squared, [person].
        skeleton: Its sigmas.
    """
    variances = (2 * np.asarray(skeleton.sigmas)) ** 2 * 2 * np.maximum(areas, 1)[:, None]
    labelled = keypoints[..., 2] > 0
    kinds = []
    for k in np.flatnonzero(labelled[person]):
        squared = ((keypoints[..., :2] - predicted[k]) ** 2).sum(axis=-1)
        similarity = np.where(labelled, np.exp(-squared / variances), 0)
        own = similarity[person, k]
        nearest = np.unravel_index(np.argmax(similarity), similarity.shape)
        if own >= NEAR:
            kinds.append("good" if own >= EXACT else "jitter")
        elif similarity[nearest] < NEAR:
            kinds.append("miss")
        else:
            kinds.append("inversion" if nearest[0] == person else "swap")
    return kinds


def count_kinds(
    matches: Mapping[int, Mapping], truth: COCO, image_id: int, skeleton: Skeleton
) -> dict[str, int]:
    """Number of labelled keypoints of each kind in one image.

    Args:
        matches: The detection's row by the id of the person it is matched to.
        truth: The ground truth; crowds and people without labelled keypoints do not count.
        image_id: The image.
        skeleton: Whose keypoints these are.
    """
    people = [row for row in truth.imgToAnns[image_id] if _counts(row)]
    counts = dict.fromkeys(KINDS, 0)
    keypoints = _keypoints(people, skeleton)
    areas = np.array([row["area"] for row in people], float)
    for number, row in enumerate(people):
        if row["id"] not in matches:
            counts["undetected"] += row["num_keypoints"]
            continue
        predicted = _keypoints([matches[row["id"]]], skeleton)[0, :, :2]
        for kind in judge(predicted, number, keypoints, areas, skeleton):
            counts[kind] += 1
    return counts


def _counts(row: Mapping) -> bool:
    return row["num_keypoints"] > 0 and not row["iscrowd"]


def _keypoints(rows: Sequence[Mapping], skeleton: Skeleton) -> np.ndarray:
    flat = [np.asarray(row["keypoints"], float) for row in rows]
    return np.array(flat).reshape(-1, skeleton.num_keypoints, 3)
