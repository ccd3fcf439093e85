"""Learns what makes two candidates one person, from a run's own fields of images it trained on."""

from bottomup.job import run_job


def main(job):
    from bottomup.decoding.multicut.learn import learn_terms
    from bottomup.skeleton import Skeleton

    learn_terms(
        job.input.fields,
        job.input.annotations,
        Skeleton.from_dict(job.params.skeleton),
        job.params.radius_px,
        job.output.terms,
        job.output.calibration,
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
