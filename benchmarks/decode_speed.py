"""Decode time by number of people, beside the slow references of the tests.

    python benchmarks/decode_speed.py [--long-side 801] [--output-stride 8] [--figure FILE.png]
        [--openpifpaf SITE_PACKAGES]

Prints CPU milliseconds of one thread (median) for poses with scores and for masks, the growth from
one person to thirty, and how much faster the Hough votes are than their reference. OpenPifPaf's
decoder stands beside them where it is installed (`openpifpaf_peer.py` says how), on the same
people; it makes no masks.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "src"), str(REPOSITORY / "tests")]

import numpy as np  # noqa: E402
import openpifpaf_peer  # noqa: E402

import decoding_reference  # noqa: E402
from bottomup.decoding.decode import decode_poses  # noqa: E402
from bottomup.decoding.masks import person_masks  # noqa: E402
from bottomup.decoding.votes import cast_votes  # noqa: E402
from bottomup.publish import style  # noqa: E402
from bottomup.skeleton import COCO_PERSON  # noqa: E402
from scenes import figure, scene  # noqa: E402

PEOPLE = (0, 1, 5, 10, 20, 30)
# Every number of people comes up once a round, so that a burst of other work slows none alone.
ROUNDS, REPEATS = 15, 5


TITLES = {
    "poses": "poses and scores",
    "masks": "masks of native size",
    "OpenPifPaf": "OpenPifPaf, poses",
}


def crowd(count: int, side: int) -> list[np.ndarray]:
    """Up to thirty people in rows of ten."""
    step, height = side / 10, side / 4
    return [figure((n % 10 + 0.5) * step, (n // 10) * side / 3 + 10, height) for n in range(count)]


def cpu_ms(works: dict[tuple, Callable]) -> dict[tuple, np.ndarray]:
    """CPU milliseconds of this thread for each run of each piece of work but the first ones."""
    times = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            work()
            for _ in range(REPEATS):
                start = time.thread_time()
                work()
                times[name].append(1e3 * (time.thread_time() - start))
    return {name: np.array(found) for name, found in times.items()}


def draw(lines: dict[str, dict[int, float]], path: Path) -> None:
    """Milliseconds against people, a line for each name."""
    with style.new_figure(style.ONE_COLUMN, 2.2) as figure:
        axes = figure.subplots()
        colours = style.colours(len(lines))
        for (name, times), colour in zip(lines.items(), colours, strict=True):
            axes.plot(list(times), list(times.values()), "o-", ms=3, color=colour, label=name)
        axes.set(xlabel="people in the image", ylabel="CPU ms, one thread", ylim=(0, None))
        axes.legend()
        style.tidy(axes)
        style.save(figure, [path])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long-side", type=int, default=801)
    parser.add_argument("--output-stride", type=int, default=8)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--openpifpaf", type=Path, help="folder that holds it")
    options = parser.parse_args()
    side = options.long_side
    print(f"{side} px, stride {options.output_stride}; CPU ms of one thread, median")
    peer = openpifpaf_peer.load(options.openpifpaf)
    works = {}
    for count in PEOPLE:
        people = crowd(count, side)
        fields, settings, frame = scene(
            people, (side, side), stride=options.output_stride, garbage=0
        )
        poses = partial(decode_poses, fields, COCO_PERSON, settings)
        works["poses", count] = poses
        works["masks", count] = partial(person_masks, fields, poses(), settings, frame)
        if peer:
            works["OpenPifPaf", count] = openpifpaf_peer.decoder(
                peer, people, side, options.output_stride
            )
    works["votes", count] = partial(cast_votes, fields, settings)
    runs = cpu_ms(works)
    times = {name: float(np.median(found)) for name, found in runs.items()}
    fast = times.pop(("votes", count))
    columns = list(dict.fromkeys(name for name, _ in times))
    print("people" + "".join(f"{name:>12s}" for name in columns))
    for count in PEOPLE:
        row = "".join(f"{times[name, count]:12.2f}" for name in columns)
        found = f", {works['OpenPifPaf', count]()} found" if peer else ""
        print(f"{count:6d}{row}{found}")
    least = {n: runs["poses", n].min() for n in (1, 30)}
    print(
        f"from 1 to 30 people: {times['poses', 30] / times['poses', 1]:.2f} times "
        f"({least[30] / least[1]:.2f} by the fastest run of each, which other work disturbs least)"
    )
    if options.figure:
        lines = {TITLES[name]: {n: times[name, n] for n in PEOPLE} for name in columns}
        draw(lines, options.figure)
    start = time.thread_time()
    decoding_reference.hough(fields, settings)
    slow = 1e3 * (time.thread_time() - start)
    print(
        f"Hough votes, 30 people: {fast:.2f} ms, reference {slow:.0f} ms, {slow / fast:.0f} times"
    )


if __name__ == "__main__":
    main()
