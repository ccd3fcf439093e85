"""Every figure from small made inputs: saved, not blank, the same bytes each time."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import made_up_study
import people
from bottomup import lookup
from bottomup.census import take_census
from bottomup.coco import read_annotations
from bottomup.errors import InputError
from bottomup.keypoint_errors import KINDS
from bottomup.publish import (
    ap_by_people,
    calibration,
    dataset_sheet,
    decode_time,
    keypoint_errors,
    overlay_sheet,
    people_per_image,
    precision_recall,
    share_panels,
    style,
    training_curves,
)
from bottomup.publish.inputs import DatasetImages, Inputs, Result
from bottomup.publish.scored import each_scored
from bottomup.skeleton import COCO_PERSON
from bottomup.subsets import strata_table
from test_evaluation import noisy_rows, perfect_rows, write

TASKS = ("keypoints", "segmentation")


@pytest.fixture
def study(tmp_path):
    """Two small splits, the histories of three runs, the results of two experiments."""
    path, images_dir = people.make_coco(tmp_path, (1, 1, 1, 2, 0, 3, ("polygon", "crowd")))
    annotations = read_annotations(path, COCO_PERSON)
    strata = tmp_path / "strata.csv"
    census = take_census(path, COCO_PERSON)
    strata_table(census, [1, 4, 6], "with_keypoints").to_csv(strata, index=False)
    results = []
    for experiment in ("full", "reduced"):
        make_rows = perfect_rows if experiment == "full" else noisy_rows
        files = [
            write(tmp_path, f"{experiment}-{task}", make_rows(annotations, task)) for task in TASKS
        ]
        names = (experiment, 0, "synthetic", "val", "single")
        files.append(files[TASKS.index("keypoints")])  # poses without masks
        skeletons = (COCO_PERSON, COCO_PERSON)
        results.append(Result(*names, *files, path, images_dir, *skeletons, times_of(tmp_path)))
    splits = [
        DatasetImages("synthetic", s, path, images_dir, COCO_PERSON) for s in ("train", "val")
    ]
    return Inputs(
        metrics=pd.concat([error_metrics(), made_up_study.metrics()]),
        strata={"reduced": strata},
        history={run: history(tmp_path, *run) for run in (("full", 0), ("full", 1), ("late", 0))},
        results=results,
        dataset_images=splits,
    )


def error_metrics():
    """Shares of error kinds of two seeds; another test has none."""
    names = {"experiment": "full", "dataset": "synthetic", "split": "val", "protocol": "single"}
    common = names | {"task": "keypoints", "stratum": "all", "n": 20}
    shares = {0: (0.6, 0.1, 0, 0.1, 0.1, 0.1), 1: (0.4, 0.3, 0, 0.1, 0.1, 0.1)}
    rows = [
        common | {"seed": seed, "metric": f"share_{kind}", "value": value}
        for seed, values in shares.items()
        for kind, value in zip(KINDS, values, strict=True)
    ]
    rows.append(common | {"experiment": "other", "seed": 0, "metric": "AP", "value": 0.5})
    return pd.DataFrame(rows).assign(low=np.nan, high=np.nan)


def history(folder, experiment, seed):
    steps = np.arange(1, 11)
    table = pd.DataFrame({"step": steps, "images": 4 * steps, "seconds": steps})
    for name in ("loss", "heatmap", "short"):
        table[name] = np.exp(-steps / 3) + 0.1 * seed
    table["validation_loss"] = np.where(steps % 5 == 0, 0.3, np.nan)
    path = folder / f"{experiment}-{seed}.csv"
    table.to_csv(path, index=False)
    return path


def times_of(folder):
    """Ten images of one person and one of each number up to five, 10 ms a person."""
    people = [1] * 10 + [2, 3, 4, 5]
    table = pd.DataFrame({"image_id": range(len(people)), "people": people})
    table["milliseconds"] = 10.0 * table["people"]
    path = folder / "decode_times.csv"
    table.to_csv(path, index=False)
    return path


FIGURES = (
    *(people_per_image, training_curves, precision_recall, dataset_sheet, keypoint_errors),
    *(ap_by_people, calibration, decode_time, overlay_sheet),
)


def name_of(module):
    return module.__name__.rpartition(".")[2]


@pytest.mark.parametrize("module", FIGURES, ids=name_of)
def test_figures_are_drawn_and_the_same_each_time(module, study, tmp_path):
    files = [[tmp_path / f"{n}.{suffix}" for suffix in ("png", "svg")] for n in range(2)]
    for outputs in files:
        module.make(study, outputs)
    for first, second in zip(*files, strict=True):
        assert first.read_bytes() == second.read_bytes()
    with Image.open(files[0][0]) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels.shape[1] >= style.ONE_COLUMN * 200
    assert (pixels < 200).mean() > 0.005
    assert len(np.unique(pixels)) > 20


@pytest.mark.parametrize("module", [*FIGURES, "overlays"], ids=str)
def test_figures_of_an_empty_study_say_so(module, tmp_path):
    module = lookup.load("publish", module) if isinstance(module, str) else module
    path = tmp_path / "figure.png"
    module.make(Inputs(), [path])
    with Image.open(path) as picture:
        assert (np.asarray(picture.convert("L")) < 200).any()


def test_other_formats_are_refused(study, tmp_path):
    with pytest.raises(InputError, match=r"figure\.pdf"):
        people_per_image.make(study, [tmp_path / "figure.pdf"])


def test_shares_are_of_images_with_people_and_many_are_joined():
    strata = pd.DataFrame(
        {
            "people": [0, 1, 2, 9, 10, 13],
            "images_before": [50, 60, 20, 10, 5, 5],
            "images_after": [50, 30, 20, 10, 5, 5],
        }
    )
    table = share_panels.grouped(strata)
    assert table.index.tolist() == list(range(1, 10))
    assert table["share_before"].loc[[1, 2, 9]].tolist() == pytest.approx([60, 20, 20])
    assert table["share_after"].sum() == pytest.approx(100)
    assert table["images_after"].loc[9] == 20


def test_curves_are_averaged_without_looking_ahead():
    table = pd.DataFrame({"loss": np.arange(80.0)})
    assert training_curves.smoothed(table, "loss").iloc[[0, 1, 79]].tolist() == [0, 0.5, 78.5]


def test_perfect_results_have_a_perfect_curve(study):
    curves, recalls = precision_recall.read_curves(study.results)
    place = "synthetic val, single"
    assert np.min(curves["full", place, "keypoints"]) == pytest.approx(1)
    assert np.mean(curves["reduced", place, "keypoints"]) < 0.9
    assert len(recalls) == 101


def test_sheets_show_images_with_people_in_a_seeded_order(study):
    people = take_census(study.dataset_images[0].annotations_path, COCO_PERSON).people["any"]
    chosen = dataset_sheet.choose(people, 4)
    assert len(chosen) == 4
    assert 5 not in chosen
    assert chosen == dataset_sheet.choose(people, 6)[:4]


def test_error_shares_are_averaged_over_seeds_and_add_up(study):
    metrics = error_metrics()
    bars = keypoint_errors.shares(metrics)
    assert list(bars) == ["full\nsynthetic val, single"]
    assert bars["full\nsynthetic val, single"].tolist() == pytest.approx([50, 20, 0, 10, 10, 10])


def test_few_images_are_joined_with_the_next_smaller_number(tmp_path):
    table = decode_time.summary(pd.read_csv(times_of(tmp_path)))
    assert table.index.tolist() == [1]
    assert table["median"].tolist() == [10]
    more = pd.DataFrame({"people": [1, 1, 1, 40, 40, 40], "milliseconds": [1, 2, 3, 7, 8, 9.0]})
    assert decode_time.summary(more)["median"].to_dict() == {1: 2, 30: 8}


def test_calibration_is_by_tenths_with_enough_detections():
    scores = np.array([0.91, 0.93, 0.95, 0.97, 0.99, 0.12, 0.14, 0.16, 0.18, 0.15, 0.5])
    right = np.array([True] * 4 + [False] + [True] + [False] * 4 + [True])
    mean, share = calibration.calibrated(scores, right)
    assert mean.tolist() == pytest.approx([0.15, 0.95])
    assert share.tolist() == pytest.approx([0.2, 0.8])


def test_perfect_results_match_and_are_the_best(study):
    scored = {r.experiment: s for r, _, s in each_scored(study.results, ("keypoints",))}
    scores, right = scored["full"].matched()
    assert right.all()
    assert len(scores) == len(right)
    quality = scored["full"].quality(0.0)
    assert set(quality.values()) == {1.0}
    assert 5 not in quality  # nobody is on it
    assert np.mean(list(scored["reduced"].quality(0.0).values())) < 0.9


def test_sheets_choose_best_median_worst_and_by_lot():
    quality = {image: image / 100 for image in range(1, 101)}
    rows = overlay_sheet.choose(quality, 4)
    assert rows["best"] == [100, 99, 98, 97]
    assert rows["median"] == [52, 51, 50, 49]
    assert rows["worst"] == [1, 2, 3, 4]
    assert rows["random"] == overlay_sheet.choose(quality, 8)["random"][:4]
    assert len(set(rows["random"]) - set(rows["best"])) > 0


def test_lines_by_people_are_of_the_first_way_of_testing():
    lines = ap_by_people.read_lines(Inputs(metrics=made_up_study.metrics()), "keypoints")
    assert list(lines) == ["full", "reduced", "colour"]
    assert lines["full"]["people=1"].value == pytest.approx(0.62)
    assert "people=0" not in lines["full"]
