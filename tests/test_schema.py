"""Reading and checking YAML against closed schemas."""

import pytest

from bottomup.errors import InputError
from bottomup.schema import load_schema, nearest, read_yaml, type_words, validated

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["steps"],
    "properties": {
        "steps": {"type": "integer", "minimum": 1, "x-unit": "steps"},
        "rate": {"type": "number", "exclusiveMinimum": 0, "default": 0.1},
        "kind": {"enum": ["adam", "sgd", 8, None], "default": "adam"},
        "limit": {"type": ["number", "null"], "minimum": 0, "default": None},
        "sizes": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "integer"},
        },
        "inner": {
            "type": "object",
            "additionalProperties": False,
            "default": {},
            "properties": {"deep": {"type": "boolean", "default": True}},
        },
        "named": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"shards": {"type": "integer", "default": 2}},
            },
        },
    },
}


def written(tmp_path, text):
    path = tmp_path / "some.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(values):
    with pytest.raises(InputError) as refused:
        validated(values, SCHEMA, "some.yaml")
    return str(refused.value)


def test_repeated_key_is_refused_with_its_line(tmp_path):
    with pytest.raises(InputError, match=r"some.yaml: .*'steps' is given twice \(line 2\)"):
        read_yaml(written(tmp_path, "steps: 1\nsteps: 2\n"))


def test_repeated_key_inside_a_block_is_refused(tmp_path):
    with pytest.raises(InputError, match="'flip' is given twice"):
        read_yaml(written(tmp_path, "augmentation: {flip: true, scale: 1, flip: false}\n"))


def test_yaml_that_builds_objects_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not valid YAML"):
        read_yaml(written(tmp_path, "steps: !!python/object/apply:os.getcwd []\n"))


def test_broken_yaml_names_file_and_line(tmp_path):
    with pytest.raises(InputError, match=r"some.yaml: is not valid YAML.*line 2"):
        read_yaml(written(tmp_path, "a: 1\nb: [1, 2}\n"))


def test_binary_file_is_refused(tmp_path):
    path = tmp_path / "some.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="is not valid YAML"):
        read_yaml(path)


@pytest.mark.parametrize("text", ["", "- 1\n- 2\n", "word\n"])
def test_file_without_keys_is_refused(tmp_path, text):
    with pytest.raises(InputError, match="must hold a block of keys"):
        read_yaml(written(tmp_path, text))


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none.yaml: cannot be read"):
        read_yaml(tmp_path / "none.yaml")


@pytest.mark.parametrize("text", ["1e-3", "1.0e-3", "1E-3"])
def test_power_of_ten_is_a_number(tmp_path, text):
    assert read_yaml(written(tmp_path, f"rate: {text}\n")) == {"rate": 0.001}


def test_merged_block_may_be_overridden(tmp_path):
    text = "base: &base {a: 1, b: 2}\nother: {<<: *base, b: 3}\n"
    assert read_yaml(written(tmp_path, text))["other"] == {"a": 1, "b": 3}


def test_defaults_are_filled_at_every_depth():
    values = validated({"steps": 3, "named": {"a": {}}}, SCHEMA, "some.yaml")
    assert values == {
        "steps": 3,
        "rate": 0.1,
        "kind": "adam",
        "limit": None,
        "inner": {"deep": True},
        "named": {"a": {"shards": 2}},
    }


def test_given_values_stand_above_defaults():
    values = validated({"steps": 3, "rate": 2, "inner": {"deep": False}}, SCHEMA, "some.yaml")
    assert (values["rate"], values["inner"]["deep"]) == (2, False)


def test_input_and_schema_stay_as_they_were():
    values = {"steps": 3}
    validated(values, SCHEMA, "some.yaml")["inner"]["deep"] = None
    assert values == {"steps": 3}
    assert SCHEMA["properties"]["inner"]["default"] == {}


def test_unknown_key_names_file_key_and_nearest():
    said = refusal({"steps": 3, "rat": 1})
    assert said.startswith("some.yaml: rat is no known key; did you mean 'rate'?")


def test_unknown_inner_key_is_told_by_its_path():
    assert "inner.depp is no known key; did you mean 'deep'?" in refusal(
        {"steps": 3, "inner": {"depp": True}}
    )


def test_unknown_key_like_nothing_lists_all():
    said = refusal({"steps": 3, "zzzz": 1})
    assert "did you mean" not in said
    assert "known here: steps, rate, kind" in said


def test_missing_key_says_what_to_give():
    assert refusal({}) == "some.yaml: steps is missing; give a whole number from 1"


@pytest.mark.parametrize("value", ["3", 3.5, True, None, [3]])
def test_wrong_type_says_what_was_expected(value):
    assert refusal({"steps": value}) == (
        f"some.yaml: steps is {value!r}; expected a whole number from 1 (steps)"
    )


def test_value_out_of_range_is_refused():
    assert "rate is 0; expected a number above 0" in refusal({"steps": 3, "rate": 0})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_number_that_is_not_finite_is_refused(value):
    assert "give a finite number" in refusal({"steps": 3, "limit": value})


def test_wrong_choice_names_the_nearest():
    assert "kind is 'adamm'; expected adam, sgd, 8 or null; did you mean 'adam'?" in refusal(
        {"steps": 3, "kind": "adamm"}
    )


def test_empty_list_is_refused():
    assert "sizes is empty" in refusal({"steps": 3, "sizes": []})


def test_repeated_list_entry_is_refused():
    assert "sizes names something twice" in refusal({"steps": 3, "sizes": [1, 1]})


def test_list_entry_of_wrong_type_is_told_by_its_place():
    assert "sizes[1] is 'x'; expected a whole number" in refusal({"steps": 3, "sizes": [1, "x"]})


def test_key_that_is_no_text_is_refused():
    assert "the key 5 is no text" in refusal({"steps": 3, 5: 1})


def test_schema_without_file_allows_no_key():
    with pytest.raises(InputError, match=r"options\.radius is no known key; no key is known"):
        validated({"radius": 1}, load_schema("systems/none_such"), "some.yaml", "system_options")


@pytest.mark.parametrize(
    ("word", "expected"), [("personlap", "personlab"), ("resnet", None), (3, None)]
)
def test_nearest_needs_likeness(word, expected):
    assert nearest(word, ["personlab", "multicut"]) == expected


def test_type_words_speak_of_every_type():
    assert type_words(SCHEMA["properties"]["limit"]) == "a number from 0 or null"
    assert (
        type_words(SCHEMA["properties"]["sizes"]) == "a list of at least one, each a whole number"
    )
