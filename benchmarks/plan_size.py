"""How long a study of many jobs takes to plan, and how much memory.

    python benchmarks/plan_size.py                # about 10,000 jobs of the papers' kind
    python benchmarks/plan_size.py --seeds 20     # fewer

Writes a study with many seeds of two experiments beside nothing else, runs `snakemake -n` on it in
an empty folder, and prints jobs, seconds and the most memory. Bound: 120 s and 3 GB at 10,000 jobs.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SEEDS = 134
BOUND_S, BOUND_GB = 120, 3


def study(seeds: int) -> dict:
    """A study that tests two experiments of COCO 2017 by two protocols, with so many seeds."""
    return {
        "study": "many",
        "experiments": ["personlab_resnet101", "personlab_resnet152"],
        "protocols": ["single_scale_1401", "multi_scale_flip"],
        "seeds": list(range(seeds)),
        "publish": {"tables": ["overview"], "figures": ["training_curves"]},
    }


def plan(seeds: int, *words: str) -> dict[str, float]:
    """Plans such a study: jobs, seconds by the clock and of the processor, GB at most."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "many.yaml"
        config.write_text(json.dumps(study(seeds)))
        started = time.monotonic()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules"),
                *("--configfile", str(config), "--directory", folder, *words),
            ],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "jobs": int(re.search(r"^total +(\d+)", done.stdout + done.stderr, re.M)[1]),
        "seconds": round(time.monotonic() - started, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "gigabytes": round(used.ru_maxrss / 1e6, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    found = plan(parser.parse_args().seeds)
    print(json.dumps(found))
    if found["processor_seconds"] > BOUND_S or found["gigabytes"] > BOUND_GB:
        sys.exit(f"more than {BOUND_S} s or {BOUND_GB} GB")


if __name__ == "__main__":
    main()
