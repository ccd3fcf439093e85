"""Joint node labelling and multicut: which candidates are real, and which belong together.

Minimises over labels and decompositions (NL-LMP, ArtTrack section 3)

    sum of unary[i] over active i  +  sum of join[i, j] over active pairs i < j of one cluster.

A suppressed candidate costs nothing and belongs to nobody. Greedy additive edge contraction gives a
start, which joint Kernighan-Lin with relabelling of nodes improves (Keuper et al. 2015, Levinkov
et al. 2017). Missing edges are joins that cost 0; dense costs keep every inner loop a row of a
matrix.
"""

import numpy as np
from numba import njit

SUPPRESSED = -1
LEAST_GAIN = 1e-6
MANY_STARTS = 40  # candidates up to which further starts cost next to nothing


def solve(unary: np.ndarray, join: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
    """Labels and clusters of low cost, never worse than all apart or greedy contraction alone.

    Args:
        unary: Cost of keeping each candidate, [candidate].
        join: Cost of each pair in one cluster, symmetric [candidate, candidate]; 0 for no edge.
        start: Clusters that are not to be worsened, such as those of an earlier stage, or None.

    Returns:
        Cluster of each candidate, 0, 1, 2, ..., or `SUPPRESSED`; int64 [candidate]. Every cluster
        is connected by edges.
    """
    unary = np.ascontiguousarray(unary, np.float64)
    join = np.ascontiguousarray(join, np.float64)
    if not len(unary):
        return np.zeros(0, np.int64)
    starts = [greedy(unary, join), greedy_of_likely(unary, join)]
    starts += [] if start is None else [np.asarray(start, np.int64)]
    if len(unary) <= MANY_STARTS:
        starts += [separate(unary), joined(unary), suppressed(unary)]
    else:
        starts = [min([*starts, separate(unary)], key=lambda found: cost(found, unary, join))]
    best = min(
        (_improved(start, unary, join) for start in starts),
        key=lambda found: cost(found, unary, join),
    )
    return _components(best, join)


def cost(clusters: np.ndarray, unary: np.ndarray, join: np.ndarray) -> float:
    """The objective of a labelling, see the module."""
    active = clusters != SUPPRESSED
    together = (clusters[:, None] == clusters) & active[:, None] & active
    np.fill_diagonal(together, False)
    return float(unary[active].sum() + join[together].sum() / 2)


def separate(unary: np.ndarray) -> np.ndarray:
    """Every candidate that is worth it a cluster of its own."""
    return np.where(unary < 0, np.arange(len(unary)), SUPPRESSED)


def joined(unary: np.ndarray) -> np.ndarray:
    """All candidates in one cluster."""
    return np.zeros(len(unary), np.int64)


def suppressed(unary: np.ndarray) -> np.ndarray:
    """No candidate at all."""
    return np.full(len(unary), SUPPRESSED)


def greedy(unary: np.ndarray, join: np.ndarray) -> np.ndarray:
    """Greedy additive edge contraction of all candidates; clusters not worth it are suppressed."""
    return _contracted(np.zeros(len(unary), np.bool_), unary, join)


def greedy_of_likely(unary: np.ndarray, join: np.ndarray) -> np.ndarray:
    """The same with only those candidates that are worth it alone."""
    return _contracted(unary >= 0, unary, join)


@njit(cache=True, nogil=True)
def _contracted(left_out, unary, join):
    """Joins the two clusters that gain most by it, until none does."""
    count = len(unary)
    between = join.copy()
    worth = unary.copy()
    alive = ~left_out
    owner = np.arange(count)
    partner = np.full(count, -1)
    for a in range(count):
        between[a, a] = 0.0
        if alive[a]:
            partner[a] = _cheapest(between, alive, a)
    while True:
        a = -1
        for n in range(count):
            linked = alive[n] and partner[n] >= 0
            if linked and (a < 0 or between[n, partner[n]] < between[a, partner[a]]):
                a = n
        if a < 0 or between[a, partner[a]] >= 0:
            break
        b = partner[a]
        worth[a] += worth[b] + between[a, b]
        alive[b] = False
        for n in range(count):
            if owner[n] == b:
                owner[n] = a
            between[a, n] += between[b, n]
            between[n, a] = between[a, n]
        between[a, a] = 0.0
        partner[a] = _cheapest(between, alive, a)
        for n in range(count):
            if alive[n] and n != a:
                if partner[n] == a or partner[n] == b:
                    partner[n] = _cheapest(between, alive, n)
                elif partner[n] < 0 or between[n, a] < between[n, partner[n]]:
                    partner[n] = a
    for n in range(count):
        if left_out[n] or worth[owner[n]] >= 0:
            owner[n] = SUPPRESSED
    return owner


@njit(cache=True, nogil=True)
def _cheapest(between, alive, a):
    best = -1
    for n in range(len(alive)):
        if alive[n] and n != a and (best < 0 or between[a, n] < between[a, best]):
            best = n
    return best


@njit(cache=True, nogil=True)
def _improved(clusters, unary, join):
    """Joint Kernighan-Lin: pairs of clusters, splits and suppressions, until nothing is gained."""
    count = len(unary)
    clusters = _renumbered(clusters)
    changed = np.ones(count + 2, np.bool_)
    scratch = (np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64))
    sums = np.empty((2, count))
    while True:
        gained = 0.0
        fresh = np.zeros(count + 2, np.bool_)
        number = clusters.max() + 1
        for a in range(number):
            for b in range(a + 1, number):
                if changed[a] or changed[b]:
                    gain = _exchange(clusters, a, b, False, unary, join, scratch, sums)
                    if gain > LEAST_GAIN:
                        gained += gain
                        fresh[a] = fresh[b] = True
        for a in range(number + 1):
            spare = _unused(clusters, a)
            gain = _exchange(clusters, a, spare, True, unary, join, scratch, sums)
            if gain > LEAST_GAIN:
                gained += gain
                fresh[a] = fresh[spare] = True
        if gained <= LEAST_GAIN:
            return clusters
        changed = fresh


