"""CPU time of the multicut solver by number of detections, beside a C++ program's.

    python benchmarks/multicut.py

Problems are made up in the way in which the C++ figures were measured: people of 17 keypoints, the
log-odds of a pair +-2.2 with noise 1, candidates of one keypoint by their distance; on the complete
graph and on one of 19 pairs of keypoints and all pairs of one keypoint. The C++ figures are those
of pose-tensorflow's solver, compiled on Python 3.11, CPU milliseconds (median of 7), measured once
on another day: they are quoted, not measured here.
"""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import numpy as np

from bottomup.decoding.multicut.solver import solve
from bottomup.skeleton import COCO_PERSON

QUOTED = {  # detections: milliseconds on the complete and on the sparse graph
    20: (0.6, 0.2),
    50: (5.3, 1.3),
    100: (25.5, 5.8),
    200: (138.0, 30.0),
    400: (932.0, 262.0),
}
REPEATS = 7
FACTOR = 2.2
MORE_PAIRS = (("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"), ("nose", "left_hip"))


def problem(count: int, sparse: bool, seed: int = 0):
    """Costs of so many detections of made-up people, and the number of edges."""
    generator = np.random.default_rng([seed, count])
    person, keypoint = np.divmod(np.arange(count), 17)
    xy = generator.uniform(0, 800, (count // 17 + 1, 2))[person]
    xy = xy + generator.normal(0, 40, (count, 2))
    log_odds = np.where(person[:, None] == person, FACTOR, -FACTOR)
    join = -(log_odds + generator.normal(0, 1, (count, count)))
    same = keypoint[:, None] == keypoint
    distance = np.linalg.norm(xy[:, None] - xy, axis=-1)
    join = np.where(same, 0.2 * distance - 7.5, join)
    if sparse:
        names = COCO_PERSON.keypoints.index
        linked = np.eye(17, dtype=bool)
        for a, b in (*COCO_PERSON.edges, *MORE_PAIRS):
            linked[names(a), names(b)] = linked[names(b), names(a)] = True
        join = np.where(linked[keypoint[:, None], keypoint], join, 0)
    join = np.triu(join, 1)
    unary = -np.abs(generator.normal(2, 1, count))
    return unary, join + join.T, int((join != 0).sum())


def cpu_ms(unary, join) -> float:
    """Median CPU milliseconds of this thread, after one call for compiling."""
    solve(unary, join)
    times = []
    for _ in range(REPEATS):
        start = time.thread_time()
        solve(unary, join)
        times.append(1e3 * (time.thread_time() - start))
    return float(np.median(times))


def main() -> None:
    print("detections  graph     edges  CPU ms  C++ (quoted)  ratio")
    for count, quoted in QUOTED.items():
        for sparse, there in zip((False, True), quoted, strict=True):
            unary, join, edges = problem(count, sparse)
            here = cpu_ms(unary, join)
            graph = "sparse" if sparse else "complete"
            print(
                f"{count:10d}  {graph:8s} {edges:6d} {here:7.2f} {there:13.1f} {here / there:6.2f}"
            )


if __name__ == "__main__":
    main()
