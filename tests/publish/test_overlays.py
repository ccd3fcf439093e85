"""The sheet of what network and decoder see."""

import h5py
import numpy as np
import pytest
from PIL import Image

import people
from bottomup.coco import read_annotations
from bottomup.decoding import Detection
from bottomup.errors import InputError
from bottomup.fields.grid import Fields, Frame, node_xy
from bottomup.fields.store import write_fields
from bottomup.publish import overlays
from bottomup.publish.inputs import Inputs, Sample
from bottomup.skeleton import COCO_PERSON

STRIDE = 8
DECODER = {"radius_px": 12}


@pytest.fixture
def sample(tmp_path):
    """Fields of two images that describe one person each, and of one that describes nobody."""
    path, images_dir = people.make_coco(tmp_path, (1, 1, 0))
    annotations = read_annotations(path, COCO_PERSON)
    with h5py.File(tmp_path / "samples.h5", "w") as file:
        for image in annotations.images:
            persons = annotations.persons[image.id]
            frame = Frame.fit(image.height, image.width, 161)
            write_fields(file, image.id, ideal_fields(persons, frame), frame)
    names = ("full", 0, "synthetic", "val", "single")
    return Sample(*names, tmp_path / "samples.h5", path, images_dir, COCO_PERSON, DECODER)


def ideal_fields(persons, frame):
    rows, columns = (side // STRIDE + 1 for side in frame.input_size(STRIDE))
    nodes = node_xy(rows, columns, STRIDE)
    edges = COCO_PERSON.directed_edges
    shape = (rows, columns)
    heatmap = np.zeros((*shape, 17), np.float32)
    short, long = np.zeros((2, *shape, 17, 2), np.float32)
    mid = np.zeros((*shape, len(edges), 2), np.float32)
    person = np.zeros(shape, np.float32)
    for each in persons:
        places = frame.to_input(each.keypoints[:, :2])
        short[:] = long[:] = places - nodes[:, :, None]
        mid[:] = places[edges[:, 1]] - nodes[:, :, None]
        near = np.linalg.norm(short, axis=-1) <= DECODER["radius_px"]
        heatmap[near & (each.keypoints[:, 2] > 0)] = 1
        x, y, width, height = each.bbox
        inside = (nodes >= [x, y]) & (nodes <= [x + width, y + height])
        person[inside.all(-1)] = 1
    return Fields(heatmap, short, mid, long, person, STRIDE, 1)


def test_the_sheet_is_drawn_and_the_same_each_time(sample, tmp_path):
    files = [tmp_path / "first.png", tmp_path / "second.png"]
    for path in files:
        overlays.make(Inputs(samples=[sample]), [path])
    assert files[0].read_bytes() == files[1].read_bytes()
    with Image.open(files[0]) as picture:
        pixels = np.asarray(picture.convert("L"))
    # Each of the nine tiles of the first row holds something besides paper.
    for tile in np.array_split(pixels[100:250], len(overlays.TILES), axis=1):
        assert len(np.unique(tile)) > 2


def test_views_hold_the_people_of_each_image(sample):
    views = list(overlays.read_views(sample))
    assert [len(view.detections) for view in views] == [1, 1, 0]
    assert views[0].pixels.shape == (120, 160, 3)
    first = read_annotations(sample.annotations_path, COCO_PERSON).persons[1][0]
    known = first.keypoints[:, 2] > 0
    found = views[0].detections[0].keypoints[known, :2]
    assert found == pytest.approx(first.keypoints[known, :2], abs=1)


def test_people_of_low_score_are_not_drawn(sample, monkeypatch):
    weak = Detection(np.zeros((17, 3), np.float32), np.ones(17, bool), 0.1)
    monkeypatch.setattr(overlays, "decode", lambda *_: [weak])
    assert all(view.detections == [] for view in overlays.read_views(sample))


def test_colours_tell_keypoints_apart_and_opacity_how_sure():
    values = np.zeros((1, 2, 3))
    values[0, 0, 1], values[0, 1, 2] = 0.5, 1.0
    left, right = overlays._by_keypoint(values)[0]
    assert (left[3], right[3]) == (0.5, 1.0)
    assert not np.allclose(left[:3], right[:3])


def test_unknown_decoder_keys_are_refused(sample):
    wrong = Sample(**{**vars(sample), "decoder": {"peak": 1}})
    with pytest.raises(InputError, match="'peak'"):
        list(overlays.read_views(wrong))
