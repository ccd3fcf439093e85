"""Reads every annotation and decodes every image of a split, so that nothing breaks hours later."""

import json

from bottomup.job import run_job


def main(job):
    from bottomup.coco import check_images, read_annotations
    from bottomup.files import written_aside
    from bottomup.skeleton import Skeleton

    annotations = read_annotations(job.params.annotations, Skeleton.from_dict(job.params.skeleton))
    check_images(annotations, job.params.images, job.threads)
    persons = sum(len(group) for group in annotations.persons.values())
    with written_aside(job.output.checked) as aside:
        aside.write_text(json.dumps({"images": len(annotations.images), "persons": persons}))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
