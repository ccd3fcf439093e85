"""A model of 17 keypoints on people annotated with CrowdPose's 14: the 12 that both have count."""

import json

import numpy as np
import pytest

import people
from bottomup.coco import read_annotations
from bottomup.errors import InputError
from bottomup.evaluation import evaluate
from bottomup.shared_keypoints import label_shared, reorder_rows
from bottomup.skeleton import COCO_PERSON, CROWDPOSE, Skeleton


@pytest.fixture
def split(tmp_path):
    path, _ = people.make_coco(
        tmp_path, (1, 2, 0, 3), size=(240, 320), skeleton=CROWDPOSE, write_images=False
    )
    return read_annotations(path, CROWDPOSE)


def found(annotations, shift=0.0):
    """What a perfect model of COCO's keypoints says of these people, moved by some pixels."""
    rows = []
    for persons in annotations.persons.values():
        for person in persons:
            places = dict(zip(CROWDPOSE.keypoints, person.keypoints, strict=True))
            known = np.array([(0.0, 0.0, 0.5)] * COCO_PERSON.num_keypoints)
            for k, name in enumerate(COCO_PERSON.keypoints):
                if name in places:
                    known[k, :2] = places[name][:2] + shift
            rows.append(
                {
                    "image_id": person.image_id,
                    "category_id": 1,
                    "score": 0.9,
                    "keypoints": known.reshape(-1).tolist(),
                }
            )
    return rows


def scored(tmp_path, annotations, rows, model=COCO_PERSON):
    path = tmp_path / "keypoints.json"
    path.write_text(json.dumps(rows))
    table = evaluate(annotations.path, CROWDPOSE, path, None, model=model)
    return table[table.stratum == "all"].set_index("metric")


def test_twelve_names_are_shared():
    assert len(CROWDPOSE.shared_with(COCO_PERSON)) == 12
    assert set(CROWDPOSE.keypoints) - set(CROWDPOSE.shared_with(COCO_PERSON)) == {"head", "neck"}


def test_a_perfect_model_of_other_keypoints_scores_one(split, tmp_path):
    table = scored(tmp_path, split, found(split))
    assert table.value["AP"] == pytest.approx(1)
    assert table.value["share_good"] == 1


def test_the_table_says_how_many_keypoints_count(split, tmp_path):
    row = scored(tmp_path, split, found(split)).loc["shared_keypoints"]
    assert (row.value, row.n) == (12, 14)


def test_a_wrong_place_costs(split, tmp_path):
    assert scored(tmp_path, split, found(split, shift=60.0)).value["AP"] < 0.5


def test_a_model_of_the_datasets_own_keypoints_is_scored_on_all(split, tmp_path):
    rows = [
        {"image_id": p.image_id, "category_id": 1, "score": 0.9,
         "keypoints": p.keypoints.reshape(-1).tolist()}
        for persons in split.persons.values() for p in persons
    ]  # fmt: skip
    table = scored(tmp_path, split, rows, model=None)
    assert table.value["AP"] == pytest.approx(1)
    assert "shared_keypoints" not in table.index


def test_only_shared_keypoints_stay_labelled(split):
    person = next(p for persons in split.persons.values() for p in persons)
    after = next(p for people in label_shared(split, COCO_PERSON).persons.values() for p in people)
    assert (after.keypoints[-2:] == 0).all()
    assert (after.keypoints[:-2] == person.keypoints[:-2]).all()


def test_rows_take_the_datasets_order_and_keep_their_extent():
    keypoints = np.arange(17 * 3, dtype=float).reshape(17, 3)
    [row] = reorder_rows([{"keypoints": keypoints.reshape(-1).tolist()}], COCO_PERSON, CROWDPOSE)
    after = np.reshape(row["keypoints"], (14, 3))
    left_elbow = COCO_PERSON.keypoints.index("left_elbow")
    assert (after[CROWDPOSE.keypoints.index("left_elbow")] == keypoints[left_elbow]).all()
    assert (after[:12] == keypoints[5:]).all()
    assert (after[12:, :2] == keypoints[5:, :2].mean(axis=0)).all()


def test_nothing_in_common_is_refused(split):
    other = Skeleton("two", ("a", "b"), (("a", "b"),), (0.1, 0.1))
    with pytest.raises(InputError, match="no keypoint named as one of 'two'"):
        label_shared(split, other)


def test_results_of_the_wrong_length_are_refused(split, tmp_path):
    rows = found(split)
    rows[0]["keypoints"] = rows[0]["keypoints"][:-3]
    with pytest.raises(InputError, match="give 51 finite numbers"):
        scored(tmp_path, split, rows)
