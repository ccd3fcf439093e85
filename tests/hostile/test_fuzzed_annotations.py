"""Annotation files that are wrong in any way are read right or refused in one sentence."""

import copy
import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import people
from bottomup import coco
from bottomup.errors import InputError
from bottomup.skeleton import COCO_PERSON

SECONDS = 60  # no case takes longer, also on a busy machine
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from([-1, 0, 1, 2, 3, 65536, 1e308, "1", "person", "nan", [], {}]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
KINDS = ("replace", "delete", "double", "nudge", "swap")


@st.composite
def spoilt(draw, content):
    """The content with one to four changes anywhere in it."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 4))):
        places = list(walk(content))
        parent, key = draw(st.sampled_from(places)) if places else (None, None)
        change(draw, draw(st.sampled_from(KINDS)), parent, key)
    return content


def walk(value):
    """Every container and key of a JSON value; lists of numbers give only their first ones."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items)[:60]:
        yield value, key
        if isinstance(inner, dict | list):
            yield from walk(inner)


def change(draw, kind, parent, key) -> None:
    if parent is None:
        return
    if kind == "delete":
        del parent[key]
    elif kind == "double" and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    elif kind == "nudge" and isinstance(parent[key], int | float):
        parent[key] = parent[key] + draw(st.sampled_from([-1, 1, 0.5, 1e9, -1e9]))
    elif kind == "swap" and isinstance(parent, list):
        other = draw(st.integers(0, len(parent) - 1))
        parent[key], parent[other] = parent[other], parent[key]
    else:
        parent[key] = draw(VALUES)


def good_content(folder: Path) -> dict:
    path, _ = people.make_coco(folder, write_images=False)
    return json.loads(path.read_text())


def read_all(path: Path) -> None:
    """All that the workflow reads of a file, with what must hold of what is read right."""
    annotations = coco.read_annotations(path, COCO_PERSON)
    content = json.loads(path.read_text())
    assert [i.id for i in annotations.images] == sorted(row["id"] for row in content["images"])
    wanted = sum(row.get("category_id") == 1 for row in content.get("annotations", []))
    assert sum(len(group) for group in annotations.persons.values()) == wanted
    for image in annotations.images:
        if image.height * image.width > 1 << 22:
            continue  # a mask that large is right, and slow
        for person in annotations.persons[image.id]:
            assert np.isfinite(person.keypoints).all()
            mask = coco.person_mask(person, image.height, image.width)
            assert mask.shape == (image.height, image.width)
    kept = {image.id for image in annotations.images[:2]}
    out = path.with_name("subset.json")
    coco.write_subset(path, kept, out)
    assert {image.id for image in coco.read_images(out)} == kept


def try_case(path: Path) -> str:
    """Whether the file was read or refused."""
    started, outcome = time.process_time(), "read"
    try:
        read_all(path)
    except InputError as error:
        outcome = "refused"
        message = str(error)
        assert message.startswith(str(path.parent)), message
        assert "\n" not in message
    assert time.process_time() - started < SECONDS
    return outcome


def fuzz(folder: Path, cases: int) -> dict[str, int]:
    """Tries so many spoilt files; returns how many were read and refused."""
    content, tried = good_content(folder), {"read": 0, "refused": 0}
    path = folder / "spoilt.json"
    text = json.dumps(content).encode()
    options = settings(
        max_examples=cases // 2,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )

    @options
    @given(spoilt(content))
    def structures(changed):
        path.write_text(json.dumps(changed))
        tried[try_case(path)] += 1

    @options
    @given(st.integers(0, len(text) - 1), st.binary(max_size=3), st.integers(0, 40))
    def bytes_of_the_file(place, inserted, removed):
        path.write_bytes(text[:place] + inserted + text[place + removed :])
        tried[try_case(path)] += 1

    structures()
    bytes_of_the_file()
    return tried


def test_spoilt_annotation_files(tmp_path):
    tried = fuzz(tmp_path, 200)
    assert sum(tried.values()) >= 200
    assert min(tried.values()) >= 10, tried


@pytest.mark.cluster
def test_ten_thousand_spoilt_annotation_files(tmp_path):
    tried = fuzz(tmp_path, 10_000)
    assert sum(tried.values()) >= 10_000
    print(tried)
