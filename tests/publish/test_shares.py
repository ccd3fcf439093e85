"""Shares of images by number of people, published beside measured."""

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from bottomup.errors import InputError
from bottomup.publish import (
    people_per_image,
    share_panels,
    shares_original,
    shares_reduced,
    style,
)
from bottomup.publish.inputs import Inputs

PUBLISHED = Path(__file__).resolve().parents[2] / "config" / "published.yaml"


def strata(folder, name, after):
    before = [10, 48, 20, 12, 8, 6, 2, 2, 1, 1]
    table = pd.DataFrame({"people": range(10), "images_before": before, "images_after": after})
    table.to_csv(folder / f"{name}.csv", index=False)
    return folder / f"{name}.csv"


@pytest.fixture
def inputs(tmp_path):
    files = {
        "full": strata(tmp_path, "full", [10, 48, 20, 12, 8, 6, 2, 2, 1, 1]),
        "reduced50": strata(tmp_path, "reduced50", [10, 24, 20, 12, 8, 6, 2, 2, 1, 1]),
        "control50": strata(tmp_path, "control50", [8, 37, 16, 10, 6, 4, 2, 1, 1, 1]),
        "reduced30": strata(tmp_path, "reduced30", [10, 34, 20, 12, 8, 6, 2, 2, 1, 1]),
    }
    levels = {"full": 0, "reduced50": 50, "control50": None, "reduced30": 30}
    return Inputs(strata=files, design={"levels": levels}, published=PUBLISHED)


def test_the_published_shares_are_those_of_figures_1_and_2():
    shares = share_panels.published_shares(PUBLISHED)
    assert list(shares) == [0, 30, 40, 50, 60, 70, 80]
    assert shares[0] == [48, 19, 10, 7, 4, 3, 2, 2, 5]
    assert shares[80] == [15, 31, 16, 11, 7, 5, 4, 3, 8]
    assert all(abs(sum(values) - 100) <= 1 for values in shares.values())


def test_shares_and_the_largest_difference_by_hand(inputs):
    published = share_panels.published_shares(PUBLISHED)
    panel = share_panels.panel("half", inputs.strata["reduced50"], "after", published[50])
    assert panel.series["measured"][0] == pytest.approx(100 * 24 / 76)
    points, people = share_panels.largest_difference(panel.series["measured"], published[50])
    assert (points, people) == (pytest.approx(100 / 76 - 7), "9+")
    assert panel.caption == "76 images; largest difference -5.7 points (9+)"


def test_a_level_without_published_shares_says_so(inputs):
    panel = share_panels.panel("half", inputs.strata["reduced50"], "after", None)
    assert panel.caption == "76 images; none published"
    assert list(panel.series) == ["measured"]


def test_a_subset_stands_beside_the_whole_split(inputs):
    panel = people_per_image.before_and_after("half", inputs.strata["reduced50"])
    assert panel.caption == "76 of 100 images"
    assert panel.series["whole split"][1] == pytest.approx(48)
    assert panel.series["subset"][1] == pytest.approx(100 * 24 / 76)


def test_controls_are_no_level(inputs):
    assert share_panels.levels_of(inputs.design) == {0: "full", 30: "reduced30", 50: "reduced50"}


@pytest.mark.parametrize("module", [shares_original, shares_reduced])
def test_the_figure_is_drawn_and_the_same_each_time(inputs, tmp_path, module):
    files = [tmp_path / "one.png", tmp_path / "two.png"]
    for path in files:
        module.make(inputs, [path])
    assert files[0].read_bytes() == files[1].read_bytes()
    with Image.open(files[0]) as picture:
        assert len(picture.getcolors(10**6)) > 20


@pytest.mark.parametrize("module", [people_per_image, shares_original, shares_reduced])
def test_an_empty_study_says_so(tmp_path, module, monkeypatch):
    said = []
    monkeypatch.setattr(style, "nothing_to_draw", lambda figure, text: said.append(text))
    module.make(Inputs(design={"levels": {}}), [tmp_path / "empty.svg"])
    assert said == ["no such subset in this study"]


def test_shares_of_too_few_strata_are_refused(tmp_path):
    path = tmp_path / "published.yaml"
    path.write_text('people_shares: {levels: {"30": [50, 50]}}\nrows: {}\n')
    with pytest.raises(InputError, match=r"levels\.30 has 2 shares"):
        share_panels.published_shares(path)
