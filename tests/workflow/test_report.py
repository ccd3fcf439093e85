"""The report of a finished study, in a browser without a network: every category, every result."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from workflow_story import REPOSITORY

from bottomup.schema import read_yaml
from browser import browsing

STUDY = REPOSITORY / "config" / "toy.yaml"
CATEGORIES = [
    *("1 Overview", "3 Accuracy", "4 Data", "5 Training", "6 Pictures", "7 Cost", "8 Provenance"),
]


def snakemake(folder, *words):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--configfile", str(STUDY)),
            *("--directory", str(folder), *words),
        ],
        cwd=REPOSITORY,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """The report of the toy study, or the one that BOTTOMUP_REPORT names."""
    if "BOTTOMUP_REPORT" in os.environ:
        return Path(os.environ["BOTTOMUP_REPORT"])
    folder = tmp_path_factory.mktemp("toy")
    path = folder / "results" / "report.html"
    snakemake(folder, "--cores", "2")
    snakemake(folder, "--cores", "1", "--report", str(path))
    return path


@pytest.mark.long
def test_every_result_of_every_category_is_shown(report, tmp_path):
    pictures = Path(os.environ.get("BOTTOMUP_SCREENSHOTS", tmp_path))
    study = read_yaml(STUDY)["publish"]
    wanted = {*study["tables"], *study["figures"], "packages"}
    seen = set()
    with browsing() as browser:
        browser.open(report.as_uri())
        browser.wait(lambda: "overview" in browser.run("return document.body.innerText"), "start")
        browser.screenshot(pictures / "start.png")
        for category in categories(browser):
            results = results_of(browser, report, category)
            browser.screenshot(pictures / f"{category}.png")
            for place, name in enumerate(results):
                results_of(browser, report, category)
                show(browser, place)
                browser.screenshot(pictures / f"{category} {name}.png")
                seen.add(name)
            assert not [e for e in browser.errors() if "tailwind" not in e]
    assert wanted <= seen


@pytest.mark.long
def test_categories_are_in_the_order_of_reading(report):
    with browsing() as browser:
        browser.open(report.as_uri())
        found = categories(browser)
    assert found == sorted(found)
    assert set(CATEGORIES) <= set(found)


@pytest.mark.long
def test_the_report_asks_nothing_of_the_network(report):
    with browsing() as browser:
        browser.open(report.as_uri())
        browser.wait(lambda: "overview" in browser.run("return document.body.innerText"), "start")
        script = "return performance.getEntriesByType('resource').map(entry => entry.name)"
        assert [name for name in browser.run(script) if name.startswith("http")] == []


def categories(browser):
    """The categories in the menu, in the order shown."""
    found = browser.wait(lambda: browser.shown("nav a, #nav a, a"), "menu")
    texts = [browser.text(element) for element in found]
    return [text for text in texts if text[:1].isdigit()]


def results_of(browser, report, category):
    """Opens a category; the names of its results."""
    browser.open(report.as_uri())
    browser.click_text("a", category)
    rows = browser.wait(lambda: browser.shown("tbody tr"), category)
    return [browser.text(row).split()[0] for row in rows]


def show(browser, place):
    """Opens the result in this place of the list, and waits for a picture, a frame or a text."""
    browser.click(browser.shown(f"tbody tr:nth-child({place + 1}) a")[0])
    browser.wait(lambda: browser.shown("img, iframe, pre, object, embed"), f"result {place}")
