"""Infers the fields of one shard of a split by a finished run."""

from pathlib import Path

from bottomup.job import run_job


def main(job):
    from bottomup import device_claims, devices

    device_claims.claim(job.resources.gpu)
    # One device: an image at a time has nothing to split.
    devices.use(job.params.compute["backend"], job.params.compute["device"])
    from bottomup.inference import infer_shard

    infer_shard(
        Path(job.input.weights).parent,
        job.params.annotations,
        job.params.images,
        job.params.protocol,
        job.params.shard,
        job.params.shards,
        job.output.fields,
    )


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
