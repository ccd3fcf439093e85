"""Joins the persons of all shards into the two COCO result files of a test."""

from bottomup.job import run_job


def main(job):
    from bottomup.shards import merge_results
    from bottomup.sums import write_sums

    merge_results(
        job.params.annotations,
        job.input.decoded,
        job.output.keypoints,
        job.output.segmentation,
        job.output.joint,
        job.output.times,
    )
    write_sums([job.output.keypoints, job.output.segmentation], job.output.sums)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
