"""The one way for the data: a module imports only from its left."""

import subprocess
import sys
from pathlib import Path

import pytest

from bottomup.provenance import closure, imports_of

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = REPOSITORY / "src"
SCRIPTS = sorted((REPOSITORY / "workflow" / "scripts").glob("*.py"))

# From left to right. A package stands for its modules, unless one is named by itself.
ORDER = (
    *(
        "errors",
        "files",
        "json_stream",
        "device_claims",
        "devices",
        "lookup",
        "provenance",
        "sums",
        "schema",
    ),
    *("run_folder", "crops"),
    "catalogue",
    *("config_docs", "job"),
    *("skeleton", "rle", "person", "coco", "image_check", "census", "datasets"),
    *("subsets", "parts", "shards", "imputation"),
    *("fields.grid", "pairwise_statistics"),
    *("records", "batches", "augment", "fields", "losses", "backbones", "correction"),
    *("network", "systems", "intermediate", "training_step", "checkpoints", "determinism"),
    *("finished", "initial_weights"),
    *("interruption", "locks", "loss_guard", "optimizers", "summaries", "training_pictures"),
    *("training", "inference", "decoding", "single_person"),
    *(
        "coco_results",
        "crowding",
        "keypoint_errors",
        "matches",
        "shared_keypoints",
        "pckh",
        "multi_person_pckh",
        "task_evaluation",
        "evaluation",
        "submission",
        "publish",
        "study",
        "config_checks",
        "config",
        "bill",
        "oracle",
        "predict",
        "export",
        "release",
        "cli",
    ),
)
WITHOUT_TENSORFLOW = (
    *("skeleton", "coco", "datasets", "subsets", "shards", "fields.grid", "decoding"),
    *("evaluation", "publish", "config", "catalogue", "provenance", "job"),
)
ANY_BACKEND = (
    *("augment", "fields", "losses", "backbones", "correction", "network", "systems"),
    "intermediate",
    "training_step",
)
BLOCK_TENSORFLOW = """
import importlib, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "keras", "jax", "torch"):
            raise ImportError(f"{name} is blocked here")
sys.meta_path.insert(0, Blocked())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted((SOURCE / "bottomup").rglob("*.py"))}
PACKAGES = {name for name, path in MODULES.items() if path.stem == "__init__"}


def place(module: str) -> int:
    """Position in ORDER of the longest name that the module is or lies in."""
    fitting = [name for name in ORDER if f"{module}.".startswith(f"bottomup.{name}.")]
    assert fitting, f"{module} has no place in ORDER; say where in the flow of data it stands"
    return ORDER.index(max(fitting, key=len))


def part(*names: str) -> list[str]:
    return [m for m in MODULES if any(f"{m}.".startswith(f"bottomup.{name}.") for name in names)]


@pytest.mark.parametrize("module", sorted(set(MODULES) - PACKAGES))
def test_module_imports_only_from_its_left(module):
    imported = imports_of(MODULES[module], module, SOURCE) - PACKAGES
    backward = [name for name in imported if place(name) > place(module)]
    assert not backward, f"{module} imports {backward}, which stand to its right"


# Imputation infers and decodes in one: what comes out is trained on.
READING_RULES = [path for path in SCRIPTS if path.stem != "impute_keypoints"]


@pytest.mark.parametrize("script", READING_RULES, ids=lambda path: path.stem)
def test_training_and_inference_never_reach_decoding_or_evaluation(script):
    found = closure(script)
    if any(name in found for name in ("bottomup.training", "bottomup.inference")):
        assert not set(found) & set(part("decoding", "evaluation", "publish"))


def test_rule_facing_modules_are_in_no_computation():
    assert "bottomup.config" not in {
        name for path in SCRIPTS for name in imports_of(path, "__main__", SOURCE)
    }


def test_these_modules_import_without_tensorflow():
    modules = part(*WITHOUT_TENSORFLOW)
    done = subprocess.run(
        [sys.executable, "-c", BLOCK_TENSORFLOW, *modules],
        env={"PYTHONPATH": str(SOURCE), "PATH": "", "MPLBACKEND": "agg", "HOME": "/tmp"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", part(*ANY_BACKEND))
def test_the_training_step_names_no_backend(module):
    text = MODULES[module].read_text(encoding="utf-8")
    assert not [line for line in text.splitlines() if "import tensorflow" in line or " tf." in line]
