"""What the rules look up of tests, and the files that a whole study has."""


def has_masks(test):
    """Whether a test, as the values of the wildcards of `TEST`, gives masks."""
    return STUDY.trained[test["experiment"]].gives_masks(STUDY.protocols[test["protocol"]])


def is_scored(test):
    """Whether the annotations of what is tested on are here."""
    return test.dataset.splits[test.split].server_name is None


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


def disjoint(wildcards):
    """The marks that nothing of a test was learned from, by the run or one that it starts from."""
    return [
        f"results/subsets/{trained.subset.name}/disjoint/{wildcards.dataset}-{wildcards.split}.json"
        for trained in STUDY.chain(wildcards.experiment)
    ]


def fields_settings(wildcards):
    """What inference reads of a protocol; an edited decoder infers again only if fields are gone."""
    settings = STUDY.protocols[wildcards.protocol].settings
    return {key: settings[key] for key in ("sides", "flip", "output_stride", "refine")}


def pairwise_terms(wildcards):
    """The file of pairwise terms that a test decodes with, if it needs one."""
    if not experiment_of(wildcards).groups_by_multicut:
        return []
    names = {name: getattr(wildcards, name) for name in ("experiment", "seed", "protocol")}
    return f"{RUN}/pairwise/{{protocol}}/terms.json".format(**names)


def decoder_of(test):
    """What decoding reads of a protocol, with what the run brings: its radius, pairwise terms."""
    experiment = STUDY.experiments[test["experiment"]]
    settings = experiment.decoder_settings(STUDY.protocols[test["protocol"]])
    terms = pairwise_terms(SimpleNamespace(**test)) or None
    return settings | {"multicut": settings["multicut"] | {"terms": terms}}


def decoded_shards(wildcards):
    pattern = f"{TEST}/decoded-{{{{shard}}}}-of-{{{{shards}}}}.json".format(**wildcards)
    return numbered(pattern, dataset_of(wildcards).splits[wildcards.split].test_shards)


def all_metrics():
    return [f"{TEST}/metrics.csv".format(**test) for test in tests()]


def all_calibrations():
    """The figures of how well calibrated pairwise terms are."""
    return [
        f"{PAIRS}/calibration.png".format(**test)
        for test in tests(lambda test: True)
        if STUDY.trained[test["experiment"]].groups_by_multicut
    ]


def all_submissions():
    """The archives for an evaluation server."""
    return [
        f"{SUBMISSION}/{prefix}_{name}_{ALGORITHM}_results.zip".format(**test)
        for test in tests(lambda test: not is_scored(test))
        for name in [STUDY.datasets[test["dataset"]].splits[test["split"]].server_name]
        for prefix in TASKS
        if prefix == "person_keypoints" or has_masks(test)
    ]


def all_publications():
    tables = expand(
        "results/tables/{table}.{suffix}", table=STUDY.tables, suffix=["csv", "md", "tex", "html"]
    )
    figures = expand(
        "results/figures/{figure}.{suffix}", figure=STUDY.figures, suffix=["png", "svg"]
    )
    return tables + figures
