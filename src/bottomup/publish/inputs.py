"""What tables and figures are made from: measured numbers, and paths of files to draw from.

A publish module names what it needs with the words of `NEEDS`; everything else stays empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import pandas as pd

from bottomup.errors import InputError
from bottomup.skeleton import Skeleton

METRICS_NAMES = ("experiment", "dataset", "split", "protocol", "task", "stratum", "metric")
METRICS_COLUMNS = ("experiment", "seed", *METRICS_NAMES[1:], "value", "low", "high", "n")


@dataclass(frozen=True)
class Result:
    """The detections of one run on one split, and what they are scored against.

    `skeleton` is that of the annotations, `model` that of the detections; there is no
    `segmentation_json` where no masks were made; `joint_json` has pose and mask of each person in
    one row; `times_csv` says how long decoding each image took.
    """

    experiment: str
    seed: int
    dataset: str
    split: str
    protocol: str
    keypoints_json: Path
    segmentation_json: Path | None
    joint_json: Path
    annotations_path: Path
    images_dir: Path
    skeleton: Skeleton
    model: Skeleton
    times_csv: Path | None = None

    def detections_of(self, task: str) -> Path | None:
        """The COCO results of a task."""
        return self.keypoints_json if task == "keypoints" else self.segmentation_json


@dataclass(frozen=True)
class Sample:
    """The fields of a few images of one run.

    `skeleton` is that of the run, `decoder` holds the keys of its decoder settings.
    """

    experiment: str
    seed: int
    dataset: str
    split: str
    protocol: str
    fields_h5: Path
    annotations_path: Path
    images_dir: Path
    skeleton: Skeleton
    decoder: Mapping = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetImages:
    """One annotated split of a dataset."""

    dataset: str
    split: str
    annotations_path: Path
    images_dir: Path
    skeleton: Skeleton


@dataclass(frozen=True)
class Expectation:
    """What an experiment should give, said before it ran.

    Attributes:
        keypoints_AP: Expected AP of keypoints, or None.
        segmentation_AP: Expected AP of segmentation, or None.
        tolerance: Largest difference that still counts as within.
        dataset: Dataset that the expectation is for; None for any.
        split: Its split; None for any.
        protocol: Protocol that the expectation is for; None for any.
        seeds: How many runs are planned.
        published: Row of the published values to show beside each protocol.
    """

    keypoints_AP: float | None = None
    segmentation_AP: float | None = None
    tolerance: float = 0.03
    dataset: str | None = None
    split: str | None = None
    protocol: str | None = None
    seeds: int = 1
    published: Mapping[str, str] = field(default_factory=dict)

    def is_for(self, dataset: str, split: str, protocol: str) -> bool:
        """Whether it speaks of this way of testing."""
        stated = (self.dataset, self.split, self.protocol)
        return all(
            s in (None, is_) for s, is_ in zip(stated, (dataset, split, protocol), strict=True)
        )


@dataclass(frozen=True)
class Inputs:
    """What `make` of a publish module gets; a word that it does not need stays empty.

    Attributes:
        metrics: All metrics of the study in long form, columns `METRICS_COLUMNS`.
        history: History of each run by (experiment, seed).
        runs: Run record of each run by (experiment, seed).
        strata: Shares of images by number of people, by subset.
        results: Detections of each run on each split by each protocol.
        samples: Fields of a few images of each run.
        dataset_images: The annotated splits of the study.
        expected: What is expected of each experiment, in the order of the study.
        published: The file of published values.
        design: How the study is built, as plain values: `levels`, for each subset the per cent of
            images of single people that were left out (0 for all images, null for other recipes);
            `training`, for each experiment the subset and steps of each stage, its own last;
            `comparisons`, each with `experiment` and `control`.
        protocols: Settings of each protocol of the study, by name.
        benchmarks: Folder of the benchmark files of all jobs.
    """

    metrics: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=METRICS_COLUMNS))
    history: Mapping[tuple[str, int], Path] = field(default_factory=dict)
    runs: Mapping[tuple[str, int], Path] = field(default_factory=dict)
    strata: Mapping[str, Path] = field(default_factory=dict)
    results: Sequence[Result] = ()
    samples: Sequence[Sample] = ()
    dataset_images: Sequence[DatasetImages] = ()
    expected: Mapping[str, Expectation] = field(default_factory=dict)
    published: Path | None = None
    design: Mapping = field(default_factory=dict)
    protocols: Mapping[str, Mapping] = field(default_factory=dict)
    benchmarks: Path | None = None

    @classmethod
    def from_plain(cls, values: Mapping) -> "Inputs":
        """Inputs from the plain values of a job.

        Args:
            values: By word of `NEEDS`: metrics: list of paths; history, runs: list of
                {experiment, seed, path}; strata: {subset: path}; results, samples,
                dataset_images: list of {field: value} with the skeleton as a dictionary;
                expected: {experiment: {field: value}}; published: path; design: as it is;
                protocols: {name: settings}; benchmarks: path of the folder.

        Raises:
            InputError: A word or a field is unknown or missing.
        """
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise InputError(f"publish inputs have no {sorted(unknown)[0]!r}; correct NEEDS")
        read = {
            "metrics": read_metrics,
            "history": _by_run,
            "runs": _by_run,
            "strata": lambda given: {name: Path(path) for name, path in given.items()},
            "results": lambda given: tuple(_record(Result, each) for each in given),
            "samples": lambda given: tuple(_record(Sample, each) for each in given),
            "dataset_images": lambda given: tuple(_record(DatasetImages, each) for each in given),
            "expected": lambda given: {k: _record(Expectation, each) for k, each in given.items()},
            "published": Path,
            "design": dict,
            "protocols": dict,
            "benchmarks": Path,
        }
        return cls(**{name: read[name](given) for name, given in values.items()})


def read_metrics(paths: Sequence[Path | str]) -> pd.DataFrame:
    """Joins metrics files.

    Raises:
        InputError: A file has other columns.
    """
    tables = []
    for path in paths:
        # Names of digits alone, or such as `null`, are names too.
        empty = {name: [""] for name in ("value", "low", "high")}
        names = dict.fromkeys(METRICS_NAMES, str)
        table = pd.read_csv(path, dtype=names, keep_default_na=False, na_values=empty)
        if tuple(table.columns) != METRICS_COLUMNS:
            raise InputError(f"{path}: columns {list(table.columns)}, not {list(METRICS_COLUMNS)}")
        tables.append(table)
    if not tables:
        return pd.DataFrame(columns=METRICS_COLUMNS)
    # An empty value column would read as text and make the joined column text.
    numbers = ["value", "low", "high"]
    return pd.concat([t.astype(dict.fromkeys(numbers, float)) for t in tables], ignore_index=True)


def _by_run(entries: Sequence[Mapping]) -> dict[tuple[str, int], Path]:
    return {(e["experiment"], int(e["seed"])): Path(e["path"]) for e in entries}


def _record(kind: type, values: Mapping):
    known = {f.name: f.type for f in fields(kind)}
    unknown = [name for name in values if name not in known]
    if unknown:
        raise InputError(f"{kind.__name__} has no {unknown[0]!r}; it has {', '.join(known)}")
    made = dict(values)
    for name, value in values.items():
        if known[name] in (Path, Path | None) and value is not None:
            made[name] = Path(value)
        elif known[name] is Skeleton and not isinstance(value, Skeleton):
            made[name] = Skeleton.from_dict(value)
    try:
        return kind(**made)
    except TypeError as error:
        raise InputError(f"{kind.__name__}: {error}") from error
