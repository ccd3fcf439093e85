"""Scoring a model on people who are annotated with other keypoints than it finds.

Keypoints of two skeletons are the same if they have the same name. Only these count: what the
dataset labels beside them is taken as unlabelled, and what the model finds beside them is left out.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bottomup.coco import Annotations
from bottomup.errors import InputError
from bottomup.person import Person
from bottomup.skeleton import Skeleton


def label_shared(annotations: Annotations, model: Skeleton) -> Annotations:
    """The annotations with every keypoint unlabelled that the model does not have.

    Raises:
        InputError: No keypoint is left.
    """
    shared = annotations.skeleton.shared_with(model)
    if not shared:
        raise InputError(
            f"{annotations.path}: skeleton {annotations.skeleton.name!r} has no keypoint named as "
            f"one of {model.name!r}; score the model on a dataset that shares keypoints with it"
        )
    if shared == annotations.skeleton.keypoints:
        return annotations
    kept = np.array([name in shared for name in annotations.skeleton.keypoints])

    def label(person: Person) -> Person:
        return replace(person, keypoints=np.where(kept[:, None], person.keypoints, 0))

    people = {i: tuple(map(label, persons)) for i, persons in annotations.persons.items()}
    return replace(annotations, persons=people)


def reorder_rows(rows: Sequence[dict], model: Skeleton, dataset: Skeleton) -> list[dict]:
    """COCO keypoint results of the model, in the order of the dataset's keypoints.

    A keypoint that the model does not have is put in the middle of those that both have, where it
    leaves the area of the detection as it is.
    """
    shared = dataset.shared_with(model)
    sources = [model.keypoints.index(name) for name in shared]
    targets = [dataset.keypoints.index(name) for name in shared]
    reordered = []
    for row in rows:
        found = np.reshape(row["keypoints"], (-1, 3))[sources]
        keypoints = np.tile([*found[:, :2].mean(axis=0), 0.0], (dataset.num_keypoints, 1))
        keypoints[targets] = found
        reordered.append(row | {"keypoints": keypoints.reshape(-1).tolist()})
    return reordered
