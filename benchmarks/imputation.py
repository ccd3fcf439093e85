"""How right imputed keypoints are, on made-up people whose labels are hidden from the network.

    python benchmarks/imputation.py --run results/runs/personlab_quick/seed-0

All labels of the first images of `val` are taken away, a finished run fills them in, and what it
filled in is compared with what was there: the share within half a head size (PCKh@0.5), by the
least score. Takes a minute on two cores.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import numpy as np

from bottomup.coco import Annotations, read_annotations
from bottomup.datasets.synthetic import make_split
from bottomup.imputation import ImputationSettings, impute
from bottomup.pckh import PCKH, head_size
from bottomup.schema import read_yaml
from bottomup.single_person import finder
from bottomup.skeleton import COCO_PERSON

DATASET = Path(__file__).resolve().parents[1] / "config" / "datasets" / "synthetic.yaml"


def main() -> None:
    """Prints one line for each least score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder of a finished run")
    parser.add_argument("--images", type=int, default=200, help="images to draw (200)")
    parser.add_argument("--least-scores", type=float, nargs="+", default=[0.3, 0.6, 0.8])
    options = parser.parse_args()
    settings = read_yaml(DATASET)["generator"]
    seed = settings.pop("seed")
    settings["images"] |= {"val": options.images}
    with tempfile.TemporaryDirectory() as folder:
        path, images = Path(folder) / "annotations.json", Path(folder) / "images"
        make_split(settings, "val", seed, COCO_PERSON, images, path)
        truth = read_annotations(path, COCO_PERSON)
        found = finder(options.run)
        print("least score  people  labelled  filled in  of these labelled  PCKh@0.5")
        for least in options.least_scores:
            how = ImputationSettings(largest_area_px=9216, least_side_px=16, least_score=least)
            print(report(truth, impute(unlabelled(truth), images, *found, how), least))


def unlabelled(annotations: Annotations) -> Annotations:
    """The same people, of whom nothing is labelled."""
    people = {
        image: tuple(replace(p, keypoints=np.zeros_like(p.keypoints)) for p in group)
        for image, group in annotations.persons.items()
    }
    return replace(annotations, persons=people)


def report(truth: Annotations, filled: dict[int, np.ndarray], least: float) -> str:
    """One line of the table."""
    people = [p for group in truth.persons.values() for p in group if p.id in filled]
    labelled = sum(p.labelled for p in people)
    count = sum(int((keypoints[:, 2] > 0).sum()) for keypoints in filled.values())
    shares = []
    for person in people:
        guess = filled[person.id]
        both = (guess[:, 2] > 0) & (person.keypoints[:, 2] > 0)
        far = np.linalg.norm(guess[both, :2] - person.keypoints[both, :2], axis=1)
        shares += (far / head_size(person, COCO_PERSON)).tolist()
    right = np.mean(np.array(shares) <= PCKH)
    return f"{least:11.2f}{len(people):8}{labelled:10}{count:11}{len(shares):19}{right:10.3f}"


if __name__ == "__main__":
    main()
