"""From image to persons, for a few images of each experiment: the input; the likeliest keypoint of
every node, one colour a keypoint; the Hough map, to which every node near a keypoint sends a vote
(square root); short offsets to the keypoint nearby; mid-range offsets along the edges, one colour
an edge; long offsets from every node of a person to the first keypoint of the skeleton; the
probability of being a person; poses and masks, one colour a person. Keypoints that no field
confirms are hollow.

DeeperCut has other fields: the likeliest keypoint of every cell, the location refinement, offsets
from one keypoint to all others of the same person, one colour a keypoint, and the poses.

Reads the fields of the sample images and decodes them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import SubFigure
from skimage.measure import block_reduce

from bottomup.coco import read_images
from bottomup.decoding import DecoderSettings, Detection, decode, hough_map
from bottomup.fields.grid import Fields, Frame, PairFields, cell_xy, node_xy, sub_cell_offsets
from bottomup.fields.store import read_fields
from bottomup.multi_person_pckh import LEAST_SCORE
from bottomup.publish import drawing, style
from bottomup.publish.inputs import Inputs, Sample
from bottomup.skeleton import Skeleton

KIND = "figure"
CATEGORY = "Pictures"
NEEDS = ("samples",)
TILE = 1.25
SURE = 0.5
MOST_LINES = 250
SIDE_PX = 300
BINS_ACROSS = 90
FROM = "right_shoulder"  # whose pairwise offsets are drawn; else the skeleton's first keypoint


@dataclass(frozen=True)
class View:
    """One image with what the network and the decoder say of it."""

    pixels: np.ndarray
    fields: Fields | PairFields
    frame: Frame
    skeleton: Skeleton
    settings: DecoderSettings
    detections: Sequence[Detection]

    @property
    def tiles(self) -> "dict[str, Callable[[Axes, View], None]]":
        """What there is to draw of it, by title."""
        return PAIR_TILES if isinstance(self.fields, PairFields) else TILES

    @property
    def places(self) -> np.ndarray:
        """Input px of the nodes or of the centres of the cells, [y, x, 2]."""
        places = cell_xy if isinstance(self.fields, PairFields) else node_xy
        return places(*self.fields.heatmap.shape[:2], self.fields.stride)


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    sheets = [(sample, list(read_views(sample))) for sample in inputs.samples]
    draw_sheet([(one, views, views[0].tiles if views else TILES) for one, views in sheets], outputs)


def draw_sheet(
    rows: Sequence[tuple[Sample, Sequence[View], Mapping[str, Callable[[Axes, View], None]]]],
    outputs: Sequence[Path | str],
) -> None:
    """Writes a sheet: for each sample a title, and for each of its images a row of tiles."""
    heights = [0.35 + (TILE + 0.04) * max(1, len(views)) for _, views, _ in rows] or [1.0]
    across = max((len(tiles) for *_, tiles in rows), default=len(TILES))
    with style.new_figure((TILE + 0.05) * across, sum(heights)) as figure:
        if not rows:
            style.nothing_to_draw(figure, "no run has given fields yet")
        parts = figure.subfigures(len(heights), height_ratios=heights, squeeze=False)[:, 0]
        for part, (sample, views, tiles) in zip(parts, rows, strict=False):
            _draw_sample(part, sample, views, tiles, across)
        style.save(figure, outputs)


def read_views(sample: Sample) -> Iterator[View]:
    """The sample images, decoded."""
    images = read_images(sample.annotations_path)
    files = {image.id: sample.images_dir / image.file_name for image in images}
    settings = DecoderSettings.from_dict(sample.decoder)
    for image_id, fields, frame in read_fields(sample.fields_h5):
        found = decode(fields, sample.skeleton, settings, frame)
        found = [detection for detection in found if detection.score >= LEAST_SCORE]
        pixels = drawing.read_pixels(files[image_id])
        yield View(pixels, fields, frame, sample.skeleton, settings, found)


def _draw_sample(
    part: SubFigure, sample: Sample, views: Sequence[View], tiles: Mapping, across: int
) -> None:
    words = f"{sample.experiment}, seed {sample.seed}: {sample.dataset} {sample.split}"
    part.suptitle(f"{words}, {sample.protocol}", x=0.005, ha="left", size=8, weight="bold")
    panels = part.subplots(max(1, len(views)), across, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, title in zip(panels[0], tiles, strict=False):
        axes.set_title(title, size=7, weight="normal", loc="center", pad=2)
    for row, view in zip(panels, views, strict=False):
        for axes, draw in zip(row, tiles.values(), strict=False):
            draw(axes, view)
            _show_image_only(axes, view)


def _show_image_only(axes: Axes, view: View) -> None:
    """Cuts the padding of the network input off; all tiles are in input pixels."""
    right, bottom = (side * view.frame.scale for side in (view.frame.width, view.frame.height))
    corner = -0.5 * view.frame.scale
    axes.set(xlim=(corner, right + corner), ylim=(bottom + corner, corner), aspect="equal")


def _image(axes: Axes, view: View, pixels: np.ndarray | None = None, paler: float = 0) -> None:
    pixels = view.pixels if pixels is None else pixels
    pale = (pixels * (1 - paler) + 255 * paler).astype(np.uint8)
    scale = view.frame.scale
    left, right, bottom = -0.5, view.frame.width - 0.5, view.frame.height - 0.5
    axes.imshow(pale, extent=(left * scale, right * scale, bottom * scale, left * scale))


def _map(axes: Axes, values: np.ndarray, step_px: float, first_px: float, **look) -> None:
    """An image [y, x] or [y, x, colour] whose columns lie at x = first + column * step."""
    rows, columns = values.shape[:2]
    left, right, bottom = (first_px + (n - 0.5) * step_px for n in (0, columns, rows))
    axes.imshow(values, extent=(left, right, bottom, left), interpolation="nearest", **look)


def _by_keypoint(values: np.ndarray) -> np.ndarray:
    """Red, green, blue and opacity [y, x, 4] of values 0 to 1, [y, x, keypoint]."""
    palette = np.array(sns.color_palette("husl", values.shape[-1]))
    colours = palette[values.argmax(-1)]
    return np.concatenate([colours, values.max(-1, keepdims=True).clip(0, 1)], -1)


def _heatmap(axes: Axes, view: View) -> None:
    _image(axes, view, paler=0.65)
    first_px = float(view.places[0, 0, 0])
    _map(axes, _by_keypoint(view.fields.heatmap), view.fields.stride, first_px)


def _hough(axes: Axes, view: View) -> None:
    votes = hough_map(view.fields, view.settings).transpose(1, 2, 0)
    # Joined to bins that can be seen at the size of a tile; the largest of each stays.
    bins = -(-max(votes.shape[:2]) // BINS_ACROSS)
    votes = np.sqrt(block_reduce(votes, (bins, bins, 1), np.max))
    shares = votes / max(float(votes.max()), 1e-6)
    step_px = bins * view.settings.bin_px
    first_px = (step_px - view.settings.bin_px) / 2
    coloured = _by_keypoint(shares)
    _map(axes, coloured[..., :3] * coloured[..., 3:], step_px, first_px)


def _segmentation(axes: Axes, view: View) -> None:
    cells = view.fields.sub_cells
    first = float(sub_cell_offsets(view.fields.stride, cells)[0])
    look = {"cmap": "magma", "vmin": 0, "vmax": 1}
    _map(axes, view.fields.segmentation, view.fields.stride / cells, first, **look)


def _arrows(axes: Axes, start: np.ndarray, offsets: np.ndarray, colours, width: float) -> None:
    """Lines from `start` [n, 2] along `offsets` [n, 2], a dot at each end."""
    ends = start + offsets
    lines = np.stack([start, ends], 1)
    axes.add_collection(LineCollection(lines, colors=colours, linewidths=width, alpha=0.8))
    axes.scatter(*ends.T, s=1.5, c=colours, linewidths=0, zorder=3)


def _thinned(chosen: np.ndarray) -> np.ndarray:
    """At most `MOST_LINES` of the rows, evenly."""
    return chosen[:: max(1, -(-len(chosen) // MOST_LINES))]


def _short(axes: Axes, view: View) -> None:
    _image(axes, view, paler=0.65)
    heatmap = view.fields.heatmap
    chosen = _thinned(np.argwhere(heatmap >= SURE))
    i, j, k = chosen.T
    palette = np.array(sns.color_palette("husl", heatmap.shape[-1]))
    _arrows(axes, view.places[i, j], view.fields.short[i, j, k], palette[k], 0.5)


def _pairwise(axes: Axes, view: View) -> None:
    """Offsets to every other keypoint from the sure cells nearest to one keypoint."""
    _image(axes, view, paler=0.65)
    names = view.skeleton.keypoints
    source = names.index(FROM) if FROM in names else 0
    near = np.linalg.norm(view.fields.short[:, :, source], axis=-1) <= view.fields.stride * 0.75
    i, j = np.nonzero((view.fields.heatmap[:, :, source] >= SURE) & near)
    palette = sns.color_palette("husl", len(names))
    for number, (a, b) in enumerate(view.skeleton.ordered_pairs):
        if a == source:
            offsets = view.fields.pairwise[i, j, number]
            _arrows(axes, view.places[i, j], offsets, [palette[b]], 0.5)


def _mid(axes: Axes, view: View) -> None:
    _image(axes, view, paler=0.65)
    heatmap, nodes = view.fields.heatmap, view.places
    edges = view.skeleton.edge_indices
    palette = sns.color_palette("husl", len(edges))
    for edge, (source, _) in enumerate(edges):
        near = np.linalg.norm(view.fields.short[:, :, source], axis=-1) <= view.fields.stride
        i, j = np.nonzero((heatmap[:, :, source] >= SURE) & near)
        _arrows(axes, nodes[i, j], view.fields.mid[i, j, edge], [palette[edge]], 0.5)


def _long(axes: Axes, view: View) -> None:
    _image(axes, view, paler=0.65)
    _person_offsets(axes, view, view.fields.long[:, :, 0])


def _person_offsets(axes: Axes, view: View, offsets: np.ndarray) -> None:
    """Lines from the nodes of people, `offsets` [y, x, 2]."""
    cells, (rows, columns) = view.fields.sub_cells, view.fields.heatmap.shape[:2]
    person = view.fields.segmentation.reshape(rows, cells, columns, cells).mean((1, 3))
    i, j = _thinned(np.argwhere(person >= SURE)).T
    _arrows(axes, view.places[i, j], offsets[i, j], sns.color_palette("colorblind", 1), 0.3)


def _people(axes: Axes, view: View, **what: bool) -> None:
    enlarge = max(1, round(SIDE_PX / max(view.pixels.shape)))
    people = [drawing.detected(detection, **what) for detection in view.detections]
    _image(axes, view, drawing.draw_people(view.pixels, people, view.skeleton, enlarge))


def _pose(axes: Axes, view: View) -> None:
    _people(axes, view, masks=False)


def _instances(axes: Axes, view: View) -> None:
    _people(axes, view, poses=False)


def _body(axes: Axes, view: View) -> None:
    """The body heat map: how likely some keypoint is, whichever."""
    _image(axes, view, paler=0.65)
    likely = view.fields.heatmap.max(-1)
    colour = np.broadcast_to(sns.color_palette("colorblind", 4)[3], (*likely.shape, 3))
    coloured = np.concatenate([colour, likely[..., None].clip(0, 1)], -1)
    _map(axes, coloured, view.fields.stride, 0)


def _mask_offsets(axes: Axes, view: View) -> None:
    """From the nodes of each person to the centroid of its keypoints, as the network points."""
    _image(axes, view, paler=0.65)
    centroid = view.fields.centroid
    _person_offsets(axes, view, view.fields.long.mean(2) if centroid is None else centroid[:, :, 0])


TILES: dict[str, Callable[[Axes, View], None]] = {
    "input": _image,
    "heatmap": _heatmap,
    "Hough map": _hough,
    "short offsets": _short,
    "mid offsets": _mid,
    "long offsets": _long,
    "person": _segmentation,
    "pose": _pose,
    "instances": _instances,
}
# What PosePlusSeg shows: its two heat maps, its mask offsets, and its three outputs.
JOINT_TILES: dict[str, Callable[[Axes, View], None]] = {
    "input": _image,
    "strong keypoint map": _hough,
    "body map": _body,
    "mask offsets": _mask_offsets,
    "pose": _pose,
    "mask": _instances,
    "joint": _people,
}
# What DeeperCut shows; it has no masks.
PAIR_TILES: dict[str, Callable[[Axes, View], None]] = {
    "input": _image,
    "heatmap": _heatmap,
    "location refinement": _short,
    "pairwise offsets": _pairwise,
    "pose": _pose,
}
