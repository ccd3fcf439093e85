"""From images to fields: frames, padding and flips are undone."""

import h5py
import numpy as np
import pytest
from PIL import Image

from bottomup.errors import InputError
from bottomup.fields.grid import Frame, grid_size
from bottomup.fields.store import read_fields
from bottomup.inference import Predictor, fields_of_images, infer_shard, read_image
from bottomup.skeleton import COCO_PERSON
from networks import save_run, small_network
from people import make_coco

ONCE = {"sides": [65], "flip": False, "output_stride": None}


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    built = small_network()
    random = np.random.default_rng(0)
    for variable in built.trainable_variables:
        if "heatmap" in variable.path or "segmentation" in variable.path:
            variable.assign(random.normal(0, 0.5, variable.shape))
    return save_run(built, folder)


def picture(height=48, width=64, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3)).astype(np.uint8)


def test_fields_cover_the_image_and_no_padding(run_dir):
    fields, frame = fields_of_images(Predictor.load(run_dir), [picture()], ONCE)[0]
    assert frame == Frame.fit(48, 64, 65)
    height, width = frame.input_size(8)
    assert fields.heatmap.shape == (grid_size(height, 8), grid_size(width, 8), 17)
    assert fields.segmentation.shape == (2 * grid_size(height, 8), 2 * grid_size(width, 8))
    assert 0 <= fields.heatmap.min() <= fields.heatmap.max() <= 1


def test_a_network_of_one_pixel_sees_the_pixel_under_its_node(run_dir):
    """At scale 1 node (i, j) must answer to image pixel (8 i, 8 j) and to no other."""
    predictor = Predictor.load(run_dir)
    protocol = ONCE | {"sides": [65]}
    one = picture(65, 65)
    other = one.copy()
    other[16, 40] = 255 - other[16, 40]
    first, second = (fields_of_images(predictor, [p], protocol)[0][0] for p in (one, other))
    changed = np.abs(first.heatmap - second.heatmap).max(-1) > 1e-6
    assert np.argwhere(changed).tolist() == [[2, 5]]


def test_a_symmetric_image_has_the_same_fields_flipped(run_dir):
    predictor = Predictor.load(run_dir)
    image = picture(65, 65)
    plain = fields_of_images(predictor, [image], ONCE)[0][0]
    both = fields_of_images(predictor, [image], ONCE | {"flip": True})[0][0]
    mirrored = fields_of_images(predictor, [image[:, ::-1].copy()], ONCE)[0][0]
    swapped = mirrored.heatmap[:, ::-1][..., COCO_PERSON.flip_keypoints]
    np.testing.assert_allclose(both.heatmap, (plain.heatmap + swapped) / 2, atol=1e-5)


def test_the_first_side_of_a_pyramid_is_the_frame(run_dir):
    protocol = ONCE | {"sides": [65, 33, 129]}
    fields, frame = fields_of_images(Predictor.load(run_dir), [picture()], protocol)[0]
    assert frame == Frame.fit(48, 64, 65)
    assert fields.heatmap.shape[1] == 9


def test_another_output_stride_keeps_the_weights(run_dir):
    image = picture(65, 65)
    coarse = fields_of_images(Predictor.load(run_dir), [image], ONCE)[0][0]
    fine = fields_of_images(Predictor.load(run_dir, 4), [image], ONCE)[0][0]
    np.testing.assert_allclose(fine.heatmap[::2, ::2], coarse.heatmap, atol=1e-5)


def test_shards_hold_every_image_once(run_dir, tmp_path):
    annotations_path, images_dir = make_coco(tmp_path)
    seen = []
    for shard in range(2):
        path = tmp_path / f"fields-{shard}.h5"
        infer_shard(run_dir, annotations_path, images_dir, ONCE, shard, 2, path)
        seen += [image_id for image_id, _, _ in read_fields(path)]
        assert not list(tmp_path.glob(".*part"))
    assert sorted(seen) == [1, 2, 3, 4, 5, 6]


def test_a_shard_does_not_depend_on_the_others(run_dir, tmp_path):
    annotations_path, images_dir = make_coco(tmp_path)
    for shards in (1, 3):
        infer_shard(run_dir, annotations_path, images_dir, ONCE, 0, shards, tmp_path / f"{shards}")
    with h5py.File(tmp_path / "1") as whole, h5py.File(tmp_path / "3") as part:
        for image_id in part:
            np.testing.assert_allclose(part[image_id]["heatmap"], whole[image_id]["heatmap"])


def test_unreadable_images_are_named(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"bad\.jpg: cannot be read as an image"):
        read_image(tmp_path / "bad.jpg")
    with pytest.raises(InputError, match=r"gone\.jpg: cannot be read"):
        read_image(tmp_path / "gone.jpg")


def test_a_png_in_grey_becomes_rgb(tmp_path):
    Image.fromarray(np.full((4, 5), 9, np.uint8)).save(tmp_path / "grey.png")
    assert read_image(tmp_path / "grey.png").tolist() == np.full((4, 5, 3), 9).tolist()


def test_an_unfinished_run_is_told(tmp_path):
    with pytest.raises(InputError, match=r"no run\.json here"):
        Predictor.load(tmp_path)
