"""Draws one subset of a split by its recipe."""

from pathlib import Path

from bottomup.job import run_job


def main(job):
    from bottomup.census import take_census
    from bottomup.skeleton import Skeleton
    from bottomup.subsets import write_subset_files

    census = take_census(job.params.annotations, Skeleton.from_dict(job.params.skeleton))
    write_subset_files(census, job.params.recipe, Path(job.output.images).parent)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
