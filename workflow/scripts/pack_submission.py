"""Packs the results of a split without annotations as COCO's evaluation server takes them."""

from bottomup.job import run_job


def main(job):
    from bottomup.submission import write_submission

    for task, results, out in zip(
        ("keypoints", "segmentation"), job.input.results, job.output, strict=True
    ):
        write_submission(results, job.params.annotations, task, out)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
