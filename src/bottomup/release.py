"""A run as others may use it: weights, record, a card, the AP to expect, and the sums of it all."""

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from bottomup.datasets.coco_mirror import file_sum
from bottomup.errors import InputError
from bottomup.files import written_aside

FILES = ("weights.keras", "run.json")
SUMS = "sha256sums.txt"


def release_run(run_dir: Path | str, out_dir: Path | str) -> Path:
    """Writes a folder that `bottomup predict --run` takes and that can be given away.

    - `weights.keras`, `run.json`: as they are
    - `expected.json`: the AP that was measured, by test and task
    - `card.md`: what the model is, for people
    - `sha256sums.txt`: for `sha256sum --check`

    Raises:
        InputError: The run is not whole, its weights are not those that it recorded, it was tested
            on nothing, or the folder holds something already.
    """
    run_dir, out_dir = Path(run_dir), Path(out_dir)
    for name in FILES:
        if not (run_dir / name).is_file():
            raise InputError(f"{run_dir}: no {name} here; give the folder of a finished run")
    if out_dir.is_dir() and any(out_dir.iterdir()):
        raise InputError(f"{out_dir}: is not empty; choose a new folder for the release")
    record = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
    check_weights(run_dir / "weights.keras", record)
    measured = read_measured(run_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(run_dir / name, out_dir / name)
    texts = {
        "expected.json": json.dumps(measured, indent=2) + "\n",
        "card.md": card(record, measured),
    }
    for name, text in texts.items():
        with written_aside(out_dir / name) as aside:
            aside.write_text(text, encoding="utf-8")
    sums = [f"{file_sum(out_dir / name, 'sha256')}  {name}\n" for name in (*FILES, *texts)]
    with written_aside(out_dir / SUMS) as aside:
        aside.write_text("".join(sums), encoding="ascii")
    return out_dir


def check_weights(weights: Path, record: Mapping) -> None:
    """Raises InputError if the weights are others than the run recorded."""
    recorded = [s for name, s in record.get("outputs", {}).items() if name.endswith(weights.name)]
    if not recorded:
        raise InputError(f"{weights}: run.json records no checksum for it; train the run again")
    if file_sum(weights, "sha256") != recorded[0]:
        raise InputError(
            f"{weights}: is not what run.json records (sha256 {recorded[0][:12]}...); "
            "restore it or train the run again"
        )


def read_measured(run_dir: Path) -> list[dict]:
    """AP of the run, one entry a test and task, over all images.

    Raises:
        InputError: The run was tested on nothing.
    """
    files = sorted(run_dir.glob("*/*/metrics.csv"))
    rows = [row for file in files for row in csv.DictReader(file.read_text().splitlines())]
    chosen = [row for row in rows if (row["stratum"], row["metric"]) == ("all", "AP")]
    if not chosen:
        raise InputError(f"{run_dir}: no metrics.csv with an AP; test the run first")
    names = ("experiment", "seed", "dataset", "split", "protocol", "task")
    return [
        {name: row[name] for name in names}
        | {"AP": _number(row["value"]), "low": _number(row["low"]), "high": _number(row["high"])}
        | {"persons": int(float(row["n"]))}
        for row in chosen
    ]


def _number(text: str) -> float | None:
    return round(float(text), 4) if text else None


def card(record: Mapping, measured: Sequence[Mapping]) -> str:
    """A page about the model in Markdown: what it is, what to expect, how to use it, its limits."""
    settings, first = record["settings"], measured[0]
    skeleton = record["network"]["skeleton"]
    git = record.get("git") or {}
    rows = [
        f"| {m['dataset']} {m['split']} | {m['protocol']} | {m['task']} | {_share(m['AP'])} "
        f"| {_share(m['low'])} to {_share(m['high'])} | {m['persons']} |"
        for m in measured
    ]
    return "\n".join(
        [
            f"# {first['experiment']}, seed {first['seed']}",
            "",
            f"{settings['system']} with the trunk {settings['backbone']}, "
            f"output stride {settings['output_stride']}; it finds the {len(skeleton['keypoints'])} "
            f"keypoints of `{skeleton['name']}` and a mask of each person.",
            "",
            f"Trained on {record['images']} images, {record['steps']} steps of "
            f"{settings['training']['batch']}, crops of {settings['crop']} px, from "
            f"{_start(settings['initial_weights'])}. Code: commit {git.get('commit') or 'unknown'}"
            + (" with changes of its own." if git.get("dirty") else "."),
            "",
            "## AP to expect",
            "",
            "Measured on every image of the split by pycocotools; the interval (95 %) is over "
            "images.",
            "",
            "| tested on | protocol | task | AP | interval | persons |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
            "## Use",
            "",
            "```",
            f"sha256sum --check {SUMS}",
            "bottomup predict --run THIS_FOLDER --images photo.jpg --out out",
            "```",
            "",
            "## Limits",
            "",
            "The AP is that of images like those tested on, and of no others. The data that it "
            "learned from has its own licence, which may bind the use of the weights.",
            "",
        ]
    )


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _start(initial: object) -> str:
    return {"random": "random weights", "imagenet": "ImageNet weights"}.get(
        str(initial), f"weights of {initial}"
    )
