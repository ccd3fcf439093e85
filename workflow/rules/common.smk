"""What the rules look up: the study, the paths of its files, the digests of its code.

A parameter that is a function of `output` starts no job when its value changes (Snakemake calls
such parameters derived). `untracked` makes one, for values that say where something lies or how it
travels, and not what comes out.
"""

import os
import sys
from functools import cache
from types import SimpleNamespace

sys.path.insert(0, str(ROOT / "src"))

from bottomup.catalogue import publish_modules
from bottomup.config import load_study
from bottomup.errors import InputError
from bottomup.provenance import code_digest, values_digest
from bottomup.schema import load_schema, read_yaml, validated
from snakemake.exceptions import WorkflowError

DATASETS = "resources/datasets"
RUN = "results/runs/{experiment}/seed-{seed}"
TEST = f"{RUN}/{{dataset}}-{{split}}/{{protocol}}"
CPU_ENV = str(ROOT / "envs/cpu.yaml")

try:
    STUDY = load_study(config, ROOT, source=" + ".join(map(str, workflow.configfiles)))
    PUBLICATIONS = publish_modules()
    WEIGHTS = validated(
        read_yaml(ROOT / "config/weights.yaml"), load_schema("weights"), "config/weights.yaml"
    )
except InputError as error:
    raise WorkflowError(str(error))

BACKEND = STUDY.compute["backend"] or os.environ.get("KERAS_BACKEND", "tensorflow")
PAIR_IMAGES = 1000
GPU_ENV = str(ROOT / "envs" / ("gpu_jax.yaml" if BACKEND == "jax" else "gpu.yaml"))


def one_of(names):
    """A wildcard constraint that admits these names and nothing else."""
    return "|".join(map(re.escape, sorted(names))) or "(?!)"


wildcard_constraints:
    dataset=one_of(STUDY.datasets),
    split=one_of({split for dataset in STUDY.datasets.values() for split in dataset.splits}),
    subset=one_of(STUDY.subsets),
    experiment=one_of(STUDY.trained),
    protocol=one_of(STUDY.protocols),
    table=one_of(n for n, module in PUBLICATIONS.items() if module.kind == "table"),
    figure=one_of(n for n, module in PUBLICATIONS.items() if module.kind == "figure"),
    seed=r"\d+",
    shard=r"\d{5}",
    shards=r"\d{5}",


def untracked(function):
    """A parameter whose value is handed to the script but starts no job when it changes."""
    return lambda wildcards, output: function(wildcards)


def compute(wildcards):
    """What training and inference compute on; see `bottomup.devices.use`."""
    return compute_of(experiment_of(wildcards))


def compute_of(experiment):
    return STUDY.compute if experiment.resources["gpu"] else STUDY.compute | {"device": "cpu"}


@cache
def script_digest(script, plug_ins=()):
    return code_digest(ROOT / "workflow" / "scripts" / script, plug_ins)


def code(script, plug_ins=lambda wildcards: ()):
    """The parameter `code` of a rule: it changes when what the script computes with changes."""
    return lambda wildcards: script_digest(script, plug_ins(wildcards))


def shell_code(text):
    """The parameter `code` of a rule that runs a shell command."""
    return values_digest(" ".join(text.split()))


def experiment_of(wildcards):
    return STUDY.trained[wildcards.experiment]


def threads_of(most):
    """As many threads as the experiment asks for, and at most these."""
    return lambda wildcards: min(most, experiment_of(wildcards).resources["threads"])


def gpus_of(wildcards):
    return experiment_of(wildcards).resources["gpu"]


def growing(mem_mb):
    """Memory that doubles with every attempt, so that a job that was killed for it comes through."""
    return lambda wildcards, attempt: mem_mb * 2 ** (attempt - 1)


def network_plug_ins(wildcards):
    """The modules that training and inference look up by name."""
    return plug_ins_of(experiment_of(wildcards))


def plug_ins_of(experiment):
    return (
        f"bottomup.backbones.{experiment.backbone}",
        f"bottomup.systems.{experiment.system}",
    )


