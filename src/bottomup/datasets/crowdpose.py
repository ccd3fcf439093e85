"""CrowdPose (Li et al. 2019): its annotation files as COCO files.

They are COCO files but for the area of a person, which they lack. CrowdPose's own evaluation takes
a fixed share of the box for it.
"""

import json
from pathlib import Path

from bottomup.datasets.coco_rows import AREA_SHARE
from bottomup.datasets.source import read_json
from bottomup.errors import InputError
from bottomup.files import written_aside


def convert(source_path: Path | str, out_path: Path | str) -> None:
    """Writes the annotations as a COCO file, with the area of every person.

    Raises:
        InputError: The file is missing, no JSON, or has an annotation without a box.
    """
    content = _read(Path(source_path))
    for row in content["annotations"]:
        try:
            _, _, width, height = row["bbox"]
            row.setdefault("area", AREA_SHARE * width * height)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{source_path}: annotation {row.get('id')} of image {row.get('image_id')} has "
                f"bbox {row.get('bbox')}; give x, y, width and height in pixels"
            ) from error
    with written_aside(out_path) as aside:
        aside.write_text(json.dumps(content), encoding="utf-8")


def _read(path: Path) -> dict:
    content = read_json(path, "place CrowdPose's file there")
    rows = content.get("annotations") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: has no list 'annotations' of objects; place CrowdPose's file")
    return content
