"""What holds for every table and figure."""

import pytest

from bottomup import lookup
from bottomup.catalogue import publish_modules
from bottomup.publish.inputs import Inputs

MODULES = publish_modules()
CATEGORIES = (
    "Overview",
    "Papers",
    "Accuracy",
    "Data",
    "Training",
    "Pictures",
    "Cost",
    "Provenance",
)
WORDS = set(Inputs.__dataclass_fields__)


@pytest.mark.parametrize("name", MODULES)
def test_modules_say_what_they_are(name):
    module = MODULES[name]
    assert set(module.needs) <= WORDS
    assert module.category in CATEGORIES
    assert module.caption.endswith(".")
    assert callable(lookup.load("publish", name).make)


def test_the_tables_and_figures_are_there():
    kinds = {
        kind: {n for n, m in MODULES.items() if m.kind == kind} for kind in ("table", "figure")
    }
    assert kinds["table"] >= {"overview", "keypoints", "segmentation", "people_table"}
    assert kinds["figure"] >= {
        *("people_per_image", "training_curves", "precision_recall", "dataset_sheet", "overlays"),
    }
