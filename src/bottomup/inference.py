"""Inference: image -> refined fields, over a pyramid of sides and mirrored if the protocol says so.

Images are resized by the function that augments them in training.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np
import PIL.Image
import tensorflow as tf

from bottomup import network
from bottomup.augment import FILL_GREY, Transforms, warp
from bottomup.coco import Image, read_images
from bottomup.errors import InputError
from bottomup.fields.grid import (
    Fields,
    Frame,
    PairFields,
    cell_count,
    grid_size,
    joined_cells,
    laid_by_channel,
    padded_side,
)
from bottomup.fields.merge import flip_fields, merge_fields
from bottomup.fields.store import write_fields
from bottomup.files import written_aside
from bottomup.run_folder import read_run
from bottomup.skeleton import Skeleton

BATCH = 8
FORMATS = ("JPEG", "PNG", "BMP", "GIF")
UNREADABLE = (
    *(OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError),
    tf.errors.InvalidArgumentError,
)


@dataclass(frozen=True)
class Predictor:
    """A trained network, ready for images of any size.

    Attributes:
        fields: The network.
        skeleton: The one it was trained with.
        stride: Its output stride.
        sub_cells: Segmentation cells along each side of a node.
        input_stride: Input sides are n times this + 1.
    """

    fields: keras.Model
    skeleton: Skeleton
    stride: int
    sub_cells: int
    input_stride: int

    @classmethod
    def load(
        cls, run_dir: Path | str, output_stride: int | None = None, refine: bool = True
    ) -> "Predictor":
        """Rebuilds the network of a run from its own record, if need be at another stride.

        Args:
            run_dir: Folder of a finished run.
            output_stride: Input px between two nodes; None takes that of the training.
            refine: Whether the network refines its offsets.

        Raises:
            InputError: The run's record or weights are missing or damaged.
        """
        run_dir = Path(run_dir)
        record = read_run(run_dir)
        arguments = record["network"]
        fields = network.load(run_dir / "weights.keras", arguments)
        if output_stride not in (None, arguments["output_stride"]):
            arguments |= {"output_stride": output_stride}
            trained = fields.get_weights()
            fields = network.build(**arguments)
            fields.set_weights(trained)
        if not refine:
            fields = network.raw_fields(fields)
        stride = arguments["output_stride"]
        return cls(
            tf.function(fields) if keras.backend.backend() == "tensorflow" else fields,
            Skeleton.from_dict(arguments["skeleton"]),
            stride,
            arguments["system_options"].get("sub_cells", 1),
            network.input_stride(arguments["backbone"], stride, arguments["system"]),
        )


def fields_of_images(
    predictor: Predictor, images: Sequence[np.ndarray], protocol: Mapping
) -> list[tuple[Fields | PairFields, Frame]]:
    """Refined fields of a few images, each in the frame of the protocol's first side.

    Args:
        predictor: The network.
        images: uint8 [y, x, 3] each, of one size.
        protocol: `sides` (longer input side, px, one for each scale) and `flip`.

    Returns:
        Fields and frame of each image.
    """
    height, width = images[0].shape[:2]
    frames = [Frame.fit(height, width, side) for side in protocol["sides"]]
    views = [_views(predictor, images, frame, protocol["flip"]) for frame in frames]
    merged = []
    for index in range(len(images)):
        scaled = [
            (fields, frame.scale)
            for frame, seen in zip(frames, views, strict=True)
            for fields in seen[index]
        ]
        fields = merge_fields(scaled, predictor.skeleton) if len(scaled) > 1 else scaled[0][0]
        if isinstance(fields, Fields):
            fields = laid_by_channel(fields)
        merged.append((fields, frames[0]))
    return merged


def _views(
    predictor: Predictor, images, frame: Frame, flip: bool
) -> list[list[Fields | PairFields]]:
    """For each image its fields at one scale, plain and, if asked for, mirrored back."""
    inputs = _resized(images, frame, predictor.input_stride)
    seen = [[fields] for fields in _forward(predictor, inputs)]
    if flip:
        for views, mirrored in zip(seen, _forward(predictor, inputs[:, :, ::-1]), strict=True):
            views.append(flip_fields(mirrored, predictor.skeleton))
    return [[_cropped(fields, frame) for fields in views] for views in seen]


def _resized(images: Sequence[np.ndarray], frame: Frame, input_stride: int) -> np.ndarray:
    """The images in the frame, padded to n input_stride + 1: float32 [image, y, x, 3]."""
    height, width = (padded_side(side, input_stride) for side in frame.input_size(1))
    square = max(height, width)
    count = len(images)
    turn = np.tile(np.eye(2, dtype=np.float32) * frame.scale, (count, 1, 1))
    zero = np.zeros((count, 2), np.float32)
    moves = Transforms(turn, zero, zero, zero[:, 0])
    resized = warp(np.stack(images), moves, square, "bilinear", FILL_GREY)
    return np.asarray(resized)[:, :height, :width]


def _forward(predictor: Predictor, inputs: np.ndarray) -> list[Fields | PairFields]:
    outputs = {
        name: keras.ops.convert_to_numpy(value)
        for name, value in predictor.fields(keras.ops.convert_to_tensor(inputs)).items()
    }
    return [
        _fields({name: value[index] for name, value in outputs.items()}, predictor)
        for index in range(len(inputs))
    ]


def _fields(outputs: Mapping[str, np.ndarray], predictor: Predictor) -> Fields | PairFields:
    if "pairwise" in outputs:
        heatmap = _sigmoid(outputs["heatmap"])
        return PairFields(heatmap, outputs["short"], outputs["pairwise"], predictor.stride)
    s = predictor.sub_cells
    return Fields(
        heatmap=_sigmoid(outputs["heatmap"]),
        short=outputs["short"],
        mid=outputs["mid"],
        long=outputs["long"],
        segmentation=_sigmoid(joined_cells(outputs["segmentation"], s)),
        stride=predictor.stride,
        sub_cells=s,
        distance=outputs.get("distance"),
        centroid=outputs.get("centroid"),
    )


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return (1 / (1 + np.exp(-np.clip(logits, -50, 50)))).astype(np.float32)


def _cropped(fields: Fields | PairFields, frame: Frame) -> Fields | PairFields:
    """Leaves out nodes and cells that lie in the padding alone."""
    if isinstance(fields, PairFields):
        rows, columns = (cell_count(n, fields.stride) for n in frame.input_size(fields.stride))
        names = ("heatmap", "short", "pairwise")
        return PairFields(*(getattr(fields, n)[:rows, :columns] for n in names), fields.stride)
    rows, columns = (grid_size(side, fields.stride) for side in frame.input_size(fields.stride))
    s = fields.sub_cells
    return Fields(
        *(getattr(fields, name)[:rows, :columns] for name in ("heatmap", "short", "mid", "long")),
        segmentation=fields.segmentation[: rows * s, : columns * s],
        stride=fields.stride,
        sub_cells=s,
        distance=None if fields.distance is None else fields.distance[:rows, :columns],
        centroid=None if fields.centroid is None else fields.centroid[:rows, :columns],
    )


def read_image(path: Path | str) -> np.ndarray:
    """Decodes an image file to uint8 [y, x, 3].

    Raises:
        InputError: The file is missing or no image that can be read.
    """
    try:
        # The header first: what claims to be huge is refused before room is made for it. (Where
        # the file says how its camera was held, that is left as it is, as in COCO's annotations.)
        with PIL.Image.open(path, formats=FORMATS):
            pass
        data = Path(path).read_bytes()
        return tf.io.decode_image(data, channels=3, expand_animations=False).numpy()
    except UNREADABLE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be read as an image ({reason}); replace it") from error


def infer_shard(
    run_dir: Path | str,
    annotations_path: Path | str,
    images_dir: Path | str,
    protocol: Mapping,
    shard: int,
    shards: int,
    out_h5: Path | str,
) -> None:
    """Writes the fields of every image of a shard: image n of the sorted list is in n % shards.

    Args:
        run_dir: Folder of a finished run.
        annotations_path: COCO file that lists the split's images.
        images_dir: Where they lie.
        protocol: `sides`, `flip`, `output_stride` (None: as trained), `refine` (True unless said).
        shard: Which shard.
        shards: How many there are.
        out_h5: What to write, in the format of `fields.store`.
    """
    predictor = Predictor.load(run_dir, protocol.get("output_stride"), protocol.get("refine", True))
    images = read_images(annotations_path)
    with written_aside(out_h5) as aside, h5py.File(aside, "w") as file:
        for group in _groups(images[shard::shards]):
            pixels = [read_image(Path(images_dir) / image.file_name) for image in group]
            found = fields_of_images(predictor, pixels, protocol)
            for image, (fields, frame) in zip(group, found, strict=True):
                write_fields(file, image.id, fields, frame)


def _groups(images: Sequence[Image]) -> Iterator[list[Image]]:
    """Groups of at most BATCH images of one size: each as soon as it is full, then what is left."""
    by_size: dict[tuple[int, int], list[Image]] = {}
    for image in images:
        group = by_size.setdefault((image.height, image.width), [])
        group.append(image)
        if len(group) == BATCH:
            yield by_size.pop((image.height, image.width))
    yield from by_size.values()
