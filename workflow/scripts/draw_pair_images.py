"""Chooses the images of a subset that a run learns its pairwise terms from."""

from bottomup.job import run_job


def main(job):
    from bottomup.shards import write_samples
    from bottomup.skeleton import Skeleton

    skeleton = Skeleton.from_dict(job.params.skeleton)
    write_samples(job.input.annotations, skeleton, job.params.images, job.output.annotations)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
