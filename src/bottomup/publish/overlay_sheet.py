"""What the people found look like on the images that went best, at the median, worst, and on images
drawn by lot with a fixed seed, for each experiment by its first way of testing, first seed. An
image is judged by the F-measure of its keypoint detections, averaged over similarities from .50 to
.95; it stands above the image. Detections of score .2 and more are drawn, one colour a person.

Reads the detections of each run, and the images.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import SubFigure

from bottomup.coco import read_images
from bottomup.coco_results import read_results
from bottomup.multi_person_pckh import LEAST_SCORE
from bottomup.publish import drawing, style
from bottomup.publish.calibration import first_ways
from bottomup.publish.inputs import Inputs, Result
from bottomup.publish.scored import each_scored, place_of
from bottomup.rle import rle_mask
from bottomup.subsets import rank
from bottomup.task_evaluation import TaskEvaluation

KIND = "figure"
CATEGORY = "Pictures"
NEEDS = ("results",)
COLUMNS = 5
SEED = 0
SIDE_PX = 200


def make(inputs: Inputs, outputs: Sequence[Path | str]) -> None:
    """Writes the figure to each output."""
    results = {result.experiment: result for result in reversed(first_ways(inputs.results))}
    chosen = [r for r in inputs.results if results.get(r.experiment) is r]
    count = max(1, len(chosen))
    with style.new_figure(style.TWO_COLUMNS, 6.3 * count) as figure:
        if not chosen:
            style.nothing_to_draw(figure, "nothing was tested yet")
        parts = figure.subfigures(count, squeeze=False)[:, 0]
        for part, (result, _, scored) in zip(
            parts, each_scored(chosen, ("keypoints",)), strict=False
        ):
            _draw_result(part, result, scored)
        style.save(figure, outputs)


def choose(quality: Mapping[int, float], count: int) -> dict[str, list[int]]:
    """Image ids for each row of the sheet; equally good images are in the order of their ids."""
    best_first = sorted(quality, key=lambda image: (-quality[image], image))
    middle = max(0, (len(best_first) - count) // 2)
    return {
        "best": best_first[:count],
        "median": best_first[middle : middle + count],
        "worst": best_first[::-1][:count],
        "random": sorted(quality, key=lambda image: rank(image, SEED))[:count],
    }


def _draw_result(part: SubFigure, result: Result, scored: TaskEvaluation) -> None:
    part.suptitle(
        f"{result.experiment}, seed {result.seed}: {place_of(result)}",
        x=0.01,
        ha="left",
        size=8,
        weight="bold",
    )
    quality = scored.quality(LEAST_SCORE)
    rows = choose(quality, COLUMNS)
    files = {i.id: result.images_dir / i.file_name for i in read_images(result.annotations_path)}
    people = found_people(result)
    panels = part.subplots(len(rows), COLUMNS, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for row, (name, ids) in zip(panels, rows.items(), strict=True):
        row[0].text(-0.05, 0.5, name, rotation=90, va="center", ha="right",
                    transform=row[0].transAxes)  # fmt: skip
        for axes, image_id in zip(row, ids, strict=False):
            pixels = drawing.read_pixels(files[image_id])
            enlarge = max(1, round(SIDE_PX / max(pixels.shape)))
            shown = people.get(image_id, [])
            axes.imshow(drawing.draw_people(pixels, shown, result.model, enlarge))
            title = f"{image_id}: {quality[image_id]:.2f}"
            axes.set_title(title, size=6, weight="normal", pad=2)


def found_people(result: Result) -> dict[int, list[drawing.Drawn]]:
    """The people to draw by image id, best first."""
    people: dict[int, list[drawing.Drawn]] = {}
    for row in sorted(read_results(result.joint_json), key=lambda row: -row["score"]):
        if row["score"] >= LEAST_SCORE:
            xy = np.asarray(row["keypoints"], float).reshape(-1, 3)[:, :2]
            mask = rle_mask(row["segmentation"]) if "segmentation" in row else None
            people.setdefault(row["image_id"], []).append(drawing.Drawn(xy=xy, mask=mask))
    return people
