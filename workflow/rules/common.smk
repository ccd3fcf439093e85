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


def numbered(pattern, count):
    """`pattern` for each shard of `count`."""
    return [pattern.format(shard=f"{k:05}", shards=f"{count:05}") for k in range(count)]
