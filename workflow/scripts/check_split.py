"""Reads every annotation and decodes every image of a split, so that nothing breaks hours later."""

import json
from pathlib import Path

from bottomup.job import run_job


def main(job):
    from bottomup.coco import count_people, read_images, read_persons
    from bottomup.files import written_aside
    from bottomup.image_check import check_images
    from bottomup.skeleton import Skeleton

    path = Path(job.params.annotations)
    images = read_images(path)
    by_id = {image.id: image for image in images}
    persons = read_persons(path, Skeleton.from_dict(job.params.skeleton), by_id)
    people = count_people(persons, "any")
    check_images(images, path, job.params.images, job.threads)
    with written_aside(job.output.checked) as aside:
        aside.write_text(json.dumps({"images": len(images), "people": people}))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
