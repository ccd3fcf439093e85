"""Chooses a few images: those that pictures show, or those that a run learns pairs from."""

from bottomup.job import run_job


def main(job):
    from bottomup.shards import write_samples
    from bottomup.skeleton import Skeleton

    skeleton = Skeleton.from_dict(job.params.skeleton)
    write_samples(
        job.params.annotations, skeleton, job.params.sample_images, job.output.annotations
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
