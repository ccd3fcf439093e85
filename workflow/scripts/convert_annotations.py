"""Writes the annotations of a split, which are in a format of their own, as a COCO file.

A converter has `convert`, or, if one file serves several splits, `convert_split`.
"""

from pathlib import Path
from types import SimpleNamespace

from bottomup.job import run_job


def main(job):
    from bottomup import lookup

    converter = lookup.load("datasets", job.params.kind)
    if hasattr(converter, "convert"):
        converter.convert(job.params.source, job.output.annotations)
    else:
        split = SimpleNamespace(annotations=Path(job.params.source), split=job.wildcards.split)
        converter.convert_split(split, job.output.annotations)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
