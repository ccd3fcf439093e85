"""Time and memory of the dense targets by number of people, beside the reference of the tests.

    python benchmarks/target_speed.py [--long-side 801] [--output-stride 16]

Computes the targets of PersonLab for one image at a time on one core, compiled as in the training
step and, with --xla, by XLA. Prints the median milliseconds, the most resident memory that the
first call (compiling included) and the repeats added, and the growth from one person to thirty.
"""

import argparse
import os
import sys
import threading
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "src"), str(REPOSITORY / "tests")]

import numpy as np  # noqa: E402
import psutil  # noqa: E402
import tensorflow as tf  # noqa: E402
from decode_speed import crowd  # noqa: E402

import fields_reference  # noqa: E402
from bottomup.skeleton import COCO_PERSON  # noqa: E402
from bottomup.systems import personlab  # noqa: E402
from scenes import pixels  # noqa: E402

PEOPLE = (1, 5, 10, 20, 30)
REPEATS = 30
RADIUS_PX = 32
OPTIONS = personlab.Options(radius_px=RADIUS_PX)
MIB = 2**20


class Watch(threading.Thread):
    """Samples the resident memory until it is stopped."""

    def __init__(self):
        super().__init__(daemon=True)
        self.process, self.running = psutil.Process(), True
        self.before = self.most = self.process.memory_info().rss
        self.start()

    def run(self) -> None:
        while self.running:
            self.most = max(self.most, self.process.memory_info().rss)
            time.sleep(0.0005)

    def stop(self) -> float:
        """MiB above the beginning, at most."""
        self.running = False
        self.join()
        return (self.most - self.before) / MIB


def compiled(stride: int, xla: bool):
    """The targets as a compiled function of keypoints and instance map."""

    def targets(keypoints, instance_map):
        return personlab.targets(keypoints, instance_map, COCO_PERSON, stride, OPTIONS)

    return tf.function(targets, jit_compile=xla)


def measure(work, inputs) -> tuple[float, float, float]:
    """Milliseconds (median), MiB added by the first call, MiB added by the repeats."""
    watch = Watch()
    work(*inputs)
    first = watch.stop()
    watch, times = Watch(), []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work(*inputs)
        times.append(1e3 * (time.perf_counter() - start))
    return float(np.median(times)), first, watch.stop()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--long-side", type=int, default=801)
    parser.add_argument("--output-stride", type=int, default=16)
    parser.add_argument("--xla", action="store_true")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    side, stride = options.long_side, options.output_stride
    print(f"{side} px, stride {stride}, one core{', XLA' if options.xla else ''}")
    print("people       ms   MiB first   MiB repeats")
    times = {}
    for count in PEOPLE:
        people = np.array(crowd(count, side))
        inputs = (tf.constant(people[None]), tf.constant(pixels(people, side, side)[None]))
        times[count], first, again = measure(compiled(stride, options.xla), inputs)
        print(f"{count:6d} {times[count]:8.2f} {first:11.1f} {again:13.1f}")
    print(f"from 1 to 30 people: {times[30] / times[1]:.2f} times")
    people = np.array(crowd(10, side))
    start = time.perf_counter()
    fields_reference.targets(people, pixels(people, side, side), COCO_PERSON, stride, RADIUS_PX)
    slow = 1e3 * (time.perf_counter() - start)
    print(f"10 people: reference {slow:.0f} ms, {slow / times[10]:.0f} times")


if __name__ == "__main__":
    main()
