"""The numbers of a made-up study, for tables and figures."""

import json
import math
from pathlib import Path

import pandas as pd

from bottomup.publish.inputs import METRICS_COLUMNS, Expectation, Inputs
from bottomup.task_evaluation import METRICS

PROTOCOLS = ("single", "pyramid")
PERSONS = {"all": 40, "people=0": 0, "people=1": 10, "people=2": 30}
AP = {"full": (0.60, 0.62, 0.64), "reduced": (0.5, 0.52), "colour": (0.01,)}
PUBLISHED = """
rows:
  paper_single:
    model: Paper, ResNet
    source: Somebody et al., ECCV 2018
    keypoints:
      - {split: test-dev, values: {AP: 0.665, AP50: 0.88}, sourced: [AP]}
    segmentation:
      - {split: test-dev, values: {AP: 0.3}}
      - {split: val, values: {AP: 0.387}}
"""


def metrics() -> pd.DataFrame:
    """Three experiments with 3, 2 and 1 seeds; a pyramid adds .1, every metric but AP adds .05."""
    rows = []
    for experiment, seed, protocol, task in each_test():
        ap = AP[experiment][seed] + (0.1 if protocol == "pyramid" else 0)
        for stratum, persons in PERSONS.items():
            for metric in METRICS[task]:
                n = 0 if metric == "APl" else persons
                value = math.nan if not n else ap if metric == "AP" else ap + 0.05
                bounds = (value - 0.02, value + 0.02) if metric == "AP" else (math.nan, math.nan)
                test = (experiment, seed, "synthetic", "val", protocol, task)
                rows.append((*test, stratum, metric, value, *bounds, n))
    return pd.DataFrame(rows, columns=METRICS_COLUMNS)


def each_test() -> list[tuple[str, int, str, str]]:
    """Experiment, seed, protocol and task of everything measured."""
    return [
        (experiment, seed, protocol, task)
        for experiment, values in AP.items()
        for seed in range(len(values))
        for protocol in PROTOCOLS
        for task in ("keypoints", "segmentation")
    ]


def expected() -> dict[str, Expectation]:
    """Three seeds are planned of each, and one experiment has not begun."""
    place = {"dataset": "synthetic", "split": "val", "protocol": "single"}
    published = {"single": "paper_single"}
    return {
        "full": Expectation(0.63, 0.70, **place, seeds=3, published=published),
        "reduced": Expectation(0.52, None, **place, seeds=3),
        "colour": Expectation(0.0, 0.0, tolerance=0.1, **place),
        "late": Expectation(**place, seeds=3),
    }


def inputs(folder: Path) -> Inputs:
    """Everything that tables need."""
    published = Path(folder) / "published.yaml"
    published.write_text(PUBLISHED)
    runs = {}
    for experiment, values in AP.items():
        backbone = "pixel" if experiment == "colour" else "small_unet"
        for seed in range(len(values)):
            runs[experiment, seed] = Path(folder) / f"{experiment}-{seed}.json"
            settings = {"system": "personlab", "backbone": backbone}
            record = {"settings": settings, "images": 400, "steps": 650, "seconds": 600 + 60 * seed}
            runs[experiment, seed].write_text(json.dumps(record))
    return Inputs(metrics=metrics(), runs=runs, expected=expected(), published=published)