def dataset_of(wildcards):
    return STUDY.datasets[wildcards.dataset]


def skeleton_of(wildcards):
    """What the dataset annotates."""
    return dataset_of(wildcards).skeleton.to_dict()


def model_skeleton(wildcards):
    """What the experiment was trained to find."""
    return experiment_of(wildcards).skeleton.to_dict()


def split_of(wildcards):
    return dataset_of(wildcards).splits[wildcards.split]


def is_made(dataset, split):
    """Whether the workflow draws this split itself."""
    return STUDY.datasets[dataset].splits[split].annotations is None and not is_imputed(dataset)


def is_imputed(dataset):
    """Whether this is another dataset with keypoints filled in by a run."""
    return STUDY.datasets[dataset].imputation is not None


def is_converted(dataset):
    """Whether the annotations of this dataset are in a format of their own."""
    return STUDY.datasets[dataset].kind not in ("coco_mirror", "synthetic", "imputed")


def is_part(dataset, split):
    """Whether the split is cut from an annotation file by a seeded recipe."""
    return STUDY.datasets[dataset].splits[split].take is not None


def is_derived(dataset, split):
    """Whether the split's annotations are made from others by a rule."""
    return is_converted(dataset) or is_imputed(dataset) or is_part(dataset, split)


def is_scored(test):
    """Whether the annotations of what is tested on are here."""
    return test.dataset.splits[test.split].server_name is None


def server_names():
    splits = [split for dataset in STUDY.datasets.values() for split in dataset.splits.values()]
    return {split.server_name for split in splits if split.server_name}


def source_of_split(dataset, split):
    """Path of a split's annotation file as published."""
    folder = STUDY.datasets[dataset].local or f"{DATASETS}/{dataset}"
    return str(Path(folder) / STUDY.datasets[dataset].splits[split].annotations)


def published_files(dataset, split):
    """The files that hold a split as published: its annotations, or the archives with them."""
    if STUDY.datasets[dataset].local or not STUDY.datasets[dataset].splits[split].files:
        return [source_of_split(dataset, split)]
    return unpacked(dataset, split)


def unpacked(dataset, split):
    """The marks that the archives of a split were fetched and unpacked."""
    archives = STUDY.datasets[dataset].splits[split].files
    return [f"{DATASETS}/{dataset}/{archive}.unpacked" for archive in archives]


def annotations_of(dataset, split):
    """Path of a split's COCO annotation file, wherever the dataset comes from."""
    if is_made(dataset, split) or is_derived(dataset, split):
        return f"{DATASETS}/{dataset}/{split}/annotations.json"
    return source_of_split(dataset, split)


def images_of(dataset, split):
    """Folder of a split's images, wherever the dataset comes from."""
    if is_imputed(dataset):
        return images_of(STUDY.datasets[dataset].imputation.source.name, split)
    if is_made(dataset, split):
        return f"{DATASETS}/{dataset}/{split}/images"
    folder = STUDY.datasets[dataset].local or f"{DATASETS}/{dataset}"
    return str(Path(folder) / STUDY.datasets[dataset].splits[split].images)


def data_of(dataset, split):
    """The files whose change means that the split has changed."""
    local = STUDY.datasets[dataset].local
    if local or is_made(dataset, split) or is_derived(dataset, split):
        return [annotations_of(dataset, split)]
    return unpacked(dataset, split)


def checked(dataset, split):
    """The mark that a split was read and found sound."""
    return f"{DATASETS}/{dataset}/{split}.checked.json"


def numbered(pattern, count):
    """`pattern` for each shard of `count`."""
    return [pattern.format(shard=f"{k:05}", shards=f"{count:05}") for k in range(count)]


def records_of(dataset, split):
    count = STUDY.datasets[dataset].splits[split].record_shards
    pattern = f"results/records/{dataset}/{split}-{{shard}}-of-{{shards}}.tfrecord"
    return numbered(pattern, count)


def imputation_of(wildcards):
    return dataset_of(wildcards).imputation


