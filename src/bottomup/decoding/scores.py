"""Scores of keypoints (Expected-OKS) and of persons (soft-NMS)."""

import numpy as np
from numba import njit

from bottomup.decoding.bilinear import bilinear
from bottomup.decoding.settings import DecoderSettings
from bottomup.decoding.votes import MARGIN
from bottomup.fields.grid import Fields, by_channel

LOG2_E, LOG_2 = 1.4426950408889634, 0.6931471805599453
LEAST_EXPONENT = -126  # of a power of two that float32 holds in full
SERIES = (1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720)


def person_scales(places: np.ndarray, placed: np.ndarray, floor_px: float) -> np.ndarray:
    """Root of the area of the tight box around each person's placed keypoints, in px, [person].

    A person with a single keypoint, or with keypoints on one line, has the floor.
    """
    return _scales(places, placed, np.float32(floor_px))


def keypoint_scores(
    fields: Fields, accumulators, places, scales, sigmas, settings: DecoderSettings
):
    """Score of every keypoint, float32 [person, keypoint].

    `expected_oks` is the heatmap probability there times the similarity that the Hough votes
    around it promise (PersonLab, section 3.1), counting the votes of all nodes within the radius:
    those within half of it would do for ideal fields, and cost a trained network .02 of AP. `hough`
    is the vote mass in 3 x 3 bins, up to 1.
    """
    scores = np.zeros(places.shape[:2], np.float32)
    if settings.score == "hough":
        _score_hough(accumulators, places / np.float32(settings.bin_px), scores)
    else:
        _score_expected(
            by_channel(fields.heatmap), by_channel(fields.short), np.float32(fields.stride),
            places, scales, 2 * np.asarray(sigmas, np.float32), np.float32(settings.radius_px),
            np.float32(settings.vote_threshold), scores,
        )  # fmt: skip
    return scores


def person_scores(places: np.ndarray, scores: np.ndarray, settings: DecoderSettings):
    """Indices of the persons by descending score, and these scores (see `person_score`)."""
    if settings.person_score == "soft_nms":
        return soft_nms(places, scores, settings.seed_radius_px)
    means = scores.mean(axis=1)
    order = np.argsort(-means, kind="stable")
    return order, means[order]


def soft_nms(places: np.ndarray, scores: np.ndarray, radius_px: float):
    """Person scores, best first: a keypoint near that of a better person adds nothing.

    Args:
        places: [person, keypoint, 2] in px.
        scores: Keypoint scores [person, keypoint].
        radius_px: How near.

    Returns:
        Indices of the persons by descending score, and these scores.
    """
    order = np.argsort(-scores.sum(axis=1), kind="stable")
    values = _soft_nms(places, scores, order, np.float32(radius_px))
    final = np.argsort(-values, kind="stable")
    return order[final], values[final]


@njit(cache=True, nogil=True)
def _scales(places, placed, floor):
    persons, num_keypoints = placed.shape
    scales = np.empty(persons, np.float32)
    for n in range(persons):
        left = top = np.float32(np.inf)
        right = bottom = np.float32(-np.inf)
        for k in range(num_keypoints):
            if placed[n, k]:
                x, y = places[n, k, 0], places[n, k, 1]
                left, right = min(left, x), max(right, x)
                top, bottom = min(top, y), max(bottom, y)
        scales[n] = np.sqrt(max(right - left, floor) * max(bottom - top, floor))
    return scales


@njit(cache=True, nogil=True)
def _score_expected(heatmap, short, stride, places, scales, kappas, radius, threshold, scores):
    most = (int(2 * radius / stride) + 2) ** 2
    votes, squares = np.empty(most, np.float32), np.empty(most, np.float32)
    for k in range(scores.shape[1]):
        for n in range(len(places)):
            x, y = places[n, k, 0], places[n, k, 1]
            count = _votes_around(
                heatmap, short, k, stride, x, y, radius, threshold, votes, squares
            )
            sharpness = np.float32(-0.5) / (scales[n] * kappas[k]) ** 2
            total, expected = _expectation(votes, squares, count, sharpness)
            if total > 0:
                scores[n, k] = bilinear(heatmap, k, x / stride, y / stride) * expected / total


