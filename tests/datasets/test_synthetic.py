"""A split of made-up people: its shares, its annotations, the same whoever draws it."""

import json
from collections import Counter

import numpy as np
import PIL.Image
import pytest
from pycocotools.coco import COCO

from bottomup.coco import check_disjoint, count_people, person_mask, read_annotations
from bottomup.datasets import synthetic
from bottomup.datasets.synthetic import draw_image, make_split, people_per_image, plan_split
from bottomup.errors import InputError
from bottomup.evaluation import evaluate
from bottomup.image_check import check_images
from bottomup.skeleton import COCO_PERSON, Skeleton

SETTINGS = {"images": {"train": 40, "val": 20}, "image_side": 257, "empty_share": 0.1}
FIVE = Skeleton(
    "five",
    ("nose", "left_wrist", "right_wrist", "left_ankle", "right_ankle"),
    tuple(("nose", end) for end in ("left_wrist", "right_wrist", "left_ankle", "right_ankle")),
    (0.03, 0.06, 0.06, 0.09, 0.09),
)


def make(folder, split="train", settings=SETTINGS, seed=3, skeleton=COCO_PERSON, **options):
    make_split(settings, split, seed, skeleton, folder / split, folder / f"{split}.json", **options)
    return read_annotations(folder / f"{split}.json", skeleton)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("made_up")


@pytest.fixture(scope="module")
def train(folder):
    return make(folder)


@pytest.fixture(scope="module")
def val(folder):
    return make(folder, "val")


def people(annotations):
    return [p for persons in annotations.persons.values() for p in persons if p.annotated]


def test_shares_of_people_are_met_up_to_rounding():
    counts = np.bincount(people_per_image(np.random.default_rng(0), 4000, 0.1), minlength=14)
    assert counts[0] == 400
    assert counts[1:9] / 3600 == pytest.approx([0.48, 0.19, 0.1, 0.07, 0.04, 0.03, 0.02, 0.02])
    assert (counts[9:] > 0).all()
    assert counts.sum() == 4000


def test_every_number_of_images_is_filled_exactly():
    for images in range(1, 60):
        assert len(people_per_image(np.random.default_rng(0), images, 0.1)) == images


def test_images_show_as_many_people_with_keypoints_as_planned(train, folder):
    plan = plan_split(SETTINGS, "train", 3, COCO_PERSON, folder)
    found = {k: count_people(persons) for k, persons in train.persons.items()}
    assert found == {task.image_id: task.people for task in plan}


def test_images_without_people_have_no_annotation_at_all(train):
    empty = [persons for persons in train.persons.values() if count_people(persons) == 0]
    assert len(empty) == 4
    assert not any(empty)


def test_images_agree_with_the_annotations(train, folder):
    check_images(train.images, train.path, folder / "train")


def test_images_fit_the_asked_side(tmp_path):
    make(tmp_path, settings={"images": {"train": 2}, "image_side": 129})
    for path in (tmp_path / "train").iterdir():
        with PIL.Image.open(path) as image:
            assert image.size == (129, 129)


def test_train_and_val_share_no_image(train, val):
    check_disjoint(train.path, val.path)


def test_file_loads_in_pycocotools_with_everything_coco_has(folder, train):
    coco = COCO(folder / "train.json")
    category = coco.loadCats(coco.getCatIds())[0]
    assert category["name"] == "person"
    assert category["keypoints"] == list(COCO_PERSON.keypoints)
    assert np.array(category["skeleton"]).min() == 1
    assert set(coco.dataset) >= {"info", "licenses", "images", "annotations", "categories"}
    assert len(coco.loadAnns(coco.getAnnIds())) == sum(map(len, train.persons.values()))
    assert all(coco.annToRLE(annotation)["counts"] for annotation in coco.anns.values())


