"""Makes sure that no image of a subset is in a split that its experiments are tested on."""

import json

from bottomup.job import run_job


def main(job):
    from bottomup.coco import check_disjoint, read_annotations
    from bottomup.files import written_aside
    from bottomup.skeleton import Skeleton

    skeleton = Skeleton.from_dict(job.params.skeleton)
    train = read_annotations(job.input.subset, skeleton)
    test = read_annotations(job.params.annotations, skeleton)
    check_disjoint(train, test)
    with written_aside(job.output.checked) as aside:
        aside.write_text(json.dumps({"train": len(train.images), "test": len(test.images)}))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
