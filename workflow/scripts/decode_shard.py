"""Decodes the fields of one shard into persons."""

from bottomup.job import run_job


def main(job):
    from bottomup.decoding.shard import decode_shard

    decode_shard(
        job.input.fields,
        {"decoder": job.params.decoder},
        job.params.skeleton,
        job.output.decoded,
        job.threads,
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
