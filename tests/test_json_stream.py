"""JSON in pieces: what the standard library reads of a whole file, refused where it refuses."""

import json
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottomup import json_stream
from bottomup.json_stream import NoObjectError, read_object, write_object

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=5)


def whole(path) -> dict:
    """The object that the pieces make."""
    return {key: list(v) if isinstance(v, Iterator) else v for key, v in read_object(path)}


@settings(deadline=None)
@given(OBJECTS, st.integers(1, 5), st.sampled_from([None, 1]))
def test_pieces_of_any_length_make_the_whole(tmp_path_factory, content, chunk, indent):
    path = tmp_path_factory.mktemp("stream") / "some.json"
    path.write_text(json.dumps(content, indent=indent))
    with mock.patch.object(json_stream, "CHUNK", chunk):
        assert repr(whole(path)) == repr(content)


@settings(deadline=None)
@given(OBJECTS, st.data())
def test_what_the_library_refuses_is_refused(tmp_path_factory, content, data):
    path, text = tmp_path_factory.mktemp("stream") / "some.json", json.dumps(content)
    place = data.draw(st.integers(0, len(text) - 1))
    spoilt = text[:place] + data.draw(st.text('{}[],:"1 x', max_size=2)) + text[place + 1 :]
    path.write_text(spoilt)
    try:
        expected = json.loads(spoilt)
    except ValueError:
        expected = None
    if isinstance(expected, dict):
        # The library keeps the last of two values with one key; here they are refused.
        try:
            assert repr(whole(path)) == repr(expected)
        except ValueError as error:
            assert "twice" in str(error)  # noqa: PT017
    else:
        with pytest.raises(ValueError):  # noqa: PT011
            whole(path)


@settings(deadline=None)
@given(OBJECTS)
def test_what_is_written_is_read_again(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("stream") / "some.json"
    items = ((key, iter(v) if isinstance(v, list) else v) for key, v in content.items())
    write_object(path, items)
    assert repr(json.loads(path.read_text())) == repr(content)


def test_rows_left_are_passed_over(tmp_path):
    path = tmp_path / "some.json"
    path.write_text('{"a": [1, 2, 3], "b": 4, "c": [5, [6]]}')
    firsts = {key: next(v) if isinstance(v, Iterator) else v for key, v in read_object(path)}
    assert firsts == {"a": 1, "b": 4, "c": 5}


def test_something_else_at_the_top(tmp_path):
    path = tmp_path / "some.json"
    path.write_text("[1]")
    with pytest.raises(NoObjectError):
        whole(path)


def test_lists_in_lists_without_end_take_neither_memory_nor_time(tmp_path):
    path = tmp_path / "some.json"
    path.write_text('{"a": [' + "[" * 100_000 + "]" * 100_000 + "]}")
    with pytest.raises(RecursionError):
        whole(path)
