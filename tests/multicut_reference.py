"""The multicut problem, slowly: the objective word by word, and its optimum by integer programming.

Each candidate carries a label, active or suppressed, and a cluster. An active candidate costs its
unary cost. An edge within a cluster costs its join cost between active ends, nothing between
suppressed ones, and 1000 between an active and a suppressed one (ArtTrack's settings).
"""

from itertools import combinations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

MIXED = 1000.0


def objective(active, clusters, unary, join) -> float:
    """The cost of a labelling and a decomposition, summed over nodes and edges."""
    total = 0.0
    for i in range(len(unary)):
        if active[i]:
            total += unary[i]
    for i, j in combinations(range(len(unary)), 2):
        if clusters[i] != clusters[j] or join[i, j] == 0:
            continue
        if active[i] and active[j]:
            total += join[i, j]
        elif active[i] or active[j]:
            total += MIXED
    return total


def objective_of(clusters, unary, join) -> float:
    """The same of what the solver returns; suppressed candidates stand alone."""
    active = [cluster >= 0 for cluster in clusters]
    alone = [cluster if cluster >= 0 else -1 - n for n, cluster in enumerate(clusters)]
    return objective(active, alone, unary, join)


def optimum(unary, join) -> float:
    """The least cost, by an exact integer program with all triangle inequalities."""
    count = len(unary)
    if count == 1:
        return min(unary[0], 0.0)
    pairs = list(combinations(range(count), 2))
    place = {pair: count + n for n, pair in enumerate(pairs)}
    rows, limits = [], []
    for pair in pairs:
        for end in pair:  # joined only if both are active
            rows.append(_row(len(place) + count, {place[pair]: 1, end: -1}))
            limits.append(0)
    for a, b, c in combinations(range(count), 3):
        sides = [place[a, b], place[b, c], place[a, c]]
        for cut in sides:  # not two sides of a triangle without the third
            rows.append(_row(len(place) + count, {s: -1 if s == cut else 1 for s in sides}))
            limits.append(1)
    found = milp(
        np.concatenate([unary, [join[pair] for pair in pairs]]),
        integrality=np.ones(count + len(pairs)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(np.array(rows), -np.inf, limits),
        options={"mip_rel_gap": 0},
    )
    assert found.success, found.message
    return found.fun


def _row(length, values) -> np.ndarray:
    row = np.zeros(length)
    for column, value in values.items():
        row[column] = value
    return row
