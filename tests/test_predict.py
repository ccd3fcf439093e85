"""`bottomup predict` on files and folders, and what it says of those it cannot read."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as maskUtils
from pycocotools.coco import COCO

from bottomup.cli import main
from bottomup.coco_results import silence
from bottomup.decoding import Detection
from bottomup.errors import InputError
from bottomup.predict import _cut_out, image_files
from networks import save_run, small_network


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run that sees a person everywhere."""
    folder = tmp_path_factory.mktemp("run")
    built = small_network()
    for variable in built.trainable_variables:
        if variable.path.endswith("heatmap_convolution/bias"):
            variable.assign(np.full(variable.shape, 3.0))
    return save_run(built, folder)


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name in ("a.jpg", "b.png"):
        pixels = random.integers(0, 255, (48, 64, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "notes.txt").write_text("no image")
    return folder


def test_results_load_in_pycocotools(run_dir, images, tmp_path):
    out = tmp_path / "out"
    assert main(["predict", "--run", str(run_dir), "--images", str(images), "--out", str(out)]) == 0
    listed = json.loads((out / "images.json").read_text())
    assert [row["id"] for row in listed] == [1, 2]
    assert (listed[0]["height"], listed[0]["width"]) == (48, 64)
    rows = json.loads((out / "keypoints.json").read_text())
    assert rows
    truth = COCO()
    truth.dataset = {"images": listed, "annotations": [], "categories": [{"id": 1}]}
    with silence():
        truth.createIndex()
        loaded = truth.loadRes(rows)
    assert len(loaded.anns) == len(rows)
    pictures = sorted(path.name for path in out.glob("*.png"))
    assert pictures == ["00001-a.png", "00002-b.png"]


def test_at_most_one_person_is_found_if_asked_for(run_dir, images, tmp_path):
    arguments = ["predict", "--run", str(run_dir), "--images", str(images), "--out"]
    assert main([*arguments, str(tmp_path / "all")]) == 0
    assert main([*arguments, str(tmp_path / "one"), "--single-person"]) == 0
    everyone, best = (
        json.loads((tmp_path / name / "keypoints.json").read_text()) for name in ("all", "one")
    )
    assert len(everyone) > 2
    assert [row["image_id"] for row in best] == [1, 2]
    for row in best:
        scores = [other["score"] for other in everyone if other["image_id"] == row["image_id"]]
        assert row["score"] == max(scores)


def test_patterns_are_followed_and_pictures_may_be_left_out(run_dir, images, tmp_path):
    out = tmp_path / "out"
    arguments = ["--run", str(run_dir), "--images", str(images / "*.j*g"), "--out", str(out)]
    assert main(["predict", *arguments, "--no-pictures", "--cut-outs"]) == 0
    assert [row["id"] for row in json.loads((out / "images.json").read_text())] == [1]
    assert not list(out.glob("*.png"))


def encoded(mask):
    return maskUtils.encode(np.asfortranarray(mask.astype(np.uint8)))


def test_people_are_cut_out_to_their_mask(tmp_path):
    pixels = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    mask = np.zeros((6, 8), bool)
    mask[1:4, 2:5] = True
    mask[1, 2] = False
    person = Detection(np.zeros((17, 3)), np.ones(17, bool), 0.9, encoded(mask))
    nobody = Detection(np.zeros((17, 3)), np.ones(17, bool), 0.8, encoded(np.zeros((6, 8), bool)))
    _cut_out(pixels, [nobody, person], tmp_path, "a")
    (path,) = tmp_path.iterdir()
    assert path.name == "a-person-02.png"
    with Image.open(path) as picture:
        assert picture.mode == "RGBA"
        cut = np.asarray(picture)
    assert (cut[..., 3] == 255 * mask[1:4, 2:5]).all()
    assert (cut[..., :3] == pixels[1:4, 2:5]).all()


def test_a_pattern_that_fits_nothing_is_told(images):
    with pytest.raises(InputError, match="no image fits this pattern"):
        image_files([str(images / "*.tif")])


def test_a_broken_image_is_told_and_the_others_are_done(run_dir, images, tmp_path, capsys):
    (images / "c.jpg").write_bytes(b"not a JPEG")
    out = tmp_path / "out"
    assert main(["predict", "--run", str(run_dir), "--images", str(images), "--out", str(out)]) == 2
    assert "c.jpg: cannot be read as an image" in capsys.readouterr().err
    assert len(json.loads((out / "images.json").read_text())) == 2


def test_a_folder_that_is_no_run_is_told(images, tmp_path, capsys):
    arguments = ["--run", str(tmp_path), "--images", str(images), "--out", str(tmp_path / "out")]
    assert main(["predict", *arguments]) == 2
    assert "no run.json here" in capsys.readouterr().err


def test_files_and_folders_are_found(images):
    found = image_files([images, images / "a.jpg"])
    assert [path.name for path in found] == ["a.jpg", "b.png", "a.jpg"]


def test_missing_paths_and_empty_folders_are_told(images, tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        image_files([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no images there"):
        image_files([tmp_path / "empty"])
