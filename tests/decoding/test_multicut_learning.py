"""Pairwise terms are learned from fields: what is sampled, what is fitted, how it is told."""

import h5py
import numpy as np
import pytest

from bottomup.coco import read_annotations
from bottomup.decoding.multicut.fit import LEAST_SAMPLES, fit_terms
from bottomup.decoding.multicut.learn import learn_terms
from bottomup.decoding.multicut.samples import PairSamples, draw_samples
from bottomup.decoding.multicut.terms import read_terms
from bottomup.errors import InputError
from bottomup.fields.grid import Frame, PairFields
from bottomup.fields.store import write_fields
from bottomup.publish.reliability import draw_reliability
from bottomup.skeleton import Skeleton
from bottomup.systems import deepercut
from people import make_coco

pytest.importorskip("sklearn", reason="pairwise terms are fitted by scikit-learn")
TOY = Skeleton(
    name="toy",
    keypoints=("nose", "left_hand", "right_hand"),
    edges=(("nose", "left_hand"), ("nose", "right_hand")),
    sigmas=(0.1, 0.1, 0.1),
)
SIDE, RADIUS_PX = 193, 9.0
FRAME = Frame(1.0, SIDE, SIDE)


def people(seed, count=2):
    generator = np.random.default_rng(seed)
    xy = generator.uniform(10, SIDE - 10, (count, 3, 2))
    return np.concatenate([xy, np.full((count, 3, 1), 2)], -1).astype(np.float32)


def fields_of(keypoints, seed, noise_px=1.0, reach_px=32.0):
    """Ideal fields with noise: everywhere a little, where nothing is learned anything."""
    padded = np.concatenate([keypoints, np.zeros((1, 3, 3), np.float32)])
    options = deepercut.Options(radius_px=RADIUS_PX)
    empty = np.zeros((1, SIDE, SIDE), np.int32)
    goals = deepercut.targets(padded[None], empty, TOY, 8, options)
    arrays = {name: np.array(value)[0] for name, value in goals.items()}
    generator = np.random.default_rng(seed)
    for name in ("short", "pairwise"):
        values, weight = arrays[name], arrays[f"{name}_weight"][..., None]
        near = values + generator.normal(0, noise_px, values.shape)
        far = generator.uniform(-reach_px, reach_px, values.shape)
        arrays[name] = np.where(weight > 0, near, far).astype(np.float32)
    return PairFields(*(arrays[name] for name in ("heatmap", "short", "pairwise")), 8)


def images(count):
    for seed in range(count):
        yield fields_of(people(seed), seed), FRAME, people(seed)


@pytest.fixture(scope="module")
def samples():
    return draw_samples(images(25), TOY, RADIUS_PX, seed=0, per_image=20)


def test_positives_agree_and_negatives_do_not(samples):
    for pair in ((0, 1), (0, 2), (1, 2)):
        features, together, _ = samples.of(pair)
        assert np.median(features[together, 0]) < 3
        assert np.median(features[~together, 0]) > 10


def test_no_negative_pair_is_of_one_person():
    """Cells that lead to the same person's two keypoints are no negatives, whoever that is."""
    keypoints = people(3)
    fields = fields_of(keypoints, 3, noise_px=0.0)
    drawn = draw_samples([(fields, FRAME, keypoints)], TOY, RADIUS_PX, seed=0, per_image=99)
    for pair in ((0, 1), (0, 2), (1, 2)):
        features, together, _ = drawn.of(pair)
        near = features[:, [0, 2]].max(axis=1) < 1e-3  # both offsets lead to the other place
        assert near[together].all()
        assert not near[~together].any()


def test_there_are_as_many_negatives_as_positives_and_no_more(samples):
    features, together, numbers = samples.of((0, 1))
    assert 0.8 < (~together).sum() / together.sum() <= 1
    assert len(features) == len(together) == len(numbers)
    assert np.bincount(numbers[together]).max() <= 20


def test_an_unlabelled_keypoint_gives_no_samples():
    keypoints = people(0)
    keypoints[:, 1, 2] = 0
    found = draw_samples([(fields_of(keypoints, 0), FRAME, keypoints)], TOY, RADIUS_PX, seed=0)
    assert set(found.features) == {(0, 2)}


def test_an_image_of_nobody_gives_no_samples():
    keypoints = np.zeros((0, 3, 3), np.float32)
    found = draw_samples([(fields_of(keypoints, 0), FRAME, keypoints)], TOY, RADIUS_PX, seed=0)
    assert not found.features


def test_learned_terms_tell_who_belongs_together(samples):
    fit = fit_terms(samples, TOY)
    for pair in ((0, 1), (1, 2)):
        features, together, _ = samples.of(pair)
        assert fit.terms.samples[pair] == len(together)
        right = (fit.terms.probability(*pair, features) > 0.5) == together
        assert right.mean() > 0.9


def test_a_reliability_covers_the_held_out_images(samples):
    table = fit_terms(samples, TOY).calibration
    held_out = sum((samples.of(pair)[2] % 5 == 0).sum() for pair in samples.features)
    assert table.samples.sum() == held_out
    assert ((table.predicted >= table.low) & (table.predicted <= table.high)).all()
    assert table.observed.iloc[-1] > 0.9 > 0.1 > table.observed.iloc[0]


def test_a_rare_pair_takes_the_terms_of_all_together(samples):
    few = PairSamples()
    for pair in samples.features:
        features, together, _ = samples.of(pair)
        end = LEAST_SAMPLES // 4 if pair == (1, 2) else len(together)
        order = np.random.default_rng(0).permutation(len(together))[:end]
        few.add(pair, features[order], together[order], 1)
    terms = fit_terms(few, TOY).terms
    assert terms.samples[1, 2] == 0
    assert terms.samples[0, 1] > LEAST_SAMPLES
    assert np.abs(terms.weights[1, 2]).max() > 0
    assert not np.array_equal(terms.weights[1, 2], terms.weights[0, 1])


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(InputError, match="whose keypoints are annotated"):
        fit_terms(PairSamples(), TOY)


def test_a_run_learns_from_its_fields(tmp_path):
    annotations, _ = make_coco(
        tmp_path, (1, 2, 2, 0, 1), size=(120, 160), skeleton=TOY, write_images=False
    )
    read = read_annotations(annotations, TOY)
    frame = Frame(1.2, 120, 160)
    with h5py.File(tmp_path / "fields.h5", "w") as file:
        for image in read.images:
            keypoints = np.array([p.keypoints for p in read.persons[image.id]], np.float32)
            keypoints = keypoints.reshape(-1, 3, 3)
            keypoints[..., :2] *= 1.2
            write_fields(file, image.id, fields_of(keypoints, image.id), frame)
    paths = [tmp_path / name for name in ("terms.json", "calibration.csv", "calibration.png")]
    table = learn_terms(tmp_path / "fields.h5", annotations, TOY, RADIUS_PX, *paths[:2])
    draw_reliability(table, paths[2])
    assert read_terms(paths[0]).fits(TOY)
    assert paths[1].read_text().startswith("low,high,predicted,observed,samples\n")
    assert paths[2].read_bytes().startswith(b"\x89PNG")
