"""Made-up people as keypoints and instance maps, and the ideal fields of such scenes."""

import numpy as np

from bottomup.decoding import DecoderSettings
from bottomup.fields.grid import OVERLAP, UNANNOTATED, Fields, Frame
from bottomup.oracle import OracleSettings, ideal_fields
from bottomup.skeleton import COCO_PERSON

# A standing figure in a box one unit high, feet at y = 1: x, y for COCO's keypoints.
FIGURE = np.array(
    [
        *[(0, 0.06), (0.03, 0.04), (-0.03, 0.04), (0.06, 0.05), (-0.06, 0.05)],
        *[(0.12, 0.2), (-0.12, 0.2), (0.17, 0.36), (-0.17, 0.36), (0.19, 0.5), (-0.19, 0.5)],
        *[(0.08, 0.52), (-0.08, 0.52), (0.09, 0.75), (-0.09, 0.75), (0.1, 0.97), (-0.1, 0.97)],
    ],
    np.float32,
)


def figure(x: float, top: float, height: float, missing: tuple[str, ...] = ()) -> np.ndarray:
    """Keypoints [17, 3] of a person of that height in px, but for the missing ones."""
    keypoints = np.full((17, 3), 2, np.float32)
    keypoints[:, :2] = FIGURE * height + (x, top)
    for name in missing:
        keypoints[COCO_PERSON.keypoints.index(name)] = 0
    return keypoints


def box_mask(keypoints: np.ndarray, height: int, width: int) -> np.ndarray:
    """The box around a person's labelled keypoints, 6 px wider, bool [height, width]."""
    labelled = keypoints[keypoints[:, 2] > 0, :2]
    left, top = labelled.min(0) - 6
    right, bottom = labelled.max(0) + 6
    y, x = np.mgrid[:height, :width]
    return (x >= left) & (x <= right) & (y >= top) & (y <= bottom)


def pixels(people, height: int, width: int, unannotated=()) -> np.ndarray:
    """Instance map of box-shaped people, int32 [height, width]."""
    masks = [box_mask(person, height, width) for person in people]
    out = np.zeros((height, width), np.int32)
    for number, mask in enumerate(masks, 1):
        out[mask] = number
    out[np.sum([np.zeros((height, width), int), *masks], axis=0) > 1] = OVERLAP
    for box in unannotated:
        out[box] |= UNANNOTATED
    return out


def scene(
    people,
    size: tuple[int, int] = (401, 401),
    assembly: str = "linked",
    stride: int = 8,
    sub_cells: int = 1,
    garbage: int | None = None,
    distance: bool = False,
    **decoder,
) -> tuple[Fields, DecoderSettings, Frame]:
    """Ideal fields of people [person, 17, 3], the decoder's settings and the frame."""
    people = np.asarray(people, np.float32).reshape(-1, 17, 3)
    settings = OracleSettings(
        long_side=max(size),
        output_stride=stride,
        sub_cells=sub_cells,
        distance=distance,
        decoder=DecoderSettings(assembly=assembly, **decoder),
    )
    frame = Frame.fit(*size, settings.long_side)
    instance_map = pixels(people, *size)
    noise = None if garbage is None else [garbage]
    fields = ideal_fields(people, instance_map, frame, COCO_PERSON, settings, noise)
    return fields, settings.decoder, frame
