"""Writes one shard of a split's records."""

from bottomup.job import run_job


def main(job):
    from bottomup.records import write_records
    from bottomup.skeleton import Skeleton

    write_records(
        job.params.annotations,
        Skeleton.from_dict(job.params.skeleton),
        job.params.images,
        job.output.records,
        job.params.shard,
        job.params.shards,
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
