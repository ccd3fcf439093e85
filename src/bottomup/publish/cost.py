"""What the study cost so far, by step of the workflow: its jobs, their hours on the clock and of
processors, the longest job, and the most memory that one took. Hours of GPUs are not counted apart:
they are in the rows of training and inference. Jobs whose results were made by an earlier study
count where they ran.

Reads the benchmark files that every rule writes.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bottomup.publish.inputs import Inputs
from bottomup.publish.tables import NOT_MEASURED, Table

KIND = "table"
CATEGORY = "Cost"
NEEDS = ("metrics", "benchmarks")
MEBIBYTES = 1024

# Title of each step and where, in the folder of benchmark files, its jobs write.
STEPS = {
    "fetching and unpacking": ("datasets/*/*.unpacked.tsv", "weights/*.tsv"),
    "drawing, converting or parting": ("datasets/*/*/annotations.tsv",),
    "checking": ("datasets/*/*.checked.tsv", "subsets/*/disjoint/*.tsv"),
    "drawing subsets": ("subsets/*.tsv", "samples/*.tsv"),
    "writing records": ("records/*/*.tsv",),
    "training": ("runs/*/seed-*/weights.tsv",),
    "inference": (
        *("runs/*/seed-*/*/*/fields-*.tsv", "runs/*/seed-*/*/*/samples.tsv"),
        "runs/*/seed-*/pairwise/*/fields.tsv",
    ),
    "learning pairwise terms": (
        *("subsets/*/pairwise_statistics.tsv", "subsets/*/pair_images.tsv"),
        *("runs/*/seed-*/pairwise/*/terms.tsv", "runs/*/seed-*/pairwise/*/calibration.tsv"),
    ),
    "decoding": ("runs/*/seed-*/*/*/decoded-*.tsv", "runs/*/seed-*/*/*/keypoints.tsv"),
    "evaluation": ("runs/*/seed-*/*/*/metrics.tsv",),
    "packing for the server": ("submissions/*/seed-*/*/*/*.tsv",),
    "tables and figures": ("tables/*.tsv", "figures/*.tsv", "packages.tsv"),
}


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the table to each output."""
    table = Table(header=("step", "jobs"))
    totals = []
    for title, patterns in STEPS.items():
        jobs = read_jobs(inputs.benchmarks, patterns)
        if len(jobs):
            totals.append(jobs)
            table.add(*_line(title, jobs))
    if totals:
        table.add(*_line("all", pd.concat(totals)))
    table.save(outputs)


def read_jobs(folder: Path | None, patterns: Sequence[str]) -> pd.DataFrame:
    """One row a job: seconds on the clock, of processors, and the most memory in MiB (or NaN)."""
    files = [path for p in patterns if folder is not None for path in sorted(folder.glob(p))]
    columns = {"s": "seconds", "cpu_time": "processor_seconds", "max_rss": "memory_mib"}
    tables = [pd.read_csv(path, sep="\t", na_values=["-", "NA"]).tail(1) for path in files]
    if not tables:
        return pd.DataFrame(columns=list(columns.values()))
    jobs = pd.concat(tables).rename(columns=columns)[list(columns.values())]
    return jobs.apply(pd.to_numeric, errors="coerce")


def _line(title: str, jobs: pd.DataFrame) -> tuple[dict, dict]:
    numbers = {
        "step": title,
        "jobs": len(jobs),
        "clock_hours": jobs["seconds"].sum() / 3600,
        "processor_hours": jobs["processor_seconds"].sum() / 3600,
        "longest_seconds": jobs["seconds"].max(),
        "most_memory_mib": jobs["memory_mib"].max(),
    }
    memory = numbers["most_memory_mib"]
    shown = {
        "step": title,
        "jobs": str(numbers["jobs"]),
        "hours on the clock": f"{numbers['clock_hours']:.2f}",
        "hours of processors": f"{numbers['processor_hours']:.2f}",
        "longest job": clock(numbers["longest_seconds"]),
        "most memory": NOT_MEASURED if pd.isna(memory) else f"{memory / MEBIBYTES:.1f} GiB",
    }
    return numbers, shown


def clock(seconds: float) -> str:
    """Seconds as `1:02:03`."""
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"
