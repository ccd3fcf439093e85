"""Trains one run, or goes on with one that was interrupted."""

from pathlib import Path

from bottomup.job import run_job


def main(job):
    from bottomup import device_claims, devices

    device_claims.claim(job.resources.gpu)
    devices.use(**job.params.compute)
    from bottomup.coco import check_disjoint
    from bottomup.pairwise_statistics import with_statistics
    from bottomup.skeleton import Skeleton
    from bottomup.training import train

    for subset, test, same_dataset in job.params.tests:
        # For data that is still on its way there is a rule that checks the same.
        if Path(test).exists():
            check_disjoint(subset, test, same_dataset)
    skeleton = Skeleton.from_dict(job.params.skeleton)
    statistics = job.input.get("statistics") or None
    train(
        with_statistics(job.params.settings, statistics, skeleton),
        job.input.records,
        job.input.images,
        skeleton,
        job.params.seed,
        Path(job.output.weights).parent,
        job.params.state,
        job.resources.wall_minutes,
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
