"""What jobs used, as Slurm's accounting knows it: the profile's efficiency report."""

import shutil
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from accounting_slurm import AccountingCluster, why_no_accounting
from loopback_slurm import why_not

pytestmark = pytest.mark.cluster


@pytest.fixture
def accounting():
    reason = why_not() or why_no_accounting()
    if reason:
        pytest.skip(reason)
    base = Path(tempfile.mkdtemp(prefix="slurm-"))
    try:
        with AccountingCluster(base) as running:
            yield running
    finally:
        shutil.rmtree(base, ignore_errors=True)


def test_the_efficiency_report_lists_the_jobs(accounting, story):
    story.set_steps(6)
    folder = story.folder / "results/logs/slurm"
    done = story.on(
        accounting, "--slurm-efficiency-report", "--slurm-efficiency-report-path", str(folder)
    )
    assert done.wait() == 0, story.said
    (path,) = folder.rglob("efficiency_report_*.csv")
    report = pd.read_csv(path)
    assert (report["Elapsed_sec"] >= 0).all()
    training = report[report["RuleName"].str.contains("train_model", na=False)]
    assert len(training) == 1
    assert training["TotalCPU_sec"].item() > 0
    assert training["RequestedMem_MB"].item() > training["MaxRSS_MB"].item() > 0
