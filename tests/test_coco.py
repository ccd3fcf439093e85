"""Reading COCO files: what is legal, and one sentence for all that is not."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle_tools
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import people
from bottomup import coco
from bottomup.errors import InputError
from bottomup.image_check import check_images
from bottomup.skeleton import COCO_PERSON, Skeleton

TOY = Skeleton("toy", ("head", "foot"), (("head", "foot"),), (0.05, 0.1))


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Path]:
    return people.make_coco(tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return people.make_coco(tmp_path, write_images=False)[0]


@pytest.fixture(scope="module")
def sample(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    for archive in sorted((shared_data / "coco-sample").glob("*/*.zip")):
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(folder)
    return folder


def read(path: Path) -> coco.Annotations:
    return coco.read_annotations(path, COCO_PERSON)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def silently(path: Path, capsys) -> COCO:
    loaded = COCO(str(path))
    capsys.readouterr()
    return loaded


def test_images_come_sorted_by_id_and_each_has_a_list_of_persons(path):
    people.edit_json(path, lambda c: c["images"].reverse())
    annotations = read(path)
    assert [image.id for image in annotations.images] == [1, 2, 3, 4, 5, 6]
    assert {key: len(found) for key, found in annotations.persons.items()} == {
        **{1: 1, 2: 2, 3: 0},
        **{4: 2, 5: 2, 6: 2},
    }


def test_a_person_holds_what_the_file_says(path):
    row = json.loads(path.read_text())["annotations"][0]
    person = read(path).persons[1][0]
    assert person.keypoints.dtype == np.float32
    assert person.keypoints.reshape(-1).tolist() == row["keypoints"]
    assert (person.area, list(person.bbox), person.crowd) == (row["area"], row["bbox"], False)
    assert person.labelled == row["num_keypoints"]
    assert person.annotated


def test_persons_of_an_image_come_by_id(path):
    people.edit_json(path, lambda c: c["annotations"].reverse())
    ids = [person.id for person in read(path).persons[2]]
    assert ids == sorted(ids)


def test_a_keypoint_far_from_any_image_is_refused(path):
    def move(content):
        content["annotations"][0]["keypoints"][3:6] = [1e38, 30, 2]

    people.edit_json(path, move)
    assert "has keypoint 'left_eye' at (1e+38, 30), which is no place near an image" in refusal(
        path
    )


def test_crowds_keep_their_run_lengths_and_are_not_annotated(path):
    crowd = read(path).persons[5][1]
    assert crowd.crowd
    assert not crowd.annotated
    assert isinstance(crowd.segmentation["counts"], list)


def test_a_crowd_with_keypoints_is_not_annotated(path):
    people.edit_json(path, lambda c: c["annotations"][0].update(iscrowd=1))
    assert not read(path).persons[1][0].annotated


def test_a_person_with_one_keypoint_is_legal(path):
    person = read(path).persons[6][0]
    assert person.labelled == 1
    assert person.annotated


def test_other_categories_are_skipped_unchecked(path):
    def add_a_dog(content):
        content["categories"].append({"id": 18, "name": "dog"})
        content["annotations"].append({"id": 9, "image_id": 1, "category_id": 18, "area": "big"})

    people.edit_json(path, add_a_dog)
    assert len(read(path).persons[1]) == 1


def test_a_file_without_keypoints_gives_people_without_labels(path):
    def strip(content):
        content["categories"][0].pop("keypoints")
        for row in content["annotations"]:
            row.pop("keypoints")

    people.edit_json(path, strip)
    assert [person.labelled for person in read(path).persons[2]] == [0, 0]


def test_a_file_without_annotations_gives_images_without_people(path):
    people.edit_json(path, lambda c: c.pop("annotations"))
    assert set(read(path).persons.values()) == {()}


def test_another_skeleton_reads_its_own_keypoints(tmp_path):
    path, _ = people.make_coco(tmp_path, images=(1,), skeleton=TOY, write_images=False)
    assert coco.read_annotations(path, TOY).persons[1][0].keypoints.shape == (2, 3)


def test_missing_file(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "nowhere.json")


def test_broken_json(path):
    path.write_text(path.read_text()[:-20])
    assert "no JSON file" in refusal(path)


def test_bytes_that_are_no_text(path):
    path.write_bytes(b"\xff\xfe\x00{")
    assert "no JSON file" in refusal(path)


def test_a_list_at_the_top(path):
    path.write_text("[]")
    assert "holds no object at its top" in refusal(path)


def test_empty_dataset(path):
    people.edit_json(path, lambda c: c.update(images=[], annotations=[]))
    assert "'images' is empty" in refusal(path)


@pytest.mark.parametrize("key", ["images", "categories"])
def test_missing_list(path, key):
    people.edit_json(path, lambda c: c.pop(key))
    assert f"has no key {key!r}" in refusal(path)


@pytest.mark.parametrize("key", ["images", "categories", "annotations"])
def test_rows_that_are_no_objects(path, key):
    people.edit_json(path, lambda c: c[key].append(3))
    assert "must be an object, but is 3" in refusal(path)


def test_no_person_category(path):
    people.edit_json(path, lambda c: c["categories"][0].update(name="dog"))
    assert "{1: 'dog'}" in refusal(path)


def test_person_category_with_another_id(path):
    people.edit_json(path, lambda c: c["categories"][0].update(id=7))
    assert "with id 1" in refusal(path)


def test_keypoints_in_another_order_than_the_skeleton(path):
    people.edit_json(path, lambda c: c["categories"][0]["keypoints"].reverse())
    assert "choose the file's skeleton" in refusal(path)


def test_repeated_image_id(path):
    people.edit_json(path, lambda c: c["images"][1].update(id=1))
    assert "image id 1 is there twice" in refusal(path)


def test_repeated_file_name(path):
    people.edit_json(path, lambda c: c["images"][1].update(file_name="000000000001.jpg"))
    assert "images 1 and 2 are the same file" in refusal(path)


def test_repeated_annotation_id(path):
    people.edit_json(path, lambda c: c["annotations"][1].update(id=1001))
    assert "annotations[1] has id 1001" in refusal(path)


def test_annotation_without_id(path):
    people.edit_json(path, lambda c: c["annotations"][2].pop("id"))
    assert "annotations[2] has id None" in refusal(path)


def test_annotation_without_category(path):
    people.edit_json(path, lambda c: c["annotations"][2].pop("category_id"))
    assert "annotations[2] has no 'category_id'" in refusal(path)


@pytest.mark.parametrize("image_id", [77, None, "1", [1]])
def test_unknown_image_id(path, image_id):
    people.edit_json(path, lambda c: c["annotations"][0].update(image_id=image_id))
    assert f"annotation 1001 is of image {image_id!r}" in refusal(path)


def test_counting_people_leaves_out_crowds(path):
    persons = read(path).persons
    assert [coco.count_people(persons[key], "any") for key in (4, 5)] == [2, 1]
    assert [coco.count_people(persons[key], "with_keypoints") for key in (4, 5)] == [1, 1]


def test_unknown_counting_rule():
    with pytest.raises(InputError, match="'everyone' is unknown"):
        coco.count_people([], "everyone")


def assert_same_masks(annotations: coco.Annotations, reference: COCO) -> None:
    for image in annotations.images:
        for person in annotations.persons[image.id]:
            expected = reference.annToRLE(reference.anns[person.id])
            rle = coco.person_rle(person, image.height, image.width)
            assert rle["counts"] == expected["counts"].decode()
            mask = coco.person_mask(person, image.height, image.width)
            assert mask.shape == (image.height, image.width)
            assert mask.sum() == rle_tools.area(expected)


def test_masks_are_those_of_pycocotools(path, capsys):
    assert_same_masks(read(path), silently(path, capsys))


def test_a_mask_covers_the_box_of_its_person(path):
    person = read(path).persons[5][1]
    x, y, width, height = (int(value) for value in person.bbox)
    expected = np.zeros((120, 160), bool)
    expected[y : y + height, x : x + width] = True
    np.testing.assert_array_equal(coco.person_mask(person, 120, 160), expected)


def test_a_mask_of_another_size_names_the_person(path):
    person = read(path).persons[4][0]
    with pytest.raises(InputError, match="annotation 1004 of image 4"):
        coco.person_mask(person, 60, 80)


def test_subset_keeps_the_images_asked_for_and_their_annotations(path, tmp_path):
    coco.write_subset(path, [4, 2], tmp_path / "out" / "subset.json")
    before, after = read(path), read(tmp_path / "out" / "subset.json")
    assert [image.id for image in after.images] == [2, 4]
    for image_id in (2, 4):
        kept = [person.id for person in after.persons[image_id]]
        assert kept == [person.id for person in before.persons[image_id]]


def test_subset_keeps_everything_else_of_the_file(path, tmp_path):
    coco.write_subset(path, [1], tmp_path / "subset.json")
    before, after = (json.loads(p.read_text()) for p in (path, tmp_path / "subset.json"))
    assert after["categories"] == before["categories"]
    assert after["annotations"] == before["annotations"][:1]
    assert after["info"] == before["info"]


def test_subset_of_an_unknown_image_leaves_the_earlier_file(path, tmp_path):
    out = tmp_path / "subset.json"
    out.write_text("earlier")
    with pytest.raises(InputError, match="image id 99 is not in it"):
        coco.write_subset(path, [1, 99], out)
    assert out.read_text() == "earlier"
    assert not list(tmp_path.glob(".subset*"))


def test_disjoint_splits_pass(tmp_path):
    train, _ = people.make_coco(tmp_path / "train", write_images=False)
    val, _ = people.make_coco(tmp_path / "val", first_id=101, write_images=False)
    coco.check_disjoint(train, val)


def test_splits_that_share_an_image_id(tmp_path):
    train, _ = people.make_coco(tmp_path / "train", write_images=False)
    val, _ = people.make_coco(tmp_path / "val", first_id=6, write_images=False)
    with pytest.raises(InputError, match=r"share image id 6 \(1 in all\)"):
        coco.check_disjoint(train, val)


def test_ids_of_different_datasets_may_be_equal(tmp_path):
    train, _ = people.make_coco(tmp_path / "train", write_images=False)
    other, _ = people.make_coco(tmp_path / "other", write_images=False)
    with pytest.raises(InputError, match="share file name"):
        coco.check_disjoint(train, other, same_dataset=False)
    people.edit_json(other, lambda c: [i.update(file_name=f"o{i['id']}.jpg") for i in c["images"]])
    coco.check_disjoint(train, other, same_dataset=False)


def test_splits_that_share_a_file_name(tmp_path):
    train, _ = people.make_coco(tmp_path / "train", write_images=False)
    val, _ = people.make_coco(tmp_path / "val", first_id=101, write_images=False)
    name = "val/000000000003.jpg"
    people.edit_json(val, lambda c: c["images"][0].update(file_name=name))
    with pytest.raises(InputError, match=r"share file name '000000000003\.jpg'"):
        coco.check_disjoint(train, val)


def test_whole_images_pass(made):
    check_images(read(made[0]).images, made[0], made[1])


def refused_image(made: tuple[Path, Path]) -> str:
    with pytest.raises(InputError) as caught:
        check_images(read(made[0]).images, made[0], made[1])
    return str(caught.value)


def test_missing_image_file(made):
    (made[1] / "000000000002.jpg").unlink()
    assert "000000000002.jpg: image 2" in refused_image(made)


def test_truncated_jpeg(made):
    file = made[1] / "000000000004.jpg"
    file.write_bytes(file.read_bytes()[:-200])
    assert "000000000004.jpg: image 4 cannot be decoded" in refused_image(made)


def test_a_file_that_is_no_image(made):
    (made[1] / "000000000001.jpg").write_text("<html>not found</html>")
    assert "000000000001.jpg: image 1 cannot be decoded" in refused_image(made)


def test_image_of_another_size_than_annotated(made):
    Image.new("RGB", (160, 100)).save(made[1] / "000000000003.jpg")
    assert "is 100 x 160 (height x width), but" in refused_image(made)


def test_grey_images_are_legal(made):
    Image.new("L", (160, 120)).save(made[1] / "000000000003.jpg")
    check_images(read(made[0]).images, made[0], made[1])


def test_true_keypoints_and_masks_given_as_results_score_one(path, tmp_path, capsys):
    annotations = read(path)
    rows = {"keypoints": [], "segm": []}
    for image in annotations.images:
        for person in annotations.persons[image.id]:
            rle = coco.person_rle(person, image.height, image.width)
            if not person.crowd:
                rows["segm"].append(coco.segmentation_result(image.id, rle, 0.9))
            if person.annotated:
                rows["keypoints"].append(coco.keypoint_result(image.id, person.keypoints, 0.9))
    truth = silently(path, capsys)
    for task, results in rows.items():
        file = tmp_path / f"{task}.json"
        file.write_text(json.dumps(results))
        evaluation = COCOeval(truth, truth.loadRes(str(file)), task)
        evaluation.evaluate()
        evaluation.accumulate()
        precision = evaluation.eval["precision"][:, :, 0, 0, -1]
        assert precision.min() == pytest.approx(1.0)
    capsys.readouterr()


def test_compressed_counts_as_bytes_become_text():
    rle = {"size": [2, 3], "counts": b"6"}
    assert coco.segmentation_result(1, rle, 0.5)["segmentation"] == {"size": [2, 3], "counts": "6"}


@pytest.mark.parametrize("broken", [np.full((17, 3), np.nan), np.zeros((3, 17)), np.zeros(51)])
def test_a_result_row_refuses_what_pycocotools_would_misread(broken):
    with pytest.raises(ValueError, match="image 3"):
        coco.keypoint_result(3, broken, 1.0)


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("kind", ["person_keypoints", "instances"])
def test_real_files_read_as_pycocotools_reads_them(sample, split, kind, capsys):
    path = sample / "annotations" / f"{kind}_{split}2017.json"
    annotations, reference = read(path), silently(path, capsys)
    expected = {i: len(reference.getAnnIds(imgIds=i, catIds=[1])) for i in reference.imgs}
    assert {i: len(found) for i, found in annotations.persons.items()} == expected
    assert_same_masks(annotations, reference)


def test_real_images_decode_and_a_cut_one_does_not(sample, tmp_path):
    annotations = read(sample / "annotations" / "person_keypoints_val2017.json")
    check_images(annotations.images, annotations.path, sample / "val2017")
    shutil.copytree(sample / "val2017", tmp_path / "val2017")
    file = tmp_path / "val2017" / annotations.images[7].file_name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(InputError, match=f"image {annotations.images[7].id} cannot be decoded"):
        check_images(annotations.images, annotations.path, tmp_path / "val2017")