@njit(cache=True, nogil=True)
def _unused(clusters, but):
    """The lowest number that no cluster has, but for one."""
    used = np.zeros(len(clusters) + 3, np.bool_)
    used[but] = True
    for n in range(len(clusters)):
        if clusters[n] >= 0:
            used[clusters[n]] = True
    number = 0
    while used[number]:
        number += 1
    return number


@njit(cache=True, nogil=True)
def _renumbered(clusters):
    """Clusters as 0, 1, 2, ... in the order of their first members."""
    found = np.full(len(clusters), SUPPRESSED)
    number = np.full(len(clusters) + 2, -1)
    following = 0
    for n in range(len(clusters)):
        if clusters[n] >= 0:
            if number[clusters[n]] < 0:
                number[clusters[n]] = following
                following += 1
            found[n] = number[clusters[n]]
    return found


@njit(cache=True, nogil=True)
def _exchange(clusters, a, b, with_suppressed, unary, join, scratch, sums):
    """Moves nodes among two clusters and suppression, in place; returns what it gains.

    A sequence in which each node moves once, always the cheapest move; the best prefix stays, or
    the two clusters become one, whichever is better. In the sequence a move may cost something.
    """
    nodes, moved, origin = scratch
    count = _listed(clusters, a, b, with_suppressed, nodes)
    union, across = _costs(clusters, nodes[:count], a, b, unary, join, sums)
    if not across and not with_suppressed:
        return 0.0
    total, best, length, steps = 0.0, 0.0, 0, 0
    for p in range(count):
        moved[p] = -1
    sequence = np.empty(count, np.int64)
    while steps < count:
        p, target, change = _cheapest_move(clusters, nodes, moved, count, a, b, sums)
        if p < 0:
            break
        v = nodes[p]
        source = clusters[v]
        _update_sums(v, source, target, nodes[:count], a, b, join, sums)
        origin[p] = source
        moved[p] = steps
        clusters[v] = target
        sequence[steps] = p
        steps += 1
        total += change
        if total < best - LEAST_GAIN:
            best, length = total, steps
    merge = across and union < best - LEAST_GAIN
    for step in range(steps - 1, (0 if merge else length) - 1, -1):
        clusters[nodes[sequence[step]]] = origin[sequence[step]]
    if merge:
        for p in range(count):
            if clusters[nodes[p]] == b:
                clusters[nodes[p]] = a
        return -union
    return -best


@njit(cache=True, nogil=True)
def _listed(clusters, a, b, with_suppressed, nodes):
    """Writes the nodes of two clusters, and the suppressed ones if wanted; their number."""
    count = 0
    for n in range(len(clusters)):
        if clusters[n] == a or clusters[n] == b or (with_suppressed and clusters[n] == SUPPRESSED):
            nodes[count] = n
            count += 1
    return count


@njit(cache=True, nogil=True)
def _costs(clusters, nodes, a, b, unary, join, sums):
    """Writes what it costs each node to be in either cluster.

    Returns:
        What it costs to make the two clusters one, and whether any edge runs between them.
    """
    union, across = 0.0, False
    for p, v in enumerate(nodes):
        sums[0, p] = sums[1, p] = unary[v]
        for w in nodes:
            if clusters[w] == a and v != w:
                sums[0, p] += join[v, w]
                if clusters[v] == b:
                    union += join[v, w]
                    across = across or join[v, w] != 0
            elif clusters[w] == b and v != w:
                sums[1, p] += join[v, w]
    return union, across


@njit(cache=True, nogil=True)
def _update_sums(v, source, target, nodes, a, b, join, sums):
    """Corrects what it costs each node to be in either cluster after node v has moved."""
    for q in range(len(nodes)):
        cost_of_pair = join[v, nodes[q]]
        if nodes[q] == v:
            continue
        if source == a:
            sums[0, q] -= cost_of_pair
        elif source == b:
            sums[1, q] -= cost_of_pair
        if target == a:
            sums[0, q] += cost_of_pair
        elif target == b:
            sums[1, q] += cost_of_pair


@njit(cache=True, nogil=True)
def _cheapest_move(clusters, nodes, moved, count, a, b, sums):
    """Which listed node should move where, and what that costs; node -1 if all have moved."""
    found, target, change = -1, -1, np.inf
    for p in range(count):
        if moved[p] >= 0:
            continue
        here = clusters[nodes[p]]
        now = sums[0, p] if here == a else sums[1, p] if here == b else 0.0
        if here != a and sums[0, p] - now < change:
            found, target, change = p, a, sums[0, p] - now
        if here != b and sums[1, p] - now < change:
            found, target, change = p, b, sums[1, p] - now
        if here != SUPPRESSED and -now < change:
            found, target, change = p, SUPPRESSED, -now
    return found, target, change


@njit(cache=True, nogil=True)
def _components(clusters, join):
    """Clusters cut into their connected components, numbered anew; the cost stays the same."""
    count = len(clusters)
    found = np.full(count, SUPPRESSED)
    stack = np.empty(count, np.int64)
    number = 0
    for start in range(count):
        if clusters[start] == SUPPRESSED or found[start] != SUPPRESSED:
            continue
        found[start] = number
        stack[0], size = start, 1
        while size:
            size -= 1
            v = stack[size]
            for w in range(count):
                if clusters[w] == clusters[v] and found[w] == SUPPRESSED and join[v, w] != 0:
                    found[w] = number
                    stack[size] = w
                    size += 1
        number += 1
    return found
