"""MPII's two forms of annotations become the same COCO file, with heads and groups."""

import json

import numpy as np
import pytest
import scipy.io
from PIL import Image

from bottomup.coco import read_annotations
from bottomup.datasets.mpii import convert_split, groups
from bottomup.datasets.mpii_files import KEYPOINTS
from bottomup.datasets.source import Source, first_image_id
from bottomup.errors import InputError
from bottomup.image_check import check_images
from bottomup.skeleton import MPII, Skeleton

FIRST = first_image_id("train")

ALL = Skeleton(
    "mpii_all",
    KEYPOINTS,
    (*MPII.edges, ("pelvis", "thorax"), ("thorax", "upper_neck")),
    (0.08,) * 16,
)


def person(x=20, y=30, step=4, head=True):
    """Sixteen joints down a line, counted from 1, the head's box round the last of them."""
    joints = [[x + k % 3, y + step * k] for k in range(16)]
    box = [x - 5, y + step * 15 - 5, x + 5, y + step * 15 + 9] if head else None
    return {"joints": joints, "hidden": (3,), "absent": (5,), "head": box}


def structure(people):
    """MATLAB's form of the people of one image."""
    rectangles = []
    for each in people:
        points = [
            {"id": k, "x": x, "y": y, "is_visible": "0" if k in each["hidden"] else "1"}
            for k, (x, y) in enumerate(each["joints"])
            if k not in each["absent"]
        ]
        rectangle = {"annopoints": {"point": np.array(points, object)}, "scale": 1.0}
        if each["head"]:
            rectangle |= dict(zip(("x1", "y1", "x2", "y2"), each["head"], strict=True))
        rectangles.append(rectangle)
    return np.array(rectangles, object) if len(rectangles) != 1 else rectangles[0]


def write_mat(path, pictures, train=None, videos=None):
    """`pictures` are people by file name."""
    names = list(pictures)
    train = train or [1] * len(names)
    annolist = []
    for number, name in enumerate(names):
        entry = {"image": {"name": name}, "annorect": structure(pictures[name])}
        if videos:
            entry["vididx"] = videos[number]
        annolist.append(entry)
    release = {"annolist": np.array(annolist, object), "img_train": np.array(train)}
    scipy.io.savemat(path, {"RELEASE": release})
    return path


def write_images(folder, names, size=(120, 160)):
    folder.mkdir(exist_ok=True)
    for name in names:
        Image.new("RGB", size[::-1]).save(folder / name)
    return folder


def converted(source, tmp_path, skeleton=MPII, images=None, split="train", **settings):
    out = tmp_path / f"{split}.json"
    folder = images or tmp_path / "images"
    convert_split(Source(source, folder, split, skeleton, settings), out)
    annotations = read_annotations(out, skeleton)
    check_images(annotations.images, annotations.path, folder)
    return annotations


def test_the_mat_file_keeps_every_keypoint_by_its_name(tmp_path):
    write_images(tmp_path / "images", ["a.jpg"])
    source = write_mat(tmp_path / "mpii.mat", {"a.jpg": [person()]})
    annotations = converted(source, tmp_path, ALL)
    [[found]] = annotations.persons.values()
    for k, name in enumerate(KEYPOINTS):
        x, y = person()["joints"][k]
        expected = [0, 0, 0] if k == 5 else [x - 1, y - 1, 1 if k == 3 else 2]
        assert found.keypoints[k].tolist() == expected, name
    assert found.head_box == (14, 84, 10, 14)


def test_the_fourteen_are_in_the_order_of_the_skeleton(tmp_path):
    write_images(tmp_path / "images", ["a.jpg"])
    source = write_mat(tmp_path / "mpii.mat", {"a.jpg": [person()]})
    [[found]] = converted(source, tmp_path).persons.values()
    for place, name in enumerate(MPII.keypoints):
        k = KEYPOINTS.index(name)
        if k != 5:
            assert found.keypoints[place, :2].tolist() == [20 + k % 3 - 1, 30 + 4 * k - 1]


def test_matlabs_empty_and_bare_structures_are_read(tmp_path):
    write_images(tmp_path / "images", ["a.jpg", "b.jpg", "c.jpg"])
    pictures = {"a.jpg": [], "b.jpg": [person(head=False)], "c.jpg": [person(), person(60)]}
    source = write_mat(tmp_path / "mpii.mat", pictures)
    annotations = converted(source, tmp_path)
    assert [len(group) for group in annotations.persons.values()] == [0, 1, 2]
    assert annotations.persons[FIRST + 1][0].head_box is None


def test_images_of_the_test_set_are_left_out(tmp_path):
    write_images(tmp_path / "images", ["a.jpg", "b.jpg"])
    pictures = {"a.jpg": [person()], "b.jpg": [person()]}
    source = write_mat(tmp_path / "mpii.mat", pictures, train=[0, 1])
    assert [image.file_name for image in converted(source, tmp_path).images] == ["b.jpg"]


