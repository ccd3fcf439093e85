"""Fetches one archive, verifies it and unpacks it into its dataset's folder."""

import json
from pathlib import Path

from bottomup.job import run_job


def main(job):
    from bottomup.datasets.archives import unpack_archive
    from bottomup.datasets.coco_mirror import download_file
    from bottomup.files import written_aside

    entry = job.params.entry
    archive = Path(job.params.archives) / entry["url"].rsplit("/", 1)[-1]
    download_file(entry, archive, job.params.mirror)
    unpack_archive(archive, Path(job.output.unpacked).parent)
    with written_aside(job.output.unpacked) as aside:
        aside.write_text(json.dumps(entry, indent=1))


if "snakemake" in globals():
    run_job(main, globals()["snakemake"])
