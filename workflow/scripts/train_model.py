"""Trains one run, or goes on with one that was interrupted."""

from pathlib import Path

from bottomup.job import run_job


def main(job):
    from bottomup.coco import check_disjoint
    from bottomup.skeleton import Skeleton
    from bottomup.training import train

    for annotations, same_dataset in job.params.tests:
        # Of data that is still on its way, `check_disjoint` is a rule of its own.
        if Path(annotations).exists():
            check_disjoint(job.params.subset, annotations, same_dataset)
    train(
        job.params.settings,
        job.input.records,
        job.input.images,
        Skeleton.from_dict(job.params.skeleton),
        job.params.seed,
        Path(job.output.weights).parent,
        job.params.state,
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
