"""A study, from annotated images to its tables and figures. Start with README.md."""

import os
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")

ROOT = Path(workflow.basedir)

# Only without --configfile: Snakemake would merge the quickstart's keys into another study.
if not workflow.overwrite_configfiles:

    configfile: ROOT / "config/config.yaml"


# Jobs find the library by this path, also in conda environments and on other nodes.
for name, folder in (("PYTHONPATH", ROOT / "src"), ("PATH", Path(sys.executable).parent)):
    os.environ.update({name: os.pathsep.join(filter(None, [str(folder), os.getenv(name)]))})
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


report: "workflow/report/study.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/common_splits.smk"
include: "workflow/rules/common_runs.smk"
include: "workflow/rules/common_tests.smk"
include: "workflow/rules/publications.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/subsets.smk"
include: "workflow/rules/records.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/infer.smk"
include: "workflow/rules/pairwise.smk"
include: "workflow/rules/decode.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/submit.smk"
include: "workflow/rules/publish.smk"


rule all:
    default_target: True
    input:
        all_metrics(),
        all_submissions(),
        all_calibrations(),
        all_publications(),
        "results/packages.txt",
    message:
        "The study is complete: see results/tables and results/figures"
