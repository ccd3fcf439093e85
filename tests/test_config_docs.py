"""The page of keys, and that every key says what it means."""

from dataclasses import asdict, fields

import pytest

from bottomup import lookup
from bottomup.config_docs import PAGE, keys, rendered, schema_names
from bottomup.datasets import synthetic
from bottomup.decoding.settings import DecoderSettings
from bottomup.schema import load_schema, validated

KEYS = [(name, *key) for name in schema_names() for key in keys(load_schema(name))]


def test_committed_page_equals_the_schemas():
    assert PAGE.read_text(encoding="utf-8") == rendered(), "run `make docs`"


@pytest.mark.parametrize(("schema", "path", "about", "required"), KEYS, ids=lambda v: str(v)[:40])
def test_key_has_a_description_and_a_type(schema, path, about, required):
    assert about["description"].endswith("."), f"{schema}: {path}"
    assert "type" in about or "enum" in about


@pytest.mark.parametrize(("schema", "path", "about", "required"), KEYS, ids=lambda v: str(v)[:40])
def test_default_fits_its_own_schema(schema, path, about, required):
    assert not (required and "default" in about), f"{schema}: {path} is required and has a default"
    if "default" in about:
        closed = {"type": "object", "properties": {"key": about}}
        assert validated({"key": about["default"]}, closed, schema)


@pytest.mark.parametrize("name", schema_names())
def test_every_block_is_closed(name):
    def blocks(schema):
        yield schema
        inner = [*schema.get("properties", {}).values(), schema.get("items")]
        inner.append(schema.get("additionalProperties"))
        for value in inner:
            if isinstance(value, dict):
                yield from blocks(value)

    for block in blocks(load_schema(name)):
        if "object" in block.get("type", ()) and "properties" in block:
            assert block["additionalProperties"] is False


@pytest.mark.parametrize("name", ["personlab", "poseplusseg", "multiposeseg"])
def test_options_in_the_schema_are_those_of_the_system(name):
    defaults = validated({}, load_schema(f"systems/{name}"), name)
    options = lookup.load("systems", name).Options()
    assert defaults == {field.name: getattr(options, field.name) for field in fields(options)}


def test_decoder_settings_are_those_of_the_decoder():
    schema = load_schema("protocol")["properties"]["decoder"]
    left_to_the_experiment = {"radius_px": None}
    expected = asdict(DecoderSettings()) | left_to_the_experiment
    assert expected["multicut"].pop("terms") is None  # brought by the run
    assert validated({}, schema, "decoder") == expected


def test_generator_settings_are_those_of_the_generator():
    schema = load_schema("datasets/synthetic")
    assert set(schema["properties"]) == set(synthetic.KNOWN_SETTINGS)
