"""Where each run comes from: the commit of the code, and whether it had changes of its own, the
seed, the device, the main packages, how long it trained and how often it was interrupted, and the
first digits of the checksum of its weights. `results/packages.txt` lists the packages of
the environment that made tables and figures.

Reads the run records of the study.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bottomup.publish.inputs import Inputs
from bottomup.publish.tables import Table

KIND = "table"
CATEGORY = "Provenance"
NEEDS = ("runs",)
PACKAGES = ("keras", "tensorflow", "jax", "numpy")
DIGITS = 12


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    table = Table(header=("experiment", "seed"))
    for (experiment, seed), path in inputs.runs.items():
        row = {"experiment": experiment, "seed": str(seed)}
        row |= described(json.loads(Path(path).read_text(encoding="utf-8")))
        table.add(row, row)
    table.save(outputs)


def described(record: Mapping) -> dict[str, str]:
    """What a run record says, in words."""
    git, device = record.get("git") or {}, record.get("device") or {}
    packages = record.get("packages") or {}
    weights = [s for name, s in (record.get("outputs") or {}).items() if name.endswith(".keras")]
    commit = str(git.get("commit") or "unknown")[:DIGITS]
    return {
        "commit": f"{commit} with changes" if git.get("dirty") else commit,
        "device": f"{device.get('count', '?')} x {device.get('name', '?')}",
        "backend": str(device.get("backend", "?")),
        "packages": ", ".join(f"{p} {packages[p]}" for p in PACKAGES if packages.get(p)),
        "python": str(record.get("python", "?")),
        "trained": f"{record.get('seconds', 0) / 60:.1f} min",
        "interrupted": f"{record.get('resumes', 0)} times",
        "weights sha256": weights[0][:DIGITS] if weights else "?",
    }
