"""The bill before the run: jobs, GPU hours, storage and download of a study not yet begun.

The jobs are counted as the rules plan them; a test compares the counts with Snakemake's own plan.
Everything else follows from the config and from `ASSUMPTIONS`, each with where it comes from.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bottomup.crops import crop_sides
from bottomup.study import Dataset, DatasetSplit, Experiment, Protocol, Split, Study, Subset


@dataclass(frozen=True)
class Assumption:
    """A number that the config does not say, and where it comes from."""

    value: float
    unit: str
    source: str


ASSUMPTIONS = {
    "training_speed": Assumption(
        215, "megapixels/s", "ResNet-101's trunk alone, 336 images/s at 801 px, one H200, JAX"
    ),
    "training_share": Assumption(0.7, "share", "guess: heads, targets and augmentation take 30 %"),
    "inference_speed": Assumption(
        200, "megapixels/s", "guess: thrice the training's, a third of it at output stride 8"
    ),
    "inference_overhead": Assumption(0.1, "s/image", "guess: reading, refining, writing fields"),
    "depth_exponent": Assumption(1.0, "power", "guess: time in proportion to the trunk's layers"),
    "decode_time": Assumption(0.5, "core s/image", "guess: at 1401 px and stride 8"),
    "images_train": Assumption(118287, "images", "COCO's own count of train2017"),
    "images_val": Assumption(5000, "images", "COCO's own count of val2017"),
    "images_test_dev": Assumption(20288, "images", "COCO's own count of test-dev2017"),
    "image_bytes": Assumption(163e3, "bytes/image", "train2017.zip over its number of images"),
    "record_factor": Assumption(1.1, "share", "guess: a record over its JPEG"),
    "field_bytes": Assumption(
        4.7, "bytes/input px", "9 MB at 1401 x 1401 px, stride 8, float16 before compression"
    ),
    "run_bytes": Assumption(
        1.2e9, "bytes/run", "guess: weights of 240 MB and two states of 480 MB"
    ),
    "result_bytes": Assumption(3e3, "bytes/image", "guess: keypoints and masks in JSON"),
    "field_shards": Assumption(16, "shards", "the cap of profiles/slurm"),
}
REFERENCE_DEPTH = 101


@dataclass(frozen=True)
class Bill:
    """What a study takes; hours are those of the assumptions."""

    jobs: dict[str, int]
    training_gpu_hours: float
    inference_gpu_hours: float
    decoding_core_hours: float
    download_bytes: int
    storage_bytes: dict[str, float]

    def lines(self) -> list[str]:
        """The bill as text."""
        storage = sum(self.storage_bytes.values())
        rows = [f"{count:>9,}  jobs of {rule}" for rule, count in self.jobs.items()]
        rows += [
            f"{sum(self.jobs.values()):>9,}  jobs in all",
            f"{self.training_gpu_hours:>9,.1f}  GPU hours of training (estimate)",
            f"{self.inference_gpu_hours:>9,.1f}  GPU hours of inference (estimate)",
            f"{self.decoding_core_hours:>9,.1f}  core hours of decoding (estimate)",
            f"{self.download_bytes / 1e9:>9,.1f}  GB to download (from the config)",
            *(f"{v / 1e9:>9,.1f}  GB of {k} (estimate)" for k, v in self.storage_bytes.items()),
            f"{storage / 1e9:>9,.1f}  GB on disk at most (estimate)",
            "assumed:",
        ]
        return rows + [f"{a.value:>9g}  {a.unit}, {k}: {a.source}" for k, a in ASSUMPTIONS.items()]


def bill(
    study: Study, needs: Mapping[str, tuple[str, ...]], weights: Mapping[str, Mapping]
) -> Bill:
    """The bill of a study.

    Args:
        study: The study.
        needs: The words of NEEDS of every table and figure, by name.
        weights: The published weights of `config/weights.yaml`.
    """
    runs = [(x, seed) for x in study.trained.values() for seed in x.seeds]
    tests = list(_tests(study))
    training = sum(_training_s(x) for x, _ in runs if x.resources["gpu"]) / 3600
    inference = sum(_inference_s(x, t, p) for x, t, p in tests if x.resources["gpu"]) / 3600
    looked_at = sum(_images(t.dataset, t.split) for _, t, _ in tests)
    return Bill(
        jobs=_jobs(study, needs, weights),
        training_gpu_hours=training,
        inference_gpu_hours=inference,
        decoding_core_hours=looked_at * _assumed("decode_time") / 3600,
        download_bytes=sum(dataset.files[name]["bytes"] for dataset, name in _archives(study)),
        storage_bytes=_storage(study, len(runs), looked_at),
    )


def _assumed(name: str) -> float:
    return ASSUMPTIONS[name].value


def _tests(study: Study) -> Iterator[tuple[Experiment, DatasetSplit, Protocol]]:
    """Every test, once for each seed."""
    for experiment in study.experiments.values():
        for _ in experiment.seeds:
            for test in experiment.test_on:
                for protocol in study.protocols.values():
                    yield experiment, test, protocol


def _trained_splits(study: Study) -> dict[tuple[str, str], Subset]:
    """A subset of every split that is trained on, by dataset and split."""
    return {(x.subset.dataset.name, x.subset.split): x.subset for x in study.trained.values()}


def _splits(study: Study) -> dict[tuple[str, str], Dataset]:
    """Every split that is trained or tested on, with its dataset."""
    trained = {place: subset.dataset for place, subset in _trained_splits(study).items()}
    tested = {(t.dataset.name, t.split): t.dataset
              for x in study.trained.values() for t in x.test_on}  # fmt: skip
    used = trained | tested
    completed = {(d.imputation.source.name, s): d.imputation.source
                 for (_, s), d in used.items() if d.imputation}  # fmt: skip
    return used | completed


def _archives(study: Study) -> list[tuple[Dataset, str]]:
    found = {
        (dataset.name, name): (dataset, name)
        for (_, split), dataset in _splits(study).items()
        if not dataset.local
        for name in dataset.splits[split].files
    }
    return list(found.values())


def _jobs(study: Study, needs, weights) -> dict[str, int]:
    splits, tests = _splits(study), list(_tests(study))
    trained = _trained_splits(study).values()
    runs = [(x.name, seed) for x in study.trained.values() for seed in x.seeds]
    shards = sum(_of(test).test_shards for _, test, _ in tests)
    shown = [need for name in (*study.tables, *study.figures) for need in needs[name]]
    samples = list(study.experiments.values()) if "samples" in shown else []
    disjoint = {
        (link.subset.name, t.dataset.name, t.split)
        for x in study.experiments.values()
        for link in study.chain(x.name)
        for t in x.test_on
    }
    trunks = {x.published_trunk(weights) for x in study.trained.values()} - {None}
    scored = [test for _, test, _ in tests if _of(test).server_name is None]
    counts = {
        "fetch_archive": len(_archives(study)),
        "fetch_weights": len(trunks),
        "make_split": sum(
            d.splits[s].annotations is None for (_, s), d in splits.items() if not d.imputation
        ),
        "convert_annotations": sum(d.is_converted for d in splits.values()),
        "impute_keypoints": sum(d.imputation is not None for d in splits.values()),
        "take_part": sum(d.splits[s].take is not None for (_, s), d in splits.items()),
        "check_split": len(splits),
        "draw_subset": len(study.subsets),
        "check_disjoint": len(disjoint),
        "write_records": sum(s.dataset.splits[s.split].record_shards for s in trained),
        "train_model": len(runs),
        **_pairwise_jobs(study),
        "draw_samples": len({(x.test_on[0].dataset.name, x.test_on[0].split) for x in samples}),
        "infer_samples": len(samples),
        "infer_shard": shards,
        "decode_shard": shards,
        "merge_results": len(tests),
        "evaluate_results": len(scored),
        "pack_submission": sum(
            1 + x.gives_masks(p) for x, t, p in tests if _of(t).server_name is not None
        ),
        "make_table": len(study.tables),
        "make_figure": len(study.figures),
        "list_packages": 1,
    }
    return {rule: count for rule, count in counts.items() if count}


def _of(test: DatasetSplit) -> Split:
    return test.dataset.splits[test.split]


def _pairwise_jobs(study: Study) -> dict[str, int]:
    """What experiments add whose keypoints are grouped by pairwise terms."""
    grouped = [x for x in study.experiments.values() if x.groups_by_multicut]
    measured = {
        x.subset.name
        for x in study.trained.values()
        if x.settings["system_options"].get("pairwise_statistics") == "subset"
    }
    terms = sum(len(x.seeds) for x in grouped) * len(study.protocols)
    return {
        "measure_pairs": len(measured),
        "draw_pair_images": len({x.subset.name for x in grouped}),
        "infer_pairs": terms,
        "fit_pairwise_terms": terms,
        "draw_calibration": terms,
    }


def _images(dataset: Dataset, split: str) -> float:
    if dataset.generator:
        return dataset.generator["images"][split]
    return ASSUMPTIONS[f"images_{split}"].value if f"images_{split}" in ASSUMPTIONS else 0


def _depth(experiment: Experiment) -> float:
    depth = experiment.settings["backbone_options"].get("depth", REFERENCE_DEPTH)
    return (depth / REFERENCE_DEPTH) ** _assumed("depth_exponent")


def _training_s(experiment: Experiment) -> float:
    crops = crop_sides(experiment.settings)
    pixels = sum(crop**2 for crop in crops) / len(crops)
    schedule = experiment.settings["training"]
    megapixels = pixels * schedule["steps"] * schedule["batch"] / 1e6
    speed = _assumed("training_speed") * _assumed("training_share")
    return megapixels * _depth(experiment) / speed


def _inference_s(experiment: Experiment, test: DatasetSplit, protocol: Protocol) -> float:
    pixels = sum(side**2 for side in protocol.settings["sides"]) * 0.75  # photographs are 4 : 3
    views = 2 if protocol.settings["flip"] else 1
    each = pixels * views / 1e6 * _depth(experiment) / _assumed("inference_speed")
    return _images(test.dataset, test.split) * (each + _assumed("inference_overhead"))


def _storage(study: Study, runs: int, looked_at: float) -> dict[str, float]:
    archives = sum(d.files[name]["bytes"] for d, name in _archives(study))
    trained = _trained_splits(study)
    images = sum(_images(s.dataset, s.split) for s in trained.values())
    shard = max(
        (
            _images(t.dataset, t.split) / t.dataset.splits[t.split].test_shards
            * p.settings["sides"][0] ** 2 * 0.75 * _assumed("field_bytes")
            for _, t, p in _tests(study)
        ),
        default=0,
    )  # fmt: skip
    return {
        "archives": archives,
        "unpacked images": archives,
        "records": images * _assumed("image_bytes") * _assumed("record_factor"),
        "runs": runs * _assumed("run_bytes"),
        "fields at a time": shard * _assumed("field_shards"),
        "results": looked_at * _assumed("result_bytes"),
    }