def test_a_share_of_the_videos_is_held_out_whole(tmp_path):
    names = [f"{k:02}.jpg" for k in range(60)]
    write_images(tmp_path / "images", names)
    videos = [k // 3 + 1 for k in range(60)]
    pictures = {name: [person()] for name in names}
    source = write_mat(tmp_path / "mpii.mat", pictures, videos=videos)
    held_out = {"split": "val", "share": 0.3, "seed": 0}
    found = {
        split: {
            image.file_name
            for image in converted(source, tmp_path, split=split, held_out=held_out).images
        }
        for split in ("train", "val")
    }
    assert found["train"] | found["val"] == set(names)
    assert not found["train"] & found["val"]
    assert 3 <= len(found["val"]) <= 36
    for start in range(0, 60, 3):
        assert len(set(names[start : start + 3]) & found["val"]) in (0, 3)


def test_people_who_touch_are_one_group():
    alone, left, right, bridge = [0, 0, 9, 9], [50, 0, 10, 10], [80, 0, 10, 10], [58, 5, 24, 2]
    assert groups([alone, left, right]) == []
    assert groups([alone, left, right, bridge]) == [[50, 0, 40, 10]]
    assert groups([[0, 0, 5, 5], [4, 4, 5, 5]]) == [[0, 0, 9, 9]]
    # Whom a group's own box touches is not in it for that, whatever the order.
    inside, first, second = [0, 0, 10, 10], [0, 20, 30, 10], [20, 5, 10, 20]
    for order in ([inside, first, second], [second, first, inside], [first, second, inside]):
        assert groups(order) == [[0, 5, 30, 25]]


def test_groups_reach_the_annotations(tmp_path):
    write_images(tmp_path / "images", ["a.jpg", "b.jpg"])
    pictures = {"a.jpg": [person(20), person(30)], "b.jpg": [person()]}
    source = write_mat(tmp_path / "mpii.mat", pictures)
    annotations = converted(source, tmp_path)
    assert [len(image.regions) for image in annotations.images] == [1, 0]


def test_the_real_sample_goes_round_in_both_forms(shared_data, tmp_path):
    folder = shared_data / "importer-samples" / "mpii"
    rows = json.loads((folder / "test_mpii.json").read_text())
    from_rows = converted(folder / "test_mpii.json", tmp_path, ALL, folder)
    pictures = {}
    for row in rows:
        each = {"joints": row["joints"], "hidden": (), "head": None}
        each["absent"] = tuple(k for k, seen in enumerate(row["joints_vis"]) if not seen)
        pictures.setdefault(row["image"], []).append(each)
    from_mat = converted(write_mat(tmp_path / "mpii.mat", pictures), tmp_path, ALL, folder)
    assert [image.file_name for image in from_rows.images] == sorted(pictures)
    assert sum(len(group) for group in from_rows.persons.values()) == len(rows)
    for image in from_rows.images:
        found = zip(from_rows.persons[image.id], from_mat.persons[image.id], strict=True)
        source = [row for row in rows if row["image"] == image.file_name]
        for (one, other), row in zip(found, source, strict=True):
            seen = np.array(row["joints_vis"]) > 0
            assert (one.keypoints == other.keypoints).all()
            assert one.keypoints[seen, :2] == pytest.approx(np.array(row["joints"])[seen] - 1)
            assert (one.keypoints[:, 2] == 2 * seen).all()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "not a list of people"),
        ("no JSON", "cannot be read as JSON"),
        ('[{"image": "a.jpg", "joints": [[1, 2]], "joints_vis": [1]}]', "row 0 is no person"),
        ('[{"image": "a.jpg"}]', "row 0 is no person"),
    ],
)
def test_other_files_are_refused(tmp_path, content, said):
    source = tmp_path / "mpii.json"
    source.write_text(content)
    with pytest.raises(InputError, match=said):
        converted(source, tmp_path)


def test_a_broken_mat_file_is_refused(tmp_path):
    (tmp_path / "mpii.mat").write_bytes(b"no MATLAB")
    with pytest.raises(InputError, match=r"mpii\.mat.*place MPII's annotation file there"):
        converted(tmp_path / "mpii.mat", tmp_path)


def test_a_missing_image_is_named(tmp_path):
    source = write_mat(tmp_path / "mpii.mat", {"a.jpg": [person()]})
    with pytest.raises(InputError, match=r"a\.jpg: is annotated, and cannot be read"):
        converted(source, tmp_path)


def test_a_keypoint_that_mpii_does_not_annotate_must_be_said(tmp_path):
    write_images(tmp_path / "images", ["a.jpg"])
    source = write_mat(tmp_path / "mpii.mat", {"a.jpg": [person()]})
    names = ("nose", "upper_neck")
    skeleton = Skeleton("two", names, (names,), (0.1, 0.1))
    with pytest.raises(InputError, match="'nose', which is not annotated there"):
        converted(source, tmp_path, skeleton)
    [[found]] = converted(source, tmp_path, skeleton, unlabelled=["nose"]).persons.values()
    assert found.keypoints[:, 2].tolist() == [0, 2]
