"""Fills in missing keypoints of small people by a finished run, and marks them."""

import sys
from pathlib import Path

from bottomup.job import run_job


def main(job):
    from bottomup import device_claims, devices

    device_claims.claim(job.resources.gpu)
    devices.use(job.params.compute["backend"], job.params.compute["device"])
    from bottomup.coco import read_annotations
    from bottomup.imputation import ImputationSettings, impute, write_imputed
    from bottomup.single_person import finder
    from bottomup.skeleton import Skeleton

    skeleton = Skeleton.from_dict(job.params.skeleton)
    filled = impute(
        read_annotations(job.params.annotations, skeleton),
        job.params.images,
        *finder(Path(job.input.weights).parent),
        ImputationSettings(**job.params.settings),
    )
    about = {"run": Path(job.input.weights).parent.as_posix(), **job.params.settings}
    count = write_imputed(job.params.annotations, filled, skeleton, about, job.output.annotations)
    print(f"filled in {count} keypoints of {len(filled)} people", file=sys.stderr)


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
