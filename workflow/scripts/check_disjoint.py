"""Makes sure that no image of a subset is in a split that its experiments are tested on."""

import json

from bottomup.job import run_job


def main(job):
    from bottomup.coco import check_disjoint
    from bottomup.files import written_aside

    check_disjoint(job.input.subset, job.params.annotations, job.params.same_dataset)
    with written_aside(job.output.checked) as aside:
        aside.write_text(json.dumps({"shared_images": 0}))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
