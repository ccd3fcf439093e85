"""A run as others may use it: weights, record, a card, the AP to expect, and the sums of it all."""

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.provenance import file_sha256
from bottomup.run_folder import FILES, read_run, recorded_sum

SUMS = "sha256sums.txt"


def release_run(run_dir: Path | str, out_dir: Path | str) -> Path:
    """Writes a folder that `bottomup predict --run` takes and that can be given away.

    - `weights.keras`, `run.json`: as they are
    - `pairwise/*/terms.json`: the pairwise terms of a system that has some
    - `expected.json`: the AP that was measured, by test and task
    - `card.md`: what the model is, for people
    - `sha256sums.txt`: for `sha256sum --check`

    Raises:
        InputError: The run is not whole, its weights are not those that it recorded, it was tested
            on nothing, or the folder holds something already.
    """
    run_dir, out_dir = Path(run_dir), Path(out_dir)
    record = read_run(run_dir)
    if not recorded_sum(record):
        raise InputError(f"{run_dir}: run.json records no checksum of weights; train the run again")
    if out_dir.is_dir() and any(out_dir.iterdir()):
        raise InputError(f"{out_dir}: is not empty; choose a new folder for the release")
    measured = read_measured(run_dir)
    terms = [str(path.relative_to(run_dir)) for path in run_dir.glob("pairwise/*/terms.json")]
    files = (*FILES, *sorted(terms))
    for name in files:
        (out_dir / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run_dir / name, out_dir / name)
    texts = {
        "expected.json": json.dumps(measured, indent=2) + "\n",
        "card.md": card(record, measured),
    }
    for name, text in texts.items():
        with written_aside(out_dir / name) as aside:
            aside.write_text(text, encoding="utf-8")
    sums = [f"{file_sha256(out_dir / name)}  {name}\n" for name in (*files, *texts)]
    with written_aside(out_dir / SUMS) as aside:
        aside.write_text("".join(sums), encoding="ascii")
    return out_dir


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
    masks = any(row["task"] == "segmentation" for row in measured)
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
            f"keypoints of `{skeleton['name']}`"
            + (" and a mask of each person." if masks else "."),
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


def _start(initial: str | Mapping) -> str:
    if not isinstance(initial, Mapping):
        return f"{initial} weights"
    if "trunk_file" in initial:
        return f"published weights (`{Path(initial['trunk_file']).stem}`)"
    return f"the weights of {', '.join(initial.get('files') or [initial['file']])}"
