"""Makes one table or figure in all its formats, and says how to get a table's numbers again."""

from bottomup.job import run_job


def main(job):
    from bottomup import lookup
    from bottomup.publish.inputs import Inputs
    from bottomup.publish.reproduce import write_reproduction

    module = lookup.load("publish", job.params.module)
    reproduce = getattr(job.output, "reproduce", None)
    outputs = [path for path in job.output if path != reproduce]
    module.make(Inputs.from_plain(job.params.values), outputs)
    if reproduce:
        write_reproduction(job.output.csv, job.params.tests, reproduce)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
