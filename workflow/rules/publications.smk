"""What tables and figures are made from, by the words of a module's `NEEDS`."""

PUBLISHED = str(ROOT / "config" / "published.yaml")


def runs():
    return [
        {"experiment": experiment.name, "seed": seed}
        for experiment in STUDY.experiments.values()
        for seed in experiment.seeds
    ]


def of_runs(file):
    return [run | {"path": f"{RUN}/{file}".format(**run)} for run in runs()]


def split_values(dataset, split):
    return {
        "annotations_path": annotations_of(dataset, split),
        "images_dir": images_of(dataset, split),
        "skeleton": STUDY.datasets[dataset].skeleton.to_dict(),
    }


def result_values(test):
    files = {
        f"{name}_json": f"{TEST}/{name}.json".format(**test)
        for name in ("keypoints", "segmentation", "joint")
    }
    if not has_masks(test):
        files["segmentation_json"] = None
    files["times_csv"] = f"{TEST}/decode_times.csv".format(**test)
    model = {"model": STUDY.experiments[test["experiment"]].skeleton.to_dict()}
    return test | files | split_values(test["dataset"], test["split"]) | model


def sample_values(test):
    samples = {
        "fields_h5": f"{TEST}/samples.h5".format(**test),
        "annotations_path": "results/samples/{dataset}-{split}.json".format(**test),
        "decoder": decoder_of(test),
        "skeleton": STUDY.experiments[test["experiment"]].skeleton.to_dict(),
    }
    return test | split_values(test["dataset"], test["split"]) | samples


def protocol_values():
    return {p.name: p.settings for p in STUDY.protocols.values()}


def used_splits():
    """Splits that are trained or tested on, once each, in the order of the study."""
    used = [
        pair
        for experiment in STUDY.experiments.values()
        for pair in [
            (experiment.subset.dataset.name, experiment.subset.split),
            *((test.dataset.name, test.split) for test in experiment.test_on if is_scored(test)),
        ]
    ]
    return list(dict.fromkeys(used))


def expectation(experiment):
    """What is expected holds for the first test of an experiment by the study's first protocol."""
    place = {"protocol": next(iter(STUDY.protocols))}
    for test in filter(is_scored, experiment.test_on[:1]):
        place |= {"dataset": test.dataset.name, "split": test.split}
    return dict(experiment.expected) | place | {"seeds": len(experiment.seeds)}


def level_of(recipe):
    """Per cent of the images of single people that a recipe leaves out; None for other recipes."""
    if recipe["control_of"] or recipe["at_most"] or recipe["least_people"]:
        return None
    if recipe["weights"] != "equal":
        return None
    drop = recipe["drop"] or {"people": 1, "percent": 0}
    return drop["percent"] if drop["people"] == 1 else None


def stages_of(experiment):
    """Subset and steps of an experiment and of those that it starts from, in their order."""
    stages, name = [], experiment.name
    while name is not None:
        stage = STUDY.trained[name]
        stages.append({"subset": stage.subset.name, "steps": stage.settings["training"]["steps"]})
        name = stage.starts_from
    return stages[::-1]


def study_design():
    return {
        "levels": {name: level_of(subset.recipe) for name, subset in STUDY.subsets.items()},
        "training": {e.name: stages_of(e) for e in STUDY.experiments.values()},
        "comparisons": STUDY.publish["comparisons"],
    }


