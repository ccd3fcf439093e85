"""COCOPersons (Pose2Seg, Zhang et al. 2019): COCO's persons with both keypoints and a mask.

Rebuilt from COCO's own `person_keypoints_*.json` by the rule that Pose2Seg's page states: a person
stays if it has a labelled keypoint and a segmentation, so crowds and small persons go; an image
stays if somebody on it does. Whoever goes is no longer annotated at all, as in Pose2Seg's files:
training takes these people for background, and testing counts them as false if they are found.

Pose2Seg's own two files need no rule: see `config/datasets/cocopersons_given.yaml`.
"""

from pathlib import Path

from bottomup.coco import PERSON_ID, read_rows, rewrite
from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.person import is_whole
from bottomup.rle import drawable_polygons


def convert(source_path: Path | str, out_path: Path | str) -> None:
    """Writes the persons that the rule keeps, and their images, as a COCO file.

    Raises:
        InputError: The file is missing, no JSON, no COCO file, or nobody is kept.
    """
    images = {row["image_id"] for row in read_rows(source_path, "annotations") if is_kept(row)}
    found: set[int] = set()

    def keeps(key: str, row: dict) -> bool:
        if key == "annotations":
            return is_kept(row)
        kept = is_whole(row.get("id")) and row["id"] in images
        if kept:
            found.add(row["id"])
        return kept

    with written_aside(out_path) as aside:
        rewrite(source_path, aside, keeps)
        if not found:
            raise InputError(
                f"{source_path}: nobody has both keypoints and a segmentation; name COCO's "
                "person_keypoints file"
            )


def is_kept(row: dict) -> bool:
    """Whether an annotation is of a person, no crowd, with labelled keypoints and a mask."""
    if row.get("category_id") != PERSON_ID or row.get("iscrowd"):
        return False
    if not is_whole(row.get("image_id")):
        return False
    labelled = any(visibility > 0 for visibility in (row.get("keypoints") or [])[2::3])
    outline = row.get("segmentation")
    covered = bool(drawable_polygons(outline)) if isinstance(outline, list) else bool(outline)
    return labelled and covered