def source_of_imputed(wildcards):
    return imputation_of(wildcards).source.name


def run_that_imputes(wildcards, file):
    """A file of the run that fills in the keypoints of a dataset."""
    imputation = imputation_of(wildcards)
    run = RUN.format(experiment=imputation.experiment.name, seed=imputation.seed)
    return f"{run}/{file}"


def archive_of(wildcards):
    return dataset_of(wildcards).files[wildcards.archive]


def settings_of_split(wildcards):
    """The generator's settings; how many images another split has does not concern this one."""
    settings = dataset_of(wildcards).generator
    images = {split: n * (split == wildcards.split) for split, n in settings["images"].items()}
    return settings | {"images": images}


def subset_of(wildcards):
    return STUDY.subsets[wildcards.subset]


def source_of_subset(wildcards):
    return subset_of(wildcards).dataset.name, subset_of(wildcards).split


def records_for_training(wildcards):
    subset = experiment_of(wildcards).subset
    return records_of(subset.dataset.name, subset.split)


def tests_of_training(wildcards):
    """What a run is tested on, beside all that it learned from, itself or by its initial weights.

    Each as the annotations of a subset, those of a test, and whether of the same dataset.
    """
    chain = STUDY.chain(wildcards.experiment)
    return [
        (
            f"results/subsets/{trained.subset.name}/annotations.json",
            annotations_of(test.dataset.name, test.split),
            test.dataset.origin.name == trained.subset.dataset.origin.name,
        )
        for trained in chain
        for test in chain[0].test_on
    ]


def disjoint(wildcards):
    """The marks that nothing of a test was learned from, by the run or one that it starts from."""
    return [
        f"results/subsets/{trained.subset.name}/disjoint/{wildcards.dataset}-{wildcards.split}.json"
        for trained in STUDY.chain(wildcards.experiment)
    ]


def training_settings(wildcards):
    """The experiment's settings, with initial weights replaced by the file that holds them."""
    settings = experiment_of(wildcards).settings
    start = experiment_of(wildcards).starts_from
    if start:
        ancestors = STUDY.ancestors(wildcards.experiment)
        files = [
            f"results/runs/{ancestor.name}/seed-{wildcards.seed}/weights.keras"
            for ancestor in ancestors
        ]
        weights = {"files": files, "part": settings["initial_weights"]["part"]}
        return settings | {"initial_weights": weights}
    if settings["initial_weights"] != "imagenet":
        return settings
    for name, weights in WEIGHTS.items():
        if all(weights[key] == settings[key] for key in ("backbone", "backbone_options")):
            return settings | {"initial_weights": {"trunk_file": f"resources/weights/{name}.h5"}}
    raise WorkflowError(
        f"config/experiments/{wildcards.experiment}.yaml: initial_weights: config/weights.yaml names "
        f"no weights for {settings['backbone']} with {settings['backbone_options']}; "
        "add them there, or start from random"
    )


def initial_weights_file(wildcards):
    weights = training_settings(wildcards)["initial_weights"]
    if not isinstance(weights, dict):
        return []
    return weights.get("files", []) + [weights[k] for k in ("file", "trunk_file") if k in weights]


def groups_by_multicut(experiment):
    """Whether its people are candidates grouped by pairwise terms; there are then no masks."""
    return "pairwise_statistics" in STUDY.trained[experiment].settings["system_options"]


def source_of_training(wildcards):
    subset = experiment_of(wildcards).subset
    return subset.dataset.name, subset.split


def pairwise_statistics(wildcards):
    """The file of statistics that the training learns in, if it asks for it."""
    experiment = experiment_of(wildcards)
    if experiment.settings["system_options"].get("pairwise_statistics") != "subset":
        return []
    return f"results/subsets/{experiment.subset.name}/pairwise_statistics.csv"


def pairwise_terms(wildcards):
    """The file of pairwise terms that a test decodes with, if it needs one."""
    if not groups_by_multicut(wildcards.experiment):
        return []
    names = {name: getattr(wildcards, name) for name in ("experiment", "seed", "protocol")}
    return f"{RUN}/pairwise/{{protocol}}/terms.json".format(**names)


