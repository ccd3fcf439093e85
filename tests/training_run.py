"""One small training in a process of its own, so that a test can choose backend and devices.

    python tests/training_run.py FOLDER NAME COMPUTE

FOLDER holds one record shard, images.txt, settings.json and start.keras; the outputs go to
FOLDER/NAME. COMPUTE is JSON, the arguments of `devices.use`.
"""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def run(folder: Path, name: str, compute: dict, **environment: str) -> None:
    """Trains in a new process."""
    done = subprocess.run(
        [sys.executable, __file__, str(folder), name, json.dumps(compute)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def history(out: Path) -> list[dict]:
    """The rows of a run's history, one a step."""
    with (out / "history.csv").open() as file:
        return list(csv.DictReader(file))


def main(folder: Path, name: str, compute: dict) -> None:
    from bottomup import devices

    devices.use(**compute)
    from bottomup.skeleton import COCO_PERSON
    from bottomup.training import train

    settings = json.loads((folder / "settings.json").read_text())
    settings["initial_weights"] = {"file": str(folder / "start.keras")}
    shard = next(folder.glob("*.tfrecord"))
    state = folder / name / "state"
    train(settings, [shard], folder / "images.txt", COCO_PERSON, 0, folder / name, state)
    (folder / name / "computed_on.json").write_text(json.dumps(devices.description()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))
