"""Nothing that is loaded can run code: no pickles, no unsafe YAML, no Lambda layers."""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest

from bottomup.checkpoints import restore_state
from bottomup.errors import InputError
from bottomup.initial_weights import take_weights
from bottomup.schema import read_yaml

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = [
    path
    for folder in ("src", "workflow/scripts", "benchmarks", "envs")
    for path in (REPOSITORY / folder).rglob("*.py")
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_source_loads_what_can_run_code(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert not imported & {"pickle", "dill", "joblib", "marshal", "shelve", "cloudpickle"}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        words = {word.arg: getattr(word.value, "value", None) for word in call.keywords}
        assert words.get("allow_pickle") is not True
        assert words.get("safe_mode") is not False
        name = ast.unparse(call.func)
        assert name not in ("eval", "exec", "yaml.unsafe_load", "yaml.full_load")
        if name == "yaml.load":
            assert "Safe" in (REPOSITORY / "src/bottomup/schema.py").read_text()
            assert path.name == "schema.py"


def test_yaml_that_would_call_python_is_refused(tmp_path):
    path, mark = tmp_path / "study.yaml", tmp_path / "called"
    path.write_text(f'study: !!python/object/apply:os.mkdir ["{mark}"]\n')
    with pytest.raises(InputError, match=r"study\.yaml"):
        read_yaml(path)
    assert not mark.exists()


def test_a_state_with_a_pickle_is_refused(tmp_path):
    path = tmp_path / "state.npz"
    np.savez(path, progress=np.array("{}"), v00000=np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"state\.npz: the training state is damaged"):
        restore_state(path, [keras.Variable(np.zeros(1))])


def test_weights_with_code_in_them_are_refused(tmp_path):
    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1)(inputs))
    model.save(tmp_path / "weights.keras")
    with pytest.raises(InputError, match=r"weights\.keras: the initial weights cannot be read"):
        take_weights(model, [str(tmp_path / "weights.keras")], "all")
