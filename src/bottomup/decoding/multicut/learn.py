"""From a run's fields of annotated images to its pairwise terms."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from bottomup.coco import read_annotations
from bottomup.decoding.multicut.fit import SEED, fit_terms
from bottomup.decoding.multicut.samples import draw_samples
from bottomup.decoding.multicut.terms import write_terms
from bottomup.errors import InputError
from bottomup.fields.grid import Frame, PairFields
from bottomup.fields.store import read_fields
from bottomup.files import written_aside
from bottomup.skeleton import Skeleton


def learn_terms(
    fields_h5: Path | str,
    annotations_path: Path | str,
    skeleton: Skeleton,
    radius_px: float,
    terms_json: Path | str,
    calibration_csv: Path | str,
) -> pd.DataFrame:
    """Learns pairwise terms and writes them, and how well calibrated such terms are.

    Args:
        fields_h5: A run's fields, as `fields.store` writes them.
        annotations_path: Annotations of the same images.
        skeleton: The run's.
        radius_px: How near a cell must be to a keypoint to be right, in input px.
        terms_json: Gets the coefficients, see `terms.write_terms`.
        calibration_csv: Gets the reliability, see `fit.Fit`.

    Returns:
        The reliability.

    Raises:
        InputError: The fields are no DeeperCut's, or show no annotated people.
    """
    images = _annotated(fields_h5, annotations_path, skeleton)
    fit = fit_terms(draw_samples(images, skeleton, radius_px, SEED), skeleton)
    write_terms(terms_json, fit.terms)
    with written_aside(calibration_csv) as aside:
        fit.calibration.to_csv(aside, index=False, float_format="%.6f")
    return fit.calibration


def _annotated(
    fields_h5: Path | str, annotations_path: Path | str, skeleton: Skeleton
) -> Iterator[tuple[PairFields, Frame, np.ndarray]]:
    """Fields, frame and annotated keypoints [person, keypoint, 3] of every image."""
    persons = read_annotations(annotations_path, skeleton).persons
    for image_id, fields, frame in read_fields(fields_h5):
        if not isinstance(fields, PairFields):
            raise InputError(
                f"{fields_h5}: image {image_id} has no pairwise field; learn pairwise terms from "
                "a run of the system deepercut"
            )
        keypoints = [person.keypoints for person in persons[image_id] if person.annotated]
        yield fields, frame, np.array(keypoints).reshape(-1, skeleton.num_keypoints, 3)