def test_areas_and_boxes_are_those_of_the_masks(train):
    for persons in train.persons.values():
        for person in persons:
            mask = person_mask(person, 257, 257)
            rows, columns = np.nonzero(mask)
            box = (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
            assert person.area == mask.sum()
            assert person.bbox == box


def test_labelled_keypoints_lie_inside_the_image_and_others_at_the_origin(train):
    points = np.concatenate([person.keypoints for person in people(train)])
    assert set(points[:, 2]) == {0, 1, 2}
    assert (points[points[:, 2] == 0, :2] == 0).all()
    assert (points[:, :2] >= -0.5).all()
    assert (points[:, :2] < 256.5).all()


def test_seen_keypoints_lie_on_the_visible_mask(train):
    seen = on_mask = 0
    for person in people(train):
        mask = np.pad(person_mask(person, 257, 257), 1)
        near = mask | np.roll(mask, 1, 0) | np.roll(mask, -1, 0)
        near |= np.roll(mask, 1, 1) | np.roll(mask, -1, 1)
        for x, y, visibility in person.keypoints:
            if visibility == 2:
                seen += 1
                on_mask += near[round(float(y)) + 1, round(float(x)) + 1]
    assert on_mask >= 0.99 * seen


def test_most_keypoints_are_seen_and_some_are_hidden(train):
    visibility = np.concatenate([person.keypoints[:, 2] for person in people(train)])
    assert 0.65 < np.mean(visibility == 2) < 0.9
    assert 0.05 < np.mean(visibility == 1) < 0.25


def test_people_are_small_enough_to_be_hard_and_large_enough_to_be_learned(train, val):
    areas = np.array([p.area for p in people(train) + people(val)])
    heights = np.array([p.bbox[3] for p in people(train) + people(val)])
    assert np.mean(areas < 96**2) >= 0.5
    assert np.mean(areas > 32**2) >= 0.5
    assert np.quantile(heights, 0.02) >= 30


def test_segmentations_are_a_mix_and_crowds_are_plain_run_lengths(folder, monkeypatch):
    monkeypatch.setattr(synthetic, "CROWD_SHARE", 0.6)
    monkeypatch.setattr(synthetic, "STRANGER_SHARE", 0.6)
    annotations = make(folder / "crowded", settings={"images": {"train": 20}})
    persons = [p for persons in annotations.persons.values() for p in persons]
    crowds = [p for p in persons if p.crowd]
    assert crowds
    assert all(isinstance(p.segmentation["counts"], list) for p in crowds)
    assert all(p.labelled == 0 for p in crowds)
    strangers = [p for p in persons if not p.crowd and p.labelled == 0]
    assert strangers
    assert all(p.bbox[3] < 35 for p in strangers)
    kinds = Counter(type(p.segmentation) for p in persons if not p.crowd)
    assert kinds[list] > kinds[dict] > 0


def test_the_number_of_processes_changes_nothing(tmp_path):
    settings = {"images": {"train": 20}, "image_side": 129}
    make(tmp_path / "one", settings=settings)
    make(tmp_path / "two", settings=settings, processes=2)
    for path in sorted(p for p in (tmp_path / "one").rglob("*") if p.is_file()):
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == other.read_bytes()


def test_another_seed_draws_other_images(tmp_path):
    settings = {"images": {"train": 2, "val": 2}, "image_side": 129}
    make(tmp_path / "a", settings=settings, seed=1)
    make(tmp_path / "b", settings=settings, seed=2)
    name = next((tmp_path / "a" / "train").iterdir()).name
    first, second = (tmp_path / f / "train" / name for f in "ab")
    assert first.read_bytes() != second.read_bytes()


def test_five_keypoints_are_the_same_people(tmp_path):
    settings = {"images": {"train": 10}, "image_side": 129}
    fewer = make(tmp_path / "five", settings=settings, skeleton=FIVE)
    more = make(tmp_path / "all", settings=settings)
    columns = [COCO_PERSON.keypoints.index(name) for name in FIVE.keypoints]
    for image_id, persons in fewer.persons.items():
        for few, all_keypoints in zip(persons, more.persons[image_id], strict=True):
            assert np.array_equal(few.keypoints, all_keypoints.keypoints[columns])


def test_unknown_keypoint_names_the_known_ones(tmp_path):
    tailed = Skeleton("tailed", ("nose", "tail"), (("nose", "tail"),), (0.1, 0.1))
    with pytest.raises(InputError, match=r"'tail'.*left_ankle"):
        make(tmp_path, skeleton=tailed)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"images": {"train": 2}, "image_sides": 257}, "image_sides.*image_side"),
        ({"images": {"val": 2}}, "split 'train'.*val"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, settings, words):
    with pytest.raises(InputError, match=words):
        make(tmp_path, settings=settings)


def test_a_failing_image_leaves_nothing_half_done(tmp_path, monkeypatch):
    def fail_late(task):
        if task.image_id % 10 == 5:
            raise RuntimeError("no more paint")
        return draw_image(task)

    monkeypatch.setattr(synthetic, "draw_image", fail_late)
    with pytest.raises(RuntimeError, match="no more paint"):
        make(tmp_path, settings={"images": {"train": 8}, "image_side": 65})
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_annotations_are_written_compactly_and_as_plain_numbers(folder, train):
    text = (folder / "train.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    assert len(text) / len(people(train)) < 2500
    assert json.loads(text)["info"]["description"].startswith("Made-up people")


@pytest.mark.parametrize("names", [COCO_PERSON.keypoints, ("nose", "left_wrist", "right_wrist")])
def test_pckh_is_told_of_made_up_people_with_any_keypoints(tmp_path, names):
    skeleton = COCO_PERSON
    if names != COCO_PERSON.keypoints:
        skeleton = Skeleton("few", names, (names[:2], (names[0], names[2])), (0.1,) * 3)
    path, rows = tmp_path / "annotations.json", tmp_path / "rows.json"
    make_split({"images": {"val": 8}}, "val", 0, skeleton, tmp_path / "images", path)
    annotations = read_annotations(path, skeleton)
    alone = [group[0] for group in annotations.persons.values() if len(group) == 1]
    moved = []
    for person in alone:
        keypoints = person.keypoints.astype(float)
        # A fifth of the head's diagonal away, of which .3 is right, and the first one far off.
        keypoints[:, 0] += 0.2 * np.hypot(*person.head_box[2:])
        keypoints[0, 0] += 100
        flat = keypoints.reshape(-1).tolist()
        moved.append({"image_id": person.image_id, "category_id": 1, "keypoints": flat, "score": 1})
    rows.write_text(json.dumps(moved))
    metrics = evaluate(path, skeleton, rows, None)
    metrics = metrics[metrics.task == "single_person"].set_index("metric")
    assert metrics.loc["PCKh@0.5:wrist", "value"] == 1
    assert metrics.loc["PCKh@0.5:nose", "value"] == 0
    labelled = sum(person.labelled for person in alone)
    assert metrics.loc["PCKh@0.5", "n"] == labelled > 0
    noses = sum(person.keypoints[0, 2] > 0 for person in alone)
    assert metrics.loc["PCKh@0.5", "value"] == pytest.approx(1 - noses / labelled)
