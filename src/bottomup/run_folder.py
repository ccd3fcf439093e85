"""The folder of a finished run: its record, and weights that are those it recorded."""

import json
from pathlib import Path

from bottomup.errors import InputError
from bottomup.provenance import file_sha256

FILES = ("run.json", "weights.keras")


def read_run(run_dir: Path | str) -> dict:
    """The record of a finished run.

    Raises:
        InputError: The record or the weights are missing, or the weights are not those that the
            run recorded.
    """
    run_dir = Path(run_dir)
    for name in FILES:
        if not (run_dir / name).is_file():
            raise InputError(f"{run_dir}: no {name} here; give the folder of a finished run")
    record = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
    promised, weights = recorded_sum(record), run_dir / "weights.keras"
    if promised and (found := file_sha256(weights)) != promised:
        raise InputError(
            f"{weights}: damaged (sha256 {found}, was {promised}); delete it, and the same command "
            "trains again"
        )
    return record


def recorded_sum(record: dict) -> str | None:
    """The sha256 of the weights as they were written, if the run recorded it."""
    sums = {Path(path).name: value for path, value in record.get("outputs", {}).items()}
    return sums.get("weights.keras")
