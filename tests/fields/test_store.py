"""Fields come back from disk as they went, to float16."""

import h5py
import numpy as np
import pytest

from bottomup.errors import InputError
from bottomup.fields.grid import Fields, Frame, PairFields, by_channel
from bottomup.fields.store import image_ids, read_fields, read_image_fields, write_fields


def some_fields(seed):
    random = np.random.default_rng(seed)
    return Fields(
        heatmap=random.random((5, 4, 3), np.float32),
        short=random.normal(0, 10, (5, 4, 3, 2)).astype(np.float32),
        mid=random.normal(0, 50, (5, 4, 4, 2)).astype(np.float32),
        long=random.normal(0, 90, (5, 4, 3, 2)).astype(np.float32),
        segmentation=random.random((10, 8), np.float32),
        stride=8,
        sub_cells=2,
        distance=random.uniform(-16, 16, (5, 4)).astype(np.float32) if seed == 30 else None,
    )


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "fields.h5", "w") as file:
        for image_id in (30, 4):
            write_fields(file, image_id, some_fields(image_id), Frame(0.5, 70, 60))
    return tmp_path / "fields.h5"


def test_images_come_back_in_order_of_their_ids(path):
    read = list(read_fields(path))
    assert [image_id for image_id, _, _ in read] == [4, 30] == image_ids(path)
    for image_id, fields, frame in read:
        assert frame == Frame(0.5, 70, 60)
        assert (fields.stride, fields.sub_cells) == (8, 2)
        for name in ("heatmap", "short", "mid", "long", "segmentation"):
            expected = getattr(some_fields(image_id), name)
            np.testing.assert_allclose(getattr(fields, name), expected, rtol=1e-3, atol=1e-4)


def test_a_distance_comes_back_if_there_was_one(path):
    expected = some_fields(30).distance
    np.testing.assert_allclose(read_image_fields(path, 30)[0].distance, expected, rtol=1e-3)
    assert read_image_fields(path, 4)[0].distance is None


def test_what_is_read_lies_as_a_decoder_wants_it(path):
    fields, _ = read_image_fields(path, 30)
    for name in ("heatmap", "short", "mid", "long", "segmentation", "distance"):
        values = getattr(fields, name)
        assert np.shares_memory(by_channel(values), values)


def test_fields_of_an_earlier_layout_are_refused(path):
    with h5py.File(path, "a") as file:
        del file["30"].attrs["layout"]
    with pytest.raises(InputError, match=r"fields\.h5: image 30 lies as an earlier version wrote"):
        read_image_fields(path, 30)


def test_one_image_can_be_picked(path):
    fields, _ = read_image_fields(path, 30)
    np.testing.assert_allclose(fields.heatmap, some_fields(30).heatmap, atol=1e-3)


def test_a_damaged_file_is_named(path):
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"fields\.h5: damaged fields"):
        list(read_fields(path))
    with pytest.raises(InputError, match=r"fields\.h5: damaged fields"):
        image_ids(path)
    with pytest.raises(InputError, match=r"fields\.h5: damaged fields"):
        read_image_fields(path, 30)


def test_fields_of_pairs_come_back(tmp_path):
    random = np.random.default_rng(0)
    fields = PairFields(
        random.random((5, 4, 3), np.float32),
        random.normal(0, 10, (5, 4, 3, 2)).astype(np.float32),
        random.normal(0, 50, (5, 4, 6, 2)).astype(np.float32),
        8,
    )
    with h5py.File(tmp_path / "pairs.h5", "w") as file:
        write_fields(file, 7, fields, Frame(0.5, 70, 60))
    found, frame = read_image_fields(tmp_path / "pairs.h5", 7)
    assert (frame, found.stride) == (Frame(0.5, 70, 60), 8)
    for name in ("heatmap", "short", "pairwise"):
        np.testing.assert_allclose(getattr(found, name), getattr(fields, name), rtol=1e-3)
