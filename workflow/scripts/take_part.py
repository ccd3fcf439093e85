"""Writes a part of an annotated split as a split of its own."""

from bottomup.job import run_job


def main(job):
    from bottomup.parts import write_part

    write_part(job.params.source, job.params.take, job.output.annotations)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
