"""Draws the images of one split of a made-up dataset, and their annotations."""

from bottomup.job import run_job


def main(job):
    from bottomup import lookup
    from bottomup.skeleton import Skeleton

    lookup.load("datasets", job.params.kind).make_split(
        job.params.settings,
        job.wildcards.split,
        job.params.settings["seed"],
        Skeleton.from_dict(job.params.skeleton),
        job.output.images,
        job.output.annotations,
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
