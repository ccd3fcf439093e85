"""Writes the annotations of a split, which are in a format of their own, as a COCO file.

A converter has `convert`, or, if it needs more than the annotation file, `convert_split`.
"""

from pathlib import Path

from bottomup.job import run_job


def main(job):
    from bottomup import lookup

    converter = lookup.load("datasets", job.params.kind)
    if hasattr(converter, "convert"):
        converter.convert(job.params.source, job.output.annotations)
    else:
        converter.convert_split(source_of(job), job.output.annotations)


def source_of(job):
    from bottomup.datasets.source import Source
    from bottomup.skeleton import Skeleton

    return Source(
        annotations=Path(job.params.source),
        images_dir=Path(job.params.images),
        split=job.wildcards.split,
        skeleton=Skeleton.from_dict(job.params.skeleton),
        settings=job.params.settings,
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
