"""Writes the annotations of a split, which are in a format of their own, as a COCO file."""

from bottomup.job import run_job


def main(job):
    from bottomup import lookup

    lookup.load("datasets", job.params.kind).convert(job.input.source, job.output.annotations)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
