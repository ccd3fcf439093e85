"""What a converter reads: the annotations of one split in a format of their own, and its images."""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bottomup.errors import InputError
from bottomup.skeleton import Skeleton

IDS_PER_SPLIT = 1_000_000


def first_image_id(split: str) -> int:
    """Id of the first image of a split whose images are numbered; the splits share no ids."""
    return zlib.crc32(split.encode()) % 1000 * IDS_PER_SPLIT + 1


@dataclass(frozen=True)
class Source:
    """One split of a dataset that is to become a COCO file.

    Attributes:
        annotations: The file as published.
        images_dir: Folder of the images.
        split: Name of the split.
        skeleton: Which keypoints to write, in which order; found by their names.
        settings: The keys of the dataset's `conversion`.
    """

    annotations: Path
    images_dir: Path
    split: str
    skeleton: Skeleton
    settings: Mapping = field(default_factory=dict)

    def keeps(self, key: str) -> bool:
        """Whether an image belongs to this split.

        With the setting `held_out`, `{split, share, seed}`, one file serves two splits: `share` of
        all images, drawn by a digest of `key`, are those of `split`, the others the rest. What
        must not be torn apart (the frames of a video) has one key.
        """
        held_out = self.settings.get("held_out")
        if held_out is None:
            return True
        digest = hashlib.sha256(f"{held_out['seed']}:{key}".encode()).digest()
        drawn = int.from_bytes(digest[:8], "big") < held_out["share"] * 2**64
        return drawn == (self.split == held_out["split"])

    def check_names(self, known: tuple[str, ...]) -> None:
        """Every keypoint of the skeleton is annotated, or said not to be.

        Raises:
            InputError: A name that is in neither `known` nor the setting `unlabelled`.
        """
        for name in self.skeleton.keypoints:
            if name not in known and name not in self.settings.get("unlabelled", ()):
                raise InputError(
                    f"{self.annotations}: skeleton {self.skeleton.name!r} has keypoint {name!r}, "
                    f"which is not annotated there; use some of {', '.join(known)}, or list it "
                    "under conversion.unlabelled of the dataset's file"
                )


def read_json(path: Path | str, remedy: str) -> Any:
    """What a JSON file holds.

    Raises:
        InputError: The file is missing or no JSON; the sentence ends with the remedy.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); {remedy}") from error
