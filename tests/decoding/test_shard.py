"""A shard of stored fields becomes COCO result rows."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from bottomup.decoding import decode_shard, shard
from bottomup.decoding.decode import decode
from bottomup.errors import InputError
from bottomup.fields.store import write_fields
from bottomup.skeleton import COCO_PERSON
from scenes import figure, scene

PEOPLE = {3: [figure(100, 60, 250), figure(300, 60, 250)], 5: [], 12: [figure(200, 60, 250)]}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("fields") / "fields.h5"
    with h5py.File(path, "w") as file:
        for image_id, people in PEOPLE.items():
            fields, _, frame = scene(people)
            write_fields(file, image_id, fields, frame)
    return path


def decoded(stored, out, threads=1, **decoder):
    decode_shard(stored, {"decoder": decoder}, COCO_PERSON.to_dict(), out, threads)
    return json.loads(out.read_text())


def test_every_image_is_listed_and_every_person_has_two_rows(stored, tmp_path):
    content = decoded(stored, tmp_path / "out.json")
    assert content["images"] == [3, 5, 12]
    for task in ("keypoints", "segmentation"):
        assert [row["image_id"] for row in content[task]] == [3, 3, 12]
    assert len(content["keypoints"][0]["keypoints"]) == 51
    assert content["segmentation"][0]["segmentation"]["size"] == [401, 401]


def test_coordinates_survive_the_half_precision_of_the_store(stored, tmp_path):
    content = decoded(stored, tmp_path / "out.json")
    found = np.reshape(content["keypoints"][-1]["keypoints"], (17, 3))
    np.testing.assert_allclose(found[:, :2], PEOPLE[12][0][:, :2], atol=0.5)


def test_threads_change_nothing(stored, tmp_path):
    results = [decoded(stored, tmp_path / f"{n}.json", threads=n) for n in (1, 3)]
    times = [result.pop("milliseconds") for result in results]
    assert results[0] == results[1]
    assert all(len(each) == len(PEOPLE) and min(each) >= 0 for each in times)


def test_compiled_code_is_read_before_an_image_is_timed(stored, tmp_path, monkeypatch):
    asked = []

    def watched(fields, *settings):
        asked.append(float(fields.heatmap.sum()))
        return decode(fields, *settings)

    monkeypatch.setattr(shard, "decode", watched)
    monkeypatch.setattr(shard, "_warm_process", None)
    decoded(stored, tmp_path / "out.json")
    assert len(asked) == len(PEOPLE) + 1  # somebody is on the first image
    assert asked[0] == asked[1] > 0


def test_settings_reach_the_decoder(stored, tmp_path):
    assert decoded(stored, tmp_path / "out.json", masks=False)["segmentation"] == []


def test_bad_fields_are_named_by_image(tmp_path):
    fields, _, frame = scene([])
    fields = replace(fields, short=np.full_like(fields.short, np.nan))
    with h5py.File(tmp_path / "fields.h5", "w") as file:
        write_fields(file, 77, fields, frame)
    with pytest.raises(InputError, match="image 77: field short"):
        decoded(tmp_path / "fields.h5", tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()
