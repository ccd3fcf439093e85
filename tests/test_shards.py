import json

import pytest

from bottomup.coco import read_annotations
from bottomup.errors import InputError
from bottomup.shards import joint_rows, merge_results, write_samples
from bottomup.skeleton import COCO_PERSON
from people import make_coco


def write_shard(folder, name, image_ids):
    rows = [{"image_id": image, "score": 0.5} for image in image_ids if image != 3]
    path = folder / f"{name}.json"
    content = {"images": image_ids, "keypoints": rows, "segmentation": rows[:1]}
    times = [10.0 * image for image in image_ids]
    path.write_text(json.dumps(content | {"milliseconds": times}))
    return path


@pytest.fixture
def annotations(tmp_path):
    path, _ = make_coco(tmp_path, (1, 2, 0, 1, 0, 3), write_images=False)
    return path


def merge(folder, annotations, shards):
    out = folder / "keypoints.json", folder / "segmentation.json"
    others = folder / "joint.json", folder / "decode_times.csv"
    merge_results(annotations, shards, *out, *others)
    return [json.loads(path.read_text()) for path in out]


def test_results_of_all_shards_are_joined_in_the_order_of_images(tmp_path, annotations):
    shards = [write_shard(tmp_path, "b", [2, 4, 6]), write_shard(tmp_path, "a", [1, 3, 5])]
    keypoints, segmentation = merge(tmp_path, annotations, shards)
    assert [row["image_id"] for row in keypoints] == [1, 2, 4, 5, 6]
    assert [row["image_id"] for row in segmentation] == [1, 2]
    times = (tmp_path / "decode_times.csv").read_text().splitlines()
    assert times[:4] == ["image_id,people,milliseconds", "1,1,10.0", "2,1,20.0", "3,0,30.0"]
    assert len(times) == 7


def rows(key, *people):
    return [{"image_id": image, "score": score, key: (image, score)} for image, score in people]


def test_joint_rows_hold_pose_and_mask_of_each_person():
    people = (1, 0.9), (1, 0.4), (2, 0.7)
    joint = joint_rows(rows("keypoints", *people), rows("segmentation", people[0], people[2]))
    assert [row["keypoints"] for row in joint] == list(people)
    assert [row.get("segmentation") for row in joint] == [people[0], None, people[2]]


def test_a_mask_without_a_pose_is_refused():
    with pytest.raises(InputError, match=r"image 2 with score 0\.7 belongs to no pose"):
        joint_rows(rows("keypoints", (1, 0.9)), rows("segmentation", (2, 0.7)))


def test_the_joint_file_is_written_beside_the_two(tmp_path, annotations):
    shards = [write_shard(tmp_path, "a", [1, 2, 3, 4, 5, 6])]
    merge(tmp_path, annotations, shards)
    joint = json.loads((tmp_path / "joint.json").read_text())
    assert [row["image_id"] for row in joint] == [1, 2, 4, 5, 6]


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        ([4, 6], "image 2 is in no shard"),
        ([1, 2, 4, 6], "image 1 is in two shards"),
        ([2, 4, 6, 9], "image 9 is in a shard, but not annotated"),
    ],
)
def test_missing_repeated_and_foreign_images_are_refused(tmp_path, annotations, second, problem):
    shards = [write_shard(tmp_path, "a", [1, 3, 5]), write_shard(tmp_path, "b", second)]
    with pytest.raises(InputError, match=problem):
        merge(tmp_path, annotations, shards)
    assert not (tmp_path / "keypoints.json").exists()


def sampled(tmp_path, annotations, count):
    out = tmp_path / "samples.json"
    write_samples(annotations, COCO_PERSON, count, out)
    return [image.id for image in read_annotations(out, COCO_PERSON).images]


def test_samples_are_the_fullest_images_of_even_stretches(tmp_path, annotations):
    assert sampled(tmp_path, annotations, 2) == [2, 6]


def test_samples_are_all_images_with_people_where_there_are_few(tmp_path, annotations):
    assert sampled(tmp_path, annotations, 50) == [1, 2, 4, 6]


def test_samples_of_a_split_without_people_are_any_images(tmp_path):
    annotations, _ = make_coco(tmp_path, (0, 0, 0), write_images=False)
    assert sampled(tmp_path, annotations, 1) == [1]
