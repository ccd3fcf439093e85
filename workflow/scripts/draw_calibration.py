"""Draws how well calibrated pairwise terms are."""

from bottomup.job import run_job


def main(job):
    import pandas as pd

    from bottomup.publish.reliability import draw_reliability

    draw_reliability(pd.read_csv(job.input.calibration), job.output.figure)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
