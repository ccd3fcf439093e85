"""What the rules look up of trainings: settings, initial weights, and the digest of all that decides
the weights.
"""


def source_of_training(wildcards):
    subset = experiment_of(wildcards).subset
    return subset.dataset.name, subset.split


def records_for_training(wildcards):
    return records_of(*source_of_training(wildcards))


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
    name = experiment_of(wildcards).published_trunk(WEIGHTS)
    if name:
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


def pairwise_statistics(wildcards):
    """The file of statistics that the training learns in, if it asks for it."""
    experiment = experiment_of(wildcards)
    if experiment.settings["system_options"].get("pairwise_statistics") != "subset":
        return []
    return f"results/subsets/{experiment.subset.name}/pairwise_statistics.csv"


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
        script_digest("measure_pairs.py") if experiment.groups_by_multicut else None,
        subset.recipe,
        subset.dataset.name,
        subset.split,
        subset.dataset.splits[subset.split].take,
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
