"""Joins the persons of all shards into the two COCO result files of a test."""

from bottomup.job import run_job
from bottomup.shards import merge_results


def main(job):
    merge_results(
        job.params.annotations, job.input.decoded, job.output.keypoints, job.output.segmentation
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
