"""What `--use-conda` gives a job: the pinned packages alone, and no `bottomup` among them."""

import os
import re
import subprocess
import sys

import pytest
from workflow_story import REPOSITORY

# Imports what a script imports inside `main`, each name of it.
IMPORT_ALL = """
import ast, importlib, sys
for node in ast.walk(ast.parse(open(sys.argv[1]).read())):
    if isinstance(node, ast.ImportFrom):
        module = importlib.import_module(node.module)
        for alias in node.names:
            if not hasattr(module, alias.name):
                importlib.import_module(f"{node.module}.{alias.name}")
    elif isinstance(node, ast.Import):
        for alias in node.names:
            importlib.import_module(alias.name)
"""


def clean_environment(**added):
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | added


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pins = REPOSITORY / "requirements" / "cpu.txt"
    words = ["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", pins]
    subprocess.run([folder / "bin" / "python", *words], check=True)
    return folder / "bin" / "python"


@pytest.mark.long
def test_the_graph_runs_on_the_pins_alone(python, tmp_path):
    alone = subprocess.run(
        [python, "-c", "import bottomup"], env=clean_environment(), capture_output=True, text=True
    )
    assert "No module named 'bottomup'" in alone.stderr
    for script in sorted((REPOSITORY / "workflow" / "scripts").glob("*.py")):
        done = subprocess.run(
            [python, "-c", IMPORT_ALL, script],
            env=clean_environment(PYTHONPATH=str(REPOSITORY / "src")),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{script.name}: {done.stderr}"
    words = ["-m", "snakemake", "--cores", "2", "--configfile", "config/toy.yaml"]
    study = subprocess.run(
        [python, *words, "--directory", tmp_path],
        cwd=REPOSITORY,
        env=clean_environment(MPLBACKEND="agg"),
        capture_output=True,
        text=True,
    )
    said = study.stdout + study.stderr
    assert study.returncode == 0, said
    done, planned = re.findall(r"(\d+) of (\d+) steps \(100%\) done", said)[-1]
    assert done == planned
    assert (tmp_path / "results" / "tables" / "overview.csv").stat().st_size > 0
