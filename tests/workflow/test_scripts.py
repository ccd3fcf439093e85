"""Scripts: thin, importable without Snakemake, and one for each rule that has one."""

import ast
import importlib
import re
import runpy
from pathlib import Path

import pytest
from workflow_story import REPOSITORY

SCRIPTS = sorted((REPOSITORY / "workflow" / "scripts").glob("*.py"))
RULES = "\n".join(
    path.read_text() for path in sorted((REPOSITORY / "workflow" / "rules").glob("*.smk"))
)
script = pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)


@script
def test_script_imports_without_snakemake(path):
    assert callable(runpy.run_path(str(path))["main"])


@script
def test_script_is_thin(path):
    assert len(path.read_text().splitlines()) < 40


@script
def test_what_a_script_imports_exists(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("bottomup"):
            module = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")


def test_every_script_is_used_and_watched_by_its_rule():
    used = set(re.findall(r'"\.\./scripts/(\w+\.py)"', RULES))
    assert used == {path.name for path in SCRIPTS}
    once = {"fetch_archive.py", "fetch_weights.py", "check_split.py", "check_disjoint.py"}
    watched = set(re.findall(r'(?:code|script_digest)\(\s*"(\w+\.py)"', RULES))
    assert watched == used - once


@pytest.mark.parametrize("word", ["log", "benchmark", "conda", "message", "resources"])
def test_every_rule_states(word):
    rules = re.split(r"^(?:use )?rule ", RULES, flags=re.MULTILINE)[1:]
    inherited = {"conda", "resources"}
    for rule in rules:
        if not (rule.startswith("infer_shard as") and word in inherited):
            assert re.search(rf"^    {word}:", rule, flags=re.MULTILINE), rule.splitlines()[0]


@pytest.mark.parametrize("rule", re.findall(r"^rule (\w+):", RULES, flags=re.MULTILINE))
def test_log_and_benchmark_lie_where_an_output_lies(rule):
    text = re.search(rf"^rule {rule}:.*?(?=^(?:use )?rule |\Z)", RULES, re.M | re.S)[0]
    log = re.search(r'"results/logs/(\S+)\.log"', text)[1]
    benchmark = re.search(r'"results/benchmarks/(\S+)\.tsv"', text)[1]
    assert log == benchmark
    outputs = text.partition("output:")[2].partition("    log:")[0]
    stem = Path(log).name
    assert stem.split("{")[0] in outputs.replace("{{", "{"), (stem, outputs)
