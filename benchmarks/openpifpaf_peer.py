"""OpenPifPaf's decoder (C++) as a peer in `decode_speed.py`; no part of bottomup needs it.

Built apart from bottomup's environment (about five minutes; openpifpaf 0.13.0 and torch 2.13 work):

    python -m venv PEER && PEER/bin/pip install "setuptools<81" wheel numpy matplotlib torch
    PEER/bin/pip install --no-build-isolation --no-deps openpifpaf==0.13.0
    PEER/bin/pip install pysparkling python-json-logger
    python benchmarks/decode_speed.py --openpifpaf PEER/lib/python3.11/site-packages

Its fields come from its own encoder, as a network that makes no error would give them.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np


def load(folder: Path | None):
    """The module, or None where it cannot be imported.

    Args:
        folder: The `site-packages` that hold it, or None if they are on the path.
    """
    if folder is not None:
        sys.path.append(str(folder))
    # It names torchvision's networks and old names of NumPy and matplotlib; decoding needs none.
    for name in ("", ".models", ".ops", ".transforms", ".datasets"):
        sys.modules.setdefault(f"torchvision{name}", MagicMock())
    try:
        import matplotlib.cm

        vars(np).setdefault("int", int)
        if not hasattr(matplotlib.cm, "get_cmap"):
            matplotlib.cm.get_cmap = lambda *_: matplotlib.colormaps["viridis"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import openpifpaf
    except ImportError as error:
        print(f"OpenPifPaf is not here ({error}); see benchmarks/openpifpaf_peer.py")
        return None
    return openpifpaf


def decoder(module, people: Sequence[np.ndarray], side: int, stride: int) -> Callable[[], int]:
    """A call that decodes the ideal fields of people [17, 3] and says how many it finds."""
    import torch

    torch.set_num_threads(1)
    cif, caf = _metas(module, stride)
    annotations = [_annotation(person) for person in people]
    image = torch.zeros(3, side, side)
    options = {"valid_area": np.array([0, 0, side, side])}
    parts = module.encoder.Cif(cif)(image, annotations, options)
    links = module.encoder.Caf(caf)(image, annotations, options)
    rows, columns = parts.shape[-2:]
    nodes = torch.stack(torch.meshgrid(torch.arange(columns), torch.arange(rows), indexing="xy"))
    fields = [
        torch.cat([parts[:, 3:4].log(), parts[:, :1], parts[:, 1:3] + nodes, parts[:, 4:]], 1),
        torch.cat(
            [
                links[:, 5:6].log(), links[:, :1],
                links[:, 1:3] + nodes, links[:, 3:5] + nodes, links[:, 7:],
            ],
            1,
        ),
    ]  # fmt: skip
    fields = [torch.nan_to_num(field.float()) for field in fields]
    found = module.decoder.CifCaf([cif], [caf])
    return lambda: len(found(fields))


def _metas(module, stride: int):
    from openpifpaf.plugins.coco import constants

    keypoints = constants.COCO_KEYPOINTS
    common = {"keypoints": keypoints, "sigmas": constants.COCO_PERSON_SIGMAS}
    cif = module.headmeta.Cif(
        "cif", "coco", **common, pose=constants.COCO_UPRIGHT_POSE,
        draw_skeleton=constants.COCO_PERSON_SKELETON,
    )  # fmt: skip
    caf = module.headmeta.Caf(
        "caf", "coco", **common, pose=constants.COCO_UPRIGHT_POSE,
        skeleton=constants.COCO_PERSON_SKELETON,
    )  # fmt: skip
    for index, meta in enumerate((cif, caf)):
        meta.head_index, meta.base_stride = index, stride
    return cif, caf


def _annotation(person: np.ndarray) -> dict:
    low, high = person[:, :2].min(0), person[:, :2].max(0)
    box = np.array([*low, *(high - low)])
    return {"keypoints": person.astype(float), "bbox": box, "iscrowd": False}
