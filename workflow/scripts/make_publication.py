"""Makes one table or figure in all its formats."""

from bottomup.job import run_job


def main(job):
    from bottomup import lookup
    from bottomup.publish.inputs import Inputs

    module = lookup.load("publish", job.params.module)
    module.make(Inputs.from_plain(job.params.values), list(job.output))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
