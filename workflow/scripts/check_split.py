"""Reads every annotation and decodes every image of a split, so that nothing breaks hours later."""

import json
from pathlib import Path

from bottomup.job import run_job


def main(job):
    from bottomup.census import take_census
    from bottomup.coco import read_images
    from bottomup.files import written_aside
    from bottomup.image_check import check_images
    from bottomup.skeleton import Skeleton

    path = Path(job.params.annotations)
    census = take_census(path, Skeleton.from_dict(job.params.skeleton))
    images = read_images(path)
    check_images(images, path, job.params.images, job.threads)
    people = sum(census.people["any"].values())
    with written_aside(job.output.checked) as aside:
        aside.write_text(json.dumps({"images": len(images), "people": people}))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
