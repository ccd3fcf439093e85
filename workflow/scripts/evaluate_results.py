"""Scores the two result files of a test and names them by experiment, seed, split and protocol."""

from bottomup.job import run_job


def main(job):
    from bottomup.evaluation import evaluate
    from bottomup.files import written_aside
    from bottomup.skeleton import Skeleton
    from bottomup.sums import check_sums

    check_sums([job.input.keypoints, job.input.segmentation], job.input.sums)
    metrics = evaluate(
        job.params.annotations,
        Skeleton.from_dict(job.params.skeleton),
        job.input.keypoints,
        job.input.segmentation if job.params.masks else None,
        model=Skeleton.from_dict(job.params.model),
    )
    names = ("experiment", "seed", "dataset", "split", "protocol")
    for place, name in enumerate(names):
        metrics.insert(place, name, job.params.names[name])
    with written_aside(job.output.metrics) as aside:
        metrics.to_csv(aside, index=False)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
