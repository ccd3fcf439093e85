"""Fields on disk, between inference and decoding: one HDF5 group an image, float16.

Those that `Fields` describes lie by channel, which the attribute `layout` says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from bottomup.errors import InputError
from bottomup.fields.grid import Fields, Frame, PairFields, by_channel, by_node

ARRAYS = ("heatmap", "short", "mid", "long", "segmentation", "distance", "centroid")
PAIR_ARRAYS = ("heatmap", "short", "pairwise")
LAYOUT = "by channel"


def write_fields(file: h5py.File, image_id: int, fields: Fields | PairFields, frame: Frame) -> None:
    """Adds one image's fields to an open file."""
    group = file.create_group(str(image_id))
    of_pairs = isinstance(fields, PairFields)
    for name in PAIR_ARRAYS if of_pairs else ARRAYS:
        values = getattr(fields, name)
        if values is None:
            continue
        values = values if of_pairs else by_channel(values)
        values = np.clip(values, -65504, 65504)  # the range of float16
        group.create_dataset(name, data=values.astype(np.float16), compression="lzf")
    group.attrs["stride"] = fields.stride
    if not of_pairs:
        group.attrs["sub_cells"] = fields.sub_cells
        group.attrs["layout"] = LAYOUT
    group.attrs["scale"] = frame.scale
    group.attrs["height"] = frame.height
    group.attrs["width"] = frame.width


def read_fields(path: Path | str) -> Iterator[tuple[int, Fields | PairFields, Frame]]:
    """Yields image id, float32 fields and frame of every image in a file, by image id.

    Raises:
        InputError: The file is damaged.
    """
    with _opened(path) as file:
        for name in sorted(file, key=int):
            yield int(name), *_read_group(file[name])


def read_image_fields(path: Path | str, image_id: int) -> tuple[Fields | PairFields, Frame]:
    """The fields of one image, as `write_fields` took them but rounded to float16.

    Raises:
        InputError: The file is damaged.
    """
    with _opened(path) as file:
        return _read_group(file[str(image_id)])


def image_ids(path: Path | str) -> list[int]:
    """The images in a file, sorted. Raises InputError if it is damaged."""
    with _opened(path) as file:
        return sorted(int(name) for name in file)


@contextmanager
def _opened(path: Path | str) -> Iterator[h5py.File]:
    try:
        with h5py.File(path) as file:
            yield file
    except (OSError, KeyError) as error:
        raise InputError(f"{path}: damaged fields ({error}); delete it and infer again") from error


def _read_group(group: h5py.Group) -> tuple[Fields | PairFields, Frame]:
    attrs = group.attrs
    frame = Frame(float(attrs["scale"]), int(attrs["height"]), int(attrs["width"]))
    if "pairwise" in group:
        arrays = {name: group[name][()].astype(np.float32) for name in PAIR_ARRAYS}
        return PairFields(**arrays, stride=int(attrs["stride"])), frame
    if attrs.get("layout") != LAYOUT:
        raise InputError(
            f"{group.file.filename}: image {group.name[1:]} lies as an earlier version wrote it; "
            "delete the file and infer again"
        )
    optional = {"distance", "centroid"} - set(group)
    names = [name for name in ARRAYS if name not in optional]
    arrays = {name: by_node(group[name][()].astype(np.float32)) for name in names}
    fields = Fields(**arrays, stride=int(attrs["stride"]), sub_cells=int(attrs["sub_cells"]))
    return fields, frame
