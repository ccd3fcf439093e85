"""Results for COCO's evaluation server, of a split whose annotations are not public.

The server takes a zip archive with one JSON file of a prescribed name,
`person_keypoints_<split>_<algorithm>_results.json` for keypoints and
`detections_<split>_<algorithm>_results.json` for masks (cocodataset.org, "Upload results"). What it
would refuse after an upload is refused here, with the image id and the remedy.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bottomup.coco import PERSON_ID, read_annotations
from bottomup.coco_results import check_rows, read_results, to_coco
from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.skeleton import COCO_PERSON

WRITTEN = (1980, 1, 1, 0, 0, 0)  # the same bytes each time


def write_submission(
    results_json: Path | str, images_json: Path | str, task: str, out_zip: Path | str
) -> None:
    """Packs the results of one task; the JSON file is named as the archive is.

    Args:
        results_json: COCO results.
        images_json: COCO file that lists the images of the split.
        task: `keypoints` or `segmentation`.
        out_zip: The archive, named as the server wants it.

    Raises:
        InputError: A row is not as the server wants it, or of an image outside the split.
    """
    images = to_coco(read_annotations(images_json, COCO_PERSON))
    rows = read_results(results_json)
    if not rows:
        raise InputError(f"{results_json}: nobody was found in the whole split; nothing to submit")
    check_rows(rows, images, task, COCO_PERSON, str(results_json))
    text = json.dumps([_row(row, task) for row in rows], separators=(",", ":"))
    entry = zipfile.ZipInfo(f"{Path(out_zip).stem}.json", WRITTEN)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with written_aside(out_zip) as aside, zipfile.ZipFile(aside, "w") as archive:
        archive.writestr(entry, text)


def _row(row: Mapping, task: str) -> dict:
    """What the server reads of a row; it wants a visibility of 1 where ours holds the score."""
    common = {"image_id": row["image_id"], "category_id": PERSON_ID, "score": row["score"]}
    if task == "segmentation":
        return common | {"segmentation": row["segmentation"]}
    return common | {"keypoints": _all_visible(row["keypoints"])}


def _all_visible(keypoints: Sequence[float]) -> list[float]:
    return [1 if place % 3 == 2 else value for place, value in enumerate(keypoints)]
