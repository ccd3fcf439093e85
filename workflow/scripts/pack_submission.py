"""Packs the results of a split without annotations as COCO's evaluation server takes them."""

from bottomup.job import run_job


def main(job):
    from bottomup.submission import write_submission

    write_submission(job.input.results, job.params.annotations, job.params.task, job.output.archive)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
