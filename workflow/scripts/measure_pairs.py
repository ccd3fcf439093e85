"""Measures how far the keypoints of a subset's people lie from each other."""

from bottomup.job import run_job


def main(job):
    from bottomup.pairwise_statistics import write_statistics
    from bottomup.skeleton import Skeleton

    write_statistics(
        job.input.annotations, Skeleton.from_dict(job.params.skeleton), job.output.statistics
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
