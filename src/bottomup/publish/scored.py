"""The detections of a study matched to the annotations again, for figures that show more of them
than the metrics say."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pycocotools.coco import COCO

from bottomup.coco import read_annotations
from bottomup.coco_results import read_results, to_coco
from bottomup.evaluation import TASKS, evaluate_task
from bottomup.publish.inputs import Result
from bottomup.shared_keypoints import label_shared
from bottomup.skeleton import Skeleton
from bottomup.task_evaluation import TaskEvaluation


def each_scored(
    results: Sequence[Result], tasks: Sequence[str] = TASKS
) -> Iterator[tuple[Result, str, TaskEvaluation]]:
    """Each result with each task that it has, matched; an annotation file is read once."""
    truths: dict[tuple[Path, Skeleton], COCO] = {}
    for result in results:
        scored_on = (result.annotations_path, result.model)
        if scored_on not in truths:
            annotations = read_annotations(result.annotations_path, result.skeleton)
            truths[scored_on] = to_coco(label_shared(annotations, result.model))
        for task in tasks:
            path = result.detections_of(task)
            if path is None:
                continue
            rows, truth = read_results(path), truths[scored_on]
            scored = evaluate_task(truth, rows, task, result.skeleton, str(path), result.model)
            yield result, task, scored


def place_of(result: Result) -> str:
    """Where and how a result was made."""
    return f"{result.dataset} {result.split}, {result.protocol}"
