"""Trains one run, or goes on with one that was interrupted."""

from pathlib import Path

from bottomup.job import run_job


def main(job):
    from bottomup import devices

    devices.use(**job.params.compute)
    from bottomup.skeleton import Skeleton
    from bottomup.training import train

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
