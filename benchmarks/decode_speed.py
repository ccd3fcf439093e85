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
REPEATS = 15


def crowd(count: int, side: int) -> list[np.ndarray]:
    """Up to thirty people in rows of ten."""
    step, height = side / 10, side / 4
    return [figure((n % 10 + 0.5) * step, (n // 10) * side / 3 + 10, height) for n in range(count)]


def cpu_ms(work, *arguments) -> float:
    """Median CPU milliseconds of this thread, after one call for compiling."""
    work(*arguments)
    times = []
    for _ in range(REPEATS):
        start = time.thread_time()
        work(*arguments)
        times.append(1e3 * (time.thread_time() - start))
    return float(np.median(times))


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
    print("people   poses   masks" + ("  OpenPifPaf" if peer else ""))
    poses, all_masks, peers = {}, {}, {}
    for count in PEOPLE:
        people = crowd(count, side)
        fields, settings, frame = scene(
            people, (side, side), stride=options.output_stride, garbage=0
        )
        found = decode_poses(fields, COCO_PERSON, settings)
        poses[count] = cpu_ms(decode_poses, fields, COCO_PERSON, settings)
        all_masks[count] = cpu_ms(person_masks, fields, found, settings, frame)
        row = f"{count:6d} {poses[count]:7.2f} {all_masks[count]:7.2f}"
        if peer:
            theirs = openpifpaf_peer.decoder(peer, people, side, options.output_stride)
            peers[count] = cpu_ms(theirs)
            row += f" {peers[count]:11.2f}, {theirs()} found"
        print(row, flush=True)
    print(f"from 1 to 30 people: {poses[30] / poses[1]:.2f} times")
    if options.figure:
        lines = {"poses and scores": poses, "masks of native size": all_masks}
        draw(lines | ({"OpenPifPaf, poses": peers} if peers else {}), options.figure)
    start = time.thread_time()
    decoding_reference.hough(fields, settings)
    slow = 1e3 * (time.thread_time() - start)
    fast = cpu_ms(cast_votes, fields, settings)
    print(
        f"Hough votes, 30 people: {fast:.2f} ms, reference {slow:.0f} ms, {slow / fast:.0f} times"
    )


if __name__ == "__main__":
    main()