def training_code(wildcards):
    return script_digest("train_model.py", network_plug_ins(wildcards))


def state_digest(experiment, seed):
    """Digest of all that decides the weights; those of a run that starts another are part of it."""
    wildcards = SimpleNamespace(experiment=experiment.name, seed=seed)
    subset, start = experiment.subset, experiment.starts_from
    return values_digest(
        training_code(wildcards),
        training_settings(wildcards),
        experiment.skeleton.to_dict(),
        script_digest("measure_pairs.py") if groups_by_multicut(experiment.name) else None,
        subset.recipe,
        subset.dataset.name,
        subset.dataset.generator,
        subset.dataset.conversion,
        subset.dataset.files,
        state_digest(STUDY.trained[start], seed) if start else None,
        imputation_digest(subset.dataset.imputation),
    )


def imputation_digest(imputation):
    """Digest of all that decides the keypoints which a run fills in; None if none does."""
    if imputation is None:
        return None
    return values_digest(
        imputation.source.name,
        imputation.settings,
        script_digest("impute_keypoints.py", plug_ins_of(imputation.experiment)),
        state_digest(imputation.experiment, imputation.seed),
    )


def state_folder(wildcards):
    digest = state_digest(experiment_of(wildcards), wildcards.seed)
    return f"results/state/{wildcards.experiment}/seed-{wildcards.seed}/{digest[:16]}"


def fields_settings(wildcards):
    """What inference reads of a protocol; an edited decoder infers again only if fields are gone."""
    settings = STUDY.protocols[wildcards.protocol].settings
    return {key: settings[key] for key in ("sides", "flip", "output_stride", "refine")}


def decoder_of(test):
    """What decoding reads of a protocol, with what the run brings: its radius, pairwise terms."""
    experiment, protocol = test["experiment"], STUDY.protocols[test["protocol"]]
    settings = STUDY.experiments[experiment].decoder_settings(protocol)
    terms = pairwise_terms(SimpleNamespace(**test)) if groups_by_multicut(experiment) else None
    return settings | {"multicut": settings["multicut"] | {"terms": terms}}


def decoded_shards(wildcards):
    pattern = f"{TEST}/decoded-{{{{shard}}}}-of-{{{{shards}}}}.json".format(**wildcards)
    return numbered(pattern, dataset_of(wildcards).splits[wildcards.split].test_shards)


def tests(wanted=is_scored):
    """Every test of the study, as the values of the wildcards of `TEST`.

    Those that an evaluation server scores are left out unless asked for by `wanted`.
    """
    return [
        {
            "experiment": experiment.name,
            "seed": seed,
            "dataset": test.dataset.name,
            "split": test.split,
            "protocol": protocol,
        }
        for experiment in STUDY.experiments.values()
        for seed in experiment.seeds
        for test in experiment.test_on
        if wanted(test)
        for protocol in STUDY.protocols
    ]


def sample_tests():
    """One test of each experiment, whose fields are kept for pictures."""
    first = {}
    for test in tests():
        first.setdefault(test["experiment"], test)
    return list(first.values())


def all_metrics():
    return [f"{TEST}/metrics.csv".format(**test) for test in tests()]


def all_submissions():
    """The archives for an evaluation server."""
    return [
        f"{SUBMISSION}/{prefix}_{name}_{ALGORITHM}_results.zip".format(**test)
        for test in tests(lambda test: not is_scored(test))
        for name in [STUDY.datasets[test["dataset"]].splits[test["split"]].server_name]
        for prefix in ("person_keypoints", "detections")
    ]


def all_publications():
    tables = expand(
        "results/tables/{table}.{suffix}", table=STUDY.tables, suffix=["csv", "md", "tex", "html"]
    )
    figures = expand(
        "results/figures/{figure}.{suffix}", figure=STUDY.figures, suffix=["png", "svg"]
    )
    return tables + figures
