"""Trains a small network on a few real images and tests it on those same images.

    python benchmarks/overfit.py --annotations person_keypoints_train2017.json \
        --images train2017 --out FOLDER [--rounds 6] [--figure FILE.png]

A check of everything between the annotations and the AP, not a result: a network that can learn
these images by heart must find their people again. Prints the AP of each round beside the bound,
what ideal fields give on the same images at the same side. Stops at an AP of .80, or after the
last round. Killed and run again, it goes on; so it does with more rounds.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "src"))

import pandas as pd  # noqa: E402

from bottomup.coco import read_annotations, write_subset  # noqa: E402
from bottomup.decoding import DecoderSettings  # noqa: E402
from bottomup.decoding.shard import decode_shard  # noqa: E402
from bottomup.errors import InputError  # noqa: E402
from bottomup.evaluation import evaluate  # noqa: E402
from bottomup.inference import infer_shard  # noqa: E402
from bottomup.oracle import OracleSettings, run_oracle  # noqa: E402
from bottomup.publish import style  # noqa: E402
from bottomup.records import write_records  # noqa: E402
from bottomup.skeleton import COCO_PERSON  # noqa: E402
from bottomup.training import train  # noqa: E402

TARGET = 0.80
DECODER = {"radius_px": 10, "seed_radius_px": 6, "mask_score_gate": 0.2}


def settings(side: int, steps: int, initial_weights: str | dict) -> dict:
    """An experiment's keys: no flip and no change of scale, since nothing else is to be learned."""
    return {
        "system": "personlab",
        "system_options": {
            "radius_px": DECODER["radius_px"],
            "sub_cells": 4,
            "loss_weights": {
                "heatmap": 80,
                "segmentation": 8,
                "short": 0.5,
                "mid": 0.04,
                "long": 0.04,
            },
            "refine_in_training": False,
        },
        "backbone": "small_unet",
        "output_stride": 8,
        "initial_weights": initial_weights,
        "crop": side,
        # By half a node and more: the network sees an image at another place when it is tested.
        "augmentation": {"scale": [1.0, 1.0], "translation": 0.03, "flip": False},
        "training": {
            "steps": steps,
            "batch": 4,
            "learning_rate": 0.005,
            "schedule": "cosine",
            "warmup_share": 0.05,
            "clip_norm": 5,
            "average_decay": 0.95,
            "checkpoint_every": 100,
        },
    }


def prepared(arguments: argparse.Namespace) -> tuple[Path, Path, Path]:
    """Annotations, record and list of the images with annotated persons, made once."""
    chosen, record, ids = (
        arguments.out / name for name in ("annotations.json", "images.tfrecord", "images.txt")
    )
    if not ids.exists():
        everything = read_annotations(arguments.annotations, COCO_PERSON)
        found = [
            image.id
            for image in everything.images
            if any(person.annotated for person in everything.persons[image.id])
        ]
        write_subset(arguments.annotations, found, chosen)
        write_records(chosen, COCO_PERSON, arguments.images, record, 0, 1)
        ids.write_text("\n".join(map(str, found)))
    return chosen, record, ids


def play_round(number: int, arguments: argparse.Namespace, files: tuple[Path, Path, Path]) -> dict:
    """Trains for one round from the last one's weights and tests; finished rounds are read."""
    annotations, record, ids = files
    folder = arguments.out / f"round-{number}"
    scores = folder / "metrics.csv"
    if not scores.exists():
        before = arguments.out / f"round-{number - 1}" / "weights.keras"
        initial = {"file": str(before), "part": "all"} if number > 1 else "random"
        if not (folder / "weights.keras").exists():
            keys = settings(arguments.side, arguments.steps, initial)
            state = folder / "state"
            train(keys, [record], ids, COCO_PERSON, arguments.seed, folder, state)
        test(folder, annotations, arguments).to_csv(scores, index=False)
    table = pd.read_csv(scores).query("stratum == 'all' and metric == 'AP'").set_index("task")
    images = number * arguments.steps * 4
    run = json.loads((folder / "run.json").read_text())
    return {"images": images, "seconds": run["seconds"], **table["value"].to_dict()}


def test(run: Path, annotations: Path, arguments: argparse.Namespace) -> pd.DataFrame:
    """Every metric of a run on the images that it was trained on."""
    protocol = {"sides": [arguments.side], "flip": False, "output_stride": None}
    fields, found = run / "fields.h5", run / "found.json"
    infer_shard(run, annotations, arguments.images, protocol, 0, 1, fields)
    decode_shard(fields, {"decoder": DECODER}, COCO_PERSON.to_dict(), found)
    fields.unlink()
    rows, files = json.loads(found.read_text()), []
    for task in ("keypoints", "segmentation"):
        files.append(run / f"{task}.json")
        files[-1].write_text(json.dumps(rows[task]))
    return evaluate(annotations, COCO_PERSON, *files)


def draw(rounds: pd.DataFrame, bound: float, path: Path) -> None:
    """AP against images seen, and the bound."""
    with style.new_figure(style.ONE_COLUMN, 2.2) as figure:
        axes = figure.subplots()
        for task, colour in zip(("keypoints", "segmentation"), style.colours(2), strict=True):
            axes.plot(rounds.images, rounds[task], "o-", ms=3, color=colour, label=task)
        axes.axhline(bound, ls=":", color="grey", label="keypoints, ideal fields")
        axes.set(xlabel="images seen", ylabel="AP on the training images", ylim=(0, 1.02))
        axes.legend()
        style.tidy(axes)
        style.save(figure, [path])


def main() -> int:
    """Plays the rounds and prints their AP."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--annotations", type=Path, required=True, help="COCO keypoints file")
    parser.add_argument("--images", type=Path, required=True, help="where its images lie")
    parser.add_argument("--out", type=Path, required=True, help="folder of the state and results")
    parser.add_argument("--side", type=int, default=321, help="input side, n 32 + 1 px")
    parser.add_argument("--steps", type=int, default=1500, help="steps of 4 images in a round")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    ideal = OracleSettings(
        long_side=arguments.side,
        output_stride=8,
        sub_cells=4,
        decoder=DecoderSettings.from_dict(DECODER),
    )
    files = prepared(arguments)
    summary = run_oracle([files[0]], ideal)[0]
    bound = summary["keypoints"]["AP"]
    print(
        f"{summary['images']} images, {summary['persons']} persons with keypoints; ideal fields at "
        f"{arguments.side} px, stride 8: keypoint AP {bound:.3f}",
        flush=True,
    )
    played = []
    for number in range(1, arguments.rounds + 1):
        played.append(play_round(number, arguments, files))
        last = played[-1]
        print(
            f"round {number}, {last['images']} images seen: keypoint AP {last['keypoints']:.3f} "
            f"({last['keypoints'] / bound:.2f} of the bound), mask AP {last['segmentation']:.3f}, "
            f"{last['seconds']:.0f} s",
            flush=True,
        )
        if last["keypoints"] >= TARGET:
            break
    if arguments.figure:
        draw(pd.DataFrame(played), bound, arguments.figure)
    return 0 if last["keypoints"] >= TARGET else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        sys.exit(str(error))
