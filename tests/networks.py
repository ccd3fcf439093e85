"""A tiny network and the folder of a run that holds it, for tests that need no training."""

import json

from bottomup import network
from bottomup.skeleton import COCO_PERSON

NETWORK = {
    "system": "personlab",
    "system_options": {"radius_px": 10, "sub_cells": 2, "distance": True},
    "backbone": "pixel",
    "backbone_options": {},
    "output_stride": 8,
    "skeleton": COCO_PERSON.to_dict(),
}


def small_network(**changes):
    """The network, with other arguments where given."""
    return network.build(**NETWORK | changes)


def save_run(built, folder, **changes):
    """Writes what `Predictor.load` and `predict` read of a finished run."""
    built.save(folder / "weights.keras")
    arguments = NETWORK | changes
    settings = {"crop": 65, "system_options": arguments["system_options"]}
    (folder / "run.json").write_text(json.dumps({"network": arguments, "settings": settings}))
    return folder