# For each word of NEEDS: the plain values that a module gets, and the files that they stand for.
VALUES = {
    "metrics": all_metrics,
    "history": lambda: of_runs("history.csv"),
    "runs": lambda: of_runs("run.json"),
    "strata": lambda: {name: f"results/subsets/{name}/strata.csv" for name in STUDY.subsets},
    "results": lambda: [result_values(test) for test in tests()],
    "samples": lambda: [sample_values(test) for test in sample_tests()],
    "dataset_images": lambda: [
        {"dataset": dataset, "split": split} | split_values(dataset, split)
        for dataset, split in used_splits()
    ],
    "expected": lambda: {e.name: expectation(e) for e in STUDY.experiments.values()},
    "published": lambda: PUBLISHED,
    "design": study_design,
    "protocols": protocol_values,
    "benchmarks": lambda: "results/benchmarks",
}
FILES = {
    "metrics": all_metrics,
    "history": lambda: [run["path"] for run in VALUES["history"]()],
    "runs": lambda: [run["path"] for run in VALUES["runs"]()],
    "strata": lambda: list(VALUES["strata"]().values()),
    "results": lambda: [
        test[file]
        for test in VALUES["results"]()
        for file in ("keypoints_json", "segmentation_json", "joint_json", "times_csv")
        if test[file] is not None
    ],
    "samples": lambda: [
        test[file] for test in VALUES["samples"]() for file in ("fields_h5", "annotations_path")
    ]
    + [
        test["decoder"]["multicut"]["terms"]
        for test in VALUES["samples"]()
        if test["decoder"]["multicut"]["terms"]
    ],
    "dataset_images": lambda: [file for pair in used_splits() for file in data_of(*pair)],
    "expected": lambda: [],
    "published": lambda: [PUBLISHED],
    "design": lambda: [],
    "protocols": lambda: [],
    "benchmarks": lambda: [],
}


def tests_behind():
    """Every test of the study with what it takes to get its numbers again."""
    return [
        test
        | {
            "run": f"{RUN}/run.json".format(**test),
            "digest": config_digest(test)[:16],
            "command": again_command(test),
        }
        for test in tests()
    ]


def config_digest(test):
    """Digest of what the config says about a test, wherever it says so."""
    experiment = STUDY.experiments[test["experiment"]]
    protocol = STUDY.protocols[test["protocol"]]
    return values_digest(
        experiment.settings,
        experiment.subset.recipe,
        protocol.settings,
        test["dataset"],
        test["split"],
    )


def again_command(test):
    """The command that makes the metrics of a test."""
    files = [Path(file).resolve() for file in workflow.configfiles]
    shown = [file.relative_to(ROOT) if file.is_relative_to(ROOT) else file for file in files]
    options = f"--configfile {' '.join(map(str, shown))} " if shown else ""
    return f"snakemake --cores all {options}-- {f'{TEST}/metrics.csv'.format(**test)}"


def publication_of(wildcards):
    return PUBLICATIONS[wildcards.get("table") or wildcards.get("figure")]


def needs_of(wildcards):
    publication = publication_of(wildcards)
    unknown = set(publication.needs) - set(VALUES)
    if unknown:
        raise WorkflowError(
            f"src/bottomup/publish/{publication.name}.py: NEEDS has {min(unknown)!r}; "
            f"use words of {', '.join(VALUES)}"
        )
    return publication.needs


def publication_files(wildcards):
    return [file for need in needs_of(wildcards) for file in FILES[need]()]


def publication_values(wildcards):
    return {need: VALUES[need]() for need in needs_of(wildcards)}


def publication_module(wildcards):
    return (f"bottomup.publish.{publication_of(wildcards).name}",)


def for_report(path, name, kind):
    # One label only: of a second with two values, half of the results each, Snakemake's page makes
    # a switch, and shows nothing of the category.
    return report(
        path,
        caption="../report/publication.rst",
        category=report_category,
        labels={"result": f"{name} ({kind})"},
    )


# The report lists categories by the alphabet; these figures keep them in the order of reading.
CATEGORIES = (
    "Overview",
    "Papers",
    "Accuracy",
    "Data",
    "Training",
    "Pictures",
    "Cost",
    "Provenance",
)


def report_category(wildcards):
    return numbered_category(publication_of(wildcards).category)


def numbered_category(category):
    place = CATEGORIES.index(category) + 1 if category in CATEGORIES else len(CATEGORIES) + 1
    return f"{place} {category}"