@njit(cache=True, nogil=True, inline="always")
def _votes_around(heatmap, short, k, stride, x, y, radius, threshold, votes, squares):
    """Writes the votes of all nodes within the radius, and how far off they are, squared."""
    first_row, last_row = _reach(y, radius, stride, heatmap.shape[1])
    first, last = _reach(x, radius, stride, heatmap.shape[2])
    count = np.uint32(0)
    if last < first:
        return count
    for i in range(first_row, last_row + 1):
        probabilities, offsets = heatmap[k, i], short[k, i]
        away_y = np.float32(i) * stride - y
        away_x = np.float32(first) * stride - x
        within = radius * radius - away_y * away_y
        for j in range(np.uint32(first), np.uint32(last + 1)):
            vote = probabilities[j]
            dx, dy = away_x + offsets[j, 0], away_y + offsets[j, 1]
            # Without a branch: the next one writes over what does not count.
            votes[count], squares[count] = vote, dx * dx + dy * dy
            count += np.uint32(vote >= threshold) & np.uint32(away_x * away_x <= within)
            away_x += stride
    return count


@njit(cache=True, nogil=True)
def _reach(place, radius, stride, nodes):
    """First and last node within the radius of a place, along one side of the grid."""
    first = max(0, int(np.ceil((place - radius) / stride)))
    return first, min(nodes - 1, int(np.floor((place + radius) / stride)))


@njit(cache=True, nogil=True)
def _expectation(votes, squares, count, sharpness):
    """Sum of the first votes, and sum of these times exp(square * sharpness).

    Overwrites the squares.
    """
    for t in range(count):
        squares[t] = votes[t] * _exponential(squares[t] * sharpness)
    return _sum(votes, count), _sum(squares, count)


@njit(cache=True, nogil=True)
def _sum(values, count):
    """The sum of the first values, in an order of its own: the same on every processor."""
    a = b = c = d = np.float32(0)
    whole = count // 4 * 4
    for t in range(0, whole, 4):
        a += values[t]
        b += values[t + 1]
        c += values[t + 2]
        d += values[t + 3]
    for t in range(whole, count):
        a += values[t]
    return (a + b) + (c + d)


@njit(cache=True, nogil=True)
def _exponential(x):
    """exp(x) of a float32 up to 0, to 1e-5 of its value; 0 where float32 holds it no more in full.

    Without a call or a branch, so that a loop over it runs several at a time: a power of two made
    from its exponent bits times the Taylor series of what is left.
    """
    exponent = max(x * np.float32(LOG2_E), np.float32(LEAST_EXPONENT))
    whole = np.floor(exponent + np.float32(0.5))
    rest = (exponent - whole) * np.float32(LOG_2)
    series = np.float32(SERIES[6])
    series = series * rest + np.float32(SERIES[5])
    series = series * rest + np.float32(SERIES[4])
    series = series * rest + np.float32(SERIES[3])
    series = series * rest + np.float32(SERIES[2])
    series = series * rest + np.float32(SERIES[1])
    series = series * rest + np.float32(SERIES[0])
    bits = (np.int32(whole) + np.int32(127)) << np.int32(23)
    power = np.int32(bits).view(np.float32)
    return series * power if exponent > np.float32(LEAST_EXPONENT) else np.float32(0)


@njit(cache=True, nogil=True)
def _score_hough(accumulators, bins_xy, scores):
    height, width = accumulators.shape[1], accumulators.shape[2]
    for n in range(len(bins_xy)):
        for k in range(scores.shape[1]):
            column = int(np.floor(bins_xy[n, k, 0] + np.float32(MARGIN + 0.5)))
            row = int(np.floor(bins_xy[n, k, 1] + np.float32(MARGIN + 0.5)))
            total = np.float32(0)
            for i in range(max(0, row - 1), min(height, row + 2)):
                for j in range(max(0, column - 1), min(width, column + 2)):
                    total += accumulators[k, i, j, 0]
            scores[n, k] = min(total, np.float32(1))


@njit(cache=True, nogil=True)
def _soft_nms(places, scores, order, radius):
    """The score of each person in that order."""
    persons, num_keypoints = scores.shape
    values = np.zeros(persons, np.float32)
    for rank in range(persons):
        n = order[rank]
        for k in range(num_keypoints):
            hidden = False
            for m in order[:rank]:
                dx = places[n, k, 0] - places[m, k, 0]
                if abs(dx) > radius:
                    continue
                dy = places[n, k, 1] - places[m, k, 1]
                if dx * dx + dy * dy <= radius * radius and scores[m, k] > 0:
                    hidden = True
                    break
            if not hidden:
                values[rank] += scores[n, k]
        values[rank] /= num_keypoints
    return values
