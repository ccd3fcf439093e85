"""Fetches the published weights of a trunk and verifies them."""

from bottomup.job import run_job


def main(job):
    from bottomup.datasets.coco_mirror import download_file

    download_file(job.params.entry, job.output.weights)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
