"""The documents: their examples run, their links lead somewhere, their numbers have a command."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"
PAGES = sorted(DOCS.glob("*.md"))
EXAMPLE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def examples(page):
    """The files that a page tells to write, with their content."""
    found = dict(EXAMPLE.findall((DOCS / page).read_text(encoding="utf-8")))
    assert found
    return found


def test_every_page_is_in_the_navigation():
    shown = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text())["nav"]
    listed = set(re.findall(r"[\w-]+\.md", str(shown)))
    assert {page.name for page in PAGES} <= listed
    assert all((DOCS / name).is_file() for name in listed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_pages(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (DOCS / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_studies_that_pages_name_exist(page):
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:config|tests|benchmarks|workflow)/[\w/]+\.(?:yaml|py)\b", text))
    made = dict(EXAMPLE.findall(text))
    missing = {name for name in named - set(made) if not (REPOSITORY / name).exists()}
    assert not missing


def test_the_examples_are_planned(tmp_path):
    folder = copy_with_examples(tmp_path)
    done = snakemake(folder, "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Training mine_squared, seed 0" in done.stdout + done.stderr


@pytest.mark.long
def test_the_examples_run(tmp_path):
    folder = copy_with_examples(tmp_path)
    done = snakemake(folder, "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = (folder / "results/tables/mine.md").read_text().splitlines()[2:]
    tests = [tuple(cell.strip() for cell in row.strip("| ").split("|"))[:2] for row in rows]
    assert tests == [
        (experiment, protocol)
        for experiment in ("mine", "mine_squared")
        for protocol in ("single_scale_257", "mine")
    ]


def copy_with_examples(folder):
    """The repository with the files that docs/adding.md tells to write."""
    sys.path.insert(0, str(REPOSITORY / "tests" / "workflow"))
    try:
        from workflow_story import Story
    finally:
        sys.path.pop(0)
    made = Story(folder).folder
    for name, text in examples("adding.md").items():
        assert not (made / name).exists(), f"{name} is there already"
        (made / name).write_text(text, encoding="utf-8")
    return made


def snakemake(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--configfile", "config/mine.yaml", *words],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
