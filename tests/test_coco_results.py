"""Ground truth and detections on their way to pycocotools: what is refused, what is put right."""

import json

import pytest

import people
from bottomup.coco import person_rle, read_annotations
from bottomup.coco_results import check_rows, for_task, read_results, to_coco
from bottomup.errors import InputError
from bottomup.skeleton import COCO_PERSON

HEIGHT, WIDTH = 120, 160


@pytest.fixture
def truth(tmp_path):
    return to_coco(made_up(tmp_path))


def made_up(folder, **options):
    path, _ = people.make_coco(folder, write_images=False, **options)
    return read_annotations(path, COCO_PERSON)


def row(**changes):
    return {"image_id": 1, "category_id": 1, "score": 0.5, "keypoints": [10.0] * 51} | changes


def mask_row(truth, **changes):
    rle = truth.dataset["annotations"][0]["segmentation"]
    return {"image_id": 1, "category_id": 1, "score": 0.5, "segmentation": rle | changes}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (row(image_id=77), "image 77, which is not in the split"),
        (row(image_id=[1]), "not in the split"),
        (row(score=float("nan")), "score nan"),
        (row(score="high"), "score 'high'"),
        (row(keypoints=[1.0] * 50), "51 finite numbers"),
        (row(keypoints=[float("inf")] * 51), "51 finite numbers"),
        (row(keypoints="none"), "51 finite numbers"),
        ({"image_id": 1, "category_id": 1, "score": 1.0}, "no 'keypoints'"),
        ({"image_id": 1, "category_id": 1, "keypoints": []}, "no 'score'"),
        ([1, 2, 3], "is list, not an object"),
    ],
)
def test_malformed_keypoint_rows_are_refused(truth, bad, message):
    with pytest.raises(InputError, match=message) as error:
        check_rows([row(), bad], truth, "keypoints", COCO_PERSON, "mine.json")
    assert "mine.json: detection 1" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": [WIDTH, HEIGHT]}, r"size \[160, 120\], but the image is \[120, 160\]"),
        ({"counts": [7]}, "cover 7 pixels of 19200"),
        ({"counts": "0"}, "cover 0 pixels"),
        ({"counts": None}, "counts"),
    ],
)
def test_malformed_masks_are_refused(truth, changes, message):
    with pytest.raises(InputError, match=message):
        check_rows([mask_row(truth, **changes)], truth, "segmentation", COCO_PERSON, "mine.json")


def test_polygons_are_no_results(truth):
    bad = mask_row(truth) | {"segmentation": [[0, 0, 1, 0, 1, 1]]}
    with pytest.raises(InputError, match="size and counts"):
        check_rows([bad], truth, "segmentation", COCO_PERSON, "mine.json")


def test_plain_run_lengths_are_taken(truth):
    plain = mask_row(truth, counts=[HEIGHT * WIDTH])
    [kept] = check_rows([plain], truth, "segmentation", COCO_PERSON, "mine.json")
    assert isinstance(kept["segmentation"]["counts"], str)


def test_other_categories_are_left_out(truth):
    rows = [row(category_id=18), row(score=0.7)]
    [kept] = check_rows(rows, truth, "keypoints", COCO_PERSON, "mine.json")
    assert kept["score"] == 0.7


def test_results_without_any_person_are_refused(truth):
    with pytest.raises(InputError, match="no detection has category_id 1"):
        check_rows([row(category_id=18)], truth, "keypoints", COCO_PERSON, "mine.json")


def test_boxes_of_results_are_dropped(truth):
    [kept] = check_rows([row(bbox=[0, 0, 5, 5])], truth, "keypoints", COCO_PERSON, "mine.json")
    assert "bbox" not in kept


def test_no_rows_are_legal(truth):
    assert check_rows([], truth, "keypoints", COCO_PERSON, "mine.json") == []


@pytest.mark.parametrize("text", ["{}", "no json", '{"image_id": 1}'])
def test_result_files_that_are_no_list_are_refused(tmp_path, text):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"results\.json"):
        read_results(path)


def test_result_files_are_read(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps([row()]))
    assert read_results(path) == [row()]


def test_ids_of_the_ground_truth_begin_at_one(tmp_path):
    path, _ = people.make_coco(tmp_path, (2,), write_images=False)
    people.edit_json(path, lambda content: content["annotations"][0].update(id=0))
    truth = to_coco(read_annotations(path, COCO_PERSON))
    assert sorted(truth.anns) == [1, 2]


def test_files_are_pooled(tmp_path):
    first, second = made_up(tmp_path / "a"), made_up(tmp_path / "b", first_id=100)
    pooled = to_coco(first, second)
    assert len(pooled.imgs) == len(first.images) + len(second.images)
    persons = [p for part in (first, second) for found in part.persons.values() for p in found]
    assert len(pooled.anns) == len(persons)


def test_files_that_share_an_image_are_not_pooled(tmp_path):
    first, second = made_up(tmp_path / "a"), made_up(tmp_path / "b", first_id=3)
    with pytest.raises(InputError, match=r"image \d is in more than one of"):
        to_coco(first, second)


def test_masks_of_the_ground_truth_are_those_of_the_file(tmp_path):
    annotations = made_up(tmp_path)
    drawn = [person_rle(p, HEIGHT, WIDTH) for found in annotations.persons.values() for p in found]
    assert [r["segmentation"] for r in to_coco(annotations).dataset["annotations"]] == drawn


def test_people_without_a_mask_are_ignored_for_masks_only(tmp_path):
    path, _ = people.make_coco(tmp_path, (2,), write_images=False)
    people.edit_json(path, lambda content: content["annotations"][0].pop("segmentation"))
    truth = to_coco(read_annotations(path, COCO_PERSON))
    for task, expected in (("segmentation", [1, 0]), ("keypoints", [0, 0])):
        rows = for_task(truth, task).dataset["annotations"]
        assert [r["iscrowd"] for r in rows] == expected


def test_masks_of_labelled_people_make_the_others_crowds(tmp_path):
    path, _ = people.make_coco(tmp_path, (("polygon", "unannotated"),), write_images=False)
    truth = to_coco(read_annotations(path, COCO_PERSON))
    rows = for_task(truth, "segmentation_with_keypoints").dataset["annotations"]
    assert [r["iscrowd"] for r in rows] == [0, 1]
