import json
from pathlib import Path

import pytest

from bottomup.provenance import closure, code_digest, file_sha256, run_record, values_digest

FILES = {
    "bottomup/__init__.py": "",
    "bottomup/errors.py": "class Wrong(Exception): ...\n",
    "bottomup/config.py": "KEYS = 1\n",
    "bottomup/fields/__init__.py": "",
    "bottomup/fields/grid.py": "from ..errors import Wrong\nSTEP = 1\n",
    "bottomup/fields/heat.py": "from bottomup.fields import grid\nfrom bottomup import config\n",
    "bottomup/systems/__init__.py": "",
    "bottomup/systems/first.py": "from bottomup.fields.heat import grid\nRATE = 1\n",
    "bottomup/systems/second.py": "RATE = 2\n",
    "train.py": (
        '"""Trains."""\nimport importlib\n\nfrom bottomup.fields.grid import STEP\n\n\n'
        "def load(name):\n    return importlib.import_module(f'bottomup.systems.{name}')\n"
    ),
}


@pytest.fixture
def source(tmp_path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def digest(source: Path, *plug_ins: str) -> str:
    return code_digest(source / "train.py", plug_ins, source)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_closure_holds_imported_modules_and_their_packages(source):
    assert closure(source / "train.py", (), source) == (
        "bottomup",
        "bottomup.errors",
        "bottomup.fields",
        "bottomup.fields.grid",
    )


def test_closure_follows_named_plug_ins_and_leaves_config_out(source):
    found = closure(source / "train.py", ("bottomup.systems.first",), source)
    assert "bottomup.fields.heat" in found
    assert "bottomup.config" not in found


def test_plug_ins_looked_up_while_running_are_not_followed(source):
    assert not any("systems" in name for name in closure(source / "train.py", (), source))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("train.py", '"""Trains."""', '"""Trains one run."""'),
        ("train.py", "import importlib", "# looked up by name\nimport importlib"),
        ("bottomup/fields/grid.py", "STEP = 1", "STEP = 1  # a step\n\n"),
        (
            "bottomup/errors.py",
            "class Wrong(Exception): ...",
            'class Wrong(Exception):\n    """No."""\n    ...',
        ),
    ],
)
def test_comments_docstrings_and_blank_lines_do_not_change_the_digest(source, file, old, new):
    before = digest(source)
    edit(source / file, old, new)
    assert digest(source) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("train.py", "import_module", "reload"),
        ("bottomup/fields/grid.py", "STEP = 1", "STEP = 2"),
        ("bottomup/errors.py", "Exception", "ValueError"),
    ],
)
def test_edits_of_the_script_and_of_imported_modules_change_the_digest(source, file, old, new):
    before = digest(source)
    edit(source / file, old, new)
    assert digest(source) != before


def test_only_the_plug_in_in_use_changes_the_digest(source):
    before = digest(source, "bottomup.systems.first")
    edit(source / "bottomup/systems/second.py", "2", "3")
    assert digest(source, "bottomup.systems.first") == before
    edit(source / "bottomup/systems/first.py", "1", "3")
    assert digest(source, "bottomup.systems.first") != before


def test_a_new_plug_in_changes_no_digest(source):
    before = digest(source, "bottomup.systems.first")
    (source / "bottomup/systems/third.py").write_text("RATE = 3\n")
    assert digest(source, "bottomup.systems.first") == before


def test_values_digest_ignores_the_order_of_keys_and_sees_values():
    assert values_digest({"a": 1, "b": [2, {"c": 3}]}) == values_digest(
        {"b": [2, {"c": 3}], "a": 1}
    )
    assert values_digest({"a": 1}) != values_digest({"a": 2})


def test_run_record_names_inputs_outputs_seeds_and_versions(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"abc")
    record = run_record(inputs=[path], outputs=[path], seeds={"run": 3}, device="CPU:0")
    assert record["inputs"] == {str(path): file_sha256(path)}
    assert record["seeds"] == {"run": 3}
    assert record["device"] == "CPU:0"
    missing = {name for name, version in record["packages"].items() if not version}
    assert missing <= {"jax"}  # the other backend, which few environments have
    assert set(record["git"]) == {"commit", "dirty"}
    assert json.loads(json.dumps(record)) == record
