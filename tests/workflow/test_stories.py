"""Edits rerun what they change, and only that."""

import os
import re
import shutil
from contextlib import ExitStack

import pytest
import yaml

from bottomup.schema import read_yaml

AFTER_TRAINING = {"infer_shard", "decode_shard", "merge_results", "evaluate_results", "make_table"}
TABLE = '''"""A table of nothing."""

KIND = "table"
NEEDS = ("metrics",)


def make(inputs, outputs):
    for path in outputs:
        path.write_text("")
'''


def test_nothing_is_left_to_do_after_a_finished_study(story):
    assert story.plan() == {}


def test_comments_and_docstrings_plan_nothing(story):
    with ExitStack() as edits:
        for path in (
            "src/bottomup/training.py",
            "src/bottomup/coco.py",
            "src/bottomup/systems/personlab.py",
            "src/bottomup/decoding/decode.py",
            "workflow/scripts/train_model.py",
            "workflow/rules/train.smk",
        ):
            edits.enter_context(story.edited(path, '"""', '# A comment.\n"""Read this. '))
        assert story.plan() == {}


def test_a_changed_decoder_setting_decodes_and_trains_nothing(story):
    protocol = "config/protocols/story.yaml"
    with story.edited(protocol, "decoder: {}", "decoder: {max_people: 7}"):
        planned = story.plan()
    assert planned["decode_shard"] == 2
    assert set(planned) == AFTER_TRAINING


def test_edited_decoder_code_decodes_and_trains_nothing(story):
    with story.edited(
        "src/bottomup/decoding/decode.py", "import numpy", "import ast\nimport numpy"
    ):
        planned = story.plan()
    assert planned["decode_shard"] == 2
    assert set(planned) == AFTER_TRAINING


def test_a_new_protocol_tests_and_trains_nothing(story):
    protocol = "sides: [193]\n"
    with (
        story.added("config/protocols/small.yaml", protocol),
        story.edited("config/story.yaml", "protocols: [story]", "protocols: [story, small]"),
    ):
        planned = story.plan()
    assert planned["infer_shard"] == 2
    assert planned["evaluate_results"] == 1
    assert set(planned) == AFTER_TRAINING


def test_one_more_split_to_test_on_plans_no_training(story):
    tests = "test_on: [{dataset: toy, split: val}, {dataset: toy, split: train}]\nbased_on"
    with story.edited("config/experiments/story.yaml", "based_on", tests):
        planned = story.plan()
    assert "train_model" not in planned
    assert planned.get("evaluate_results") == 1, planned


def test_a_placed_dataset_with_other_keypoints_is_converted_and_trains_nothing(story, tmp_path):
    source = tmp_path / "json" / "crowdpose_test.json"
    source.parent.mkdir()
    source.write_text("{}")
    tests = "test_on: [{dataset: toy, split: val}, {dataset: crowdpose, split: test}]\nbased_on"
    place = f"datasets: {{crowdpose: {{local: '{tmp_path}'}}}}\npublish:"
    with (
        story.edited("config/experiments/story.yaml", "based_on", tests),
        story.edited("config/story.yaml", "publish:", place),
    ):
        planned = story.plan()
    assert planned["convert_annotations"] == 1
    assert planned["infer_shard"] == 4
    assert "train_model" not in planned


def test_keypoints_are_filled_in_by_a_run_before_another_trains_on_them(story):
    skeleton = read_yaml(story.folder / "config/datasets/toy.yaml")["skeleton"]
    dataset = {
        "kind": "imputed",
        "skeleton": skeleton,
        "imputation": {"dataset": "toy", "experiment": "story"},
        "splits": {"train": {}},
    }
    more = "experiments: [story, more]"
    with (
        story.added("config/datasets/filled.yaml", yaml.safe_dump(dataset)),
        story.added("config/subsets/filled.yaml", "dataset: filled\n"),
        story.added("config/experiments/more.yaml", "based_on: story\nsubset: filled\n"),
        story.edited("config/story.yaml", "experiments: [story]", more),
    ):
        planned = story.plan()
        assert planned["impute_keypoints"] == 1
        # The run that fills in is there already.
        assert planned["train_model"] == 1
        assert "make_split" not in planned
        # What the filling run learned from is kept apart from the tests as well.
        assert planned["check_disjoint"] == 1
        with story.edited("config/experiments/story.yaml", "steps: 6", "steps: 7"):
            assert story.plan()["train_model"] == 2


def test_a_new_table_plans_the_table_alone(story):
    with (
        story.added("src/bottomup/publish/nothing.py", TABLE),
        story.edited("config/story.yaml", "[people_table]", "[people_table, nothing]"),
    ):
        assert story.plan() == {"make_table": 1}


def test_a_new_key_of_the_publish_section_plans_no_training(story):
    with story.edited("config/story.yaml", "figures: []", "figures: []\n  sample_images: 3"):
        assert story.plan() == {}


def test_another_device_or_backend_plans_nothing(story):
    with story.edited("config/story.yaml", "publish:", "compute: {device: gpu}\npublish:"):
        assert story.plan() == {}
    with story.edited("config/story.yaml", "publish:", "compute: {backend: jax}\npublish:"):
        assert story.plan() == {}


def test_an_edited_expectation_plans_no_computation(story):
    with story.edited(
        "config/experiments/story.yaml", "based_on", "expected: {tolerance: 0.2}\nbased_on"
    ):
        assert set(story.plan()) <= {"make_table"}


def test_new_and_unused_backbones_and_systems_plan_nothing(story):
    with (
        story.added("src/bottomup/backbones/another.py", "DEPTH = 1\n"),
        story.added("src/bottomup/systems/another.py", "HEADS = 1\n"),
        story.edited("src/bottomup/backbones/pixel.py", "import", "import ast\nimport"),
    ):
        assert story.plan() == {}


def test_an_edited_backbone_in_use_trains_again(story):
    with story.edited("src/bottomup/backbones/small_unet.py", "import", "import ast\nimport"):
        planned = story.plan()
    assert planned["train_model"] == 1
    assert set(planned) == {"train_model", *AFTER_TRAINING}


@pytest.mark.parametrize("module", ["augment", "fields/heatmap"])
def test_an_edited_function_that_training_calls_trains_again(story, module):
    path = f"src/bottomup/{module}.py"
    with story.edited(path, "import", "import ast\nimport"):
        assert story.plan()["train_model"] == 1


def test_a_changed_training_setting_trains_again_and_keeps_the_records(story):
    with story.edited("config/experiments/story.yaml", "steps: 6", "steps: 8"):
        assert set(story.plan()) == {"train_model", *AFTER_TRAINING}


def test_another_time_limit_trains_nothing(story):
    with story.edited("workflow/rules/train.smk", "wall_minutes=0", "wall_minutes=60"):
        assert story.plan() == {}


@pytest.mark.long
def test_a_state_is_resumed_by_what_began_it_alone(story):
    weights = story.folder / "results/runs/story/seed-0/weights.keras"
    states = [weights.read_text()]
    for path, old, new in (
        ("src/bottomup/losses.py", "ops.sum(weights), 1.0", "ops.sum(weights), 2.0"),
        ("config/experiments/story.yaml", "steps: 6", "steps: 8"),
    ):
        with story.edited(path, old, new):
            done = story.snakemake("--cores", "1", "--until", "train_model")
            assert done.returncode == 0, done.stdout + done.stderr
            states.append(weights.read_text())
    story.run()
    states.append(weights.read_text())
    assert len(set(states)) == 3
    assert states[0] == states[3]


START = "initial_weights: {experiment: story}\nbased_on: story\n"


def test_an_experiment_that_starts_from_another_is_trained_after_it(story):
    with (
        story.added("config/experiments/later.yaml", START),
        story.edited("config/story.yaml", "experiments: [story]", "experiments: [later]"),
    ):
        planned = story.plan()
        assert planned["train_model"] == 1  # the first stage has been trained
        assert set(planned) == {"train_model", *AFTER_TRAINING}
        both = story.snakemake("--dry-run", "--forcerun", "train_model").stdout
    order = re.findall(r"Training (\w+), seed 0", both)
    assert order == ["story", "later"]


def test_a_changed_first_stage_trains_the_later_one_again(story):
    with (
        story.added("config/experiments/later.yaml", START),
        story.edited("config/story.yaml", "experiments: [story]", "experiments: [later]"),
        story.edited("config/experiments/story.yaml", "steps: 6", "steps: 8"),
    ):
        assert story.plan()["train_model"] == 2


def test_a_circle_of_starts_is_told_in_one_sentence(story):
    with story.edited(
        "config/experiments/story.yaml",
        "based_on",
        "initial_weights: {experiment: story}\nbased_on",
    ):
        done = story.snakemake("--dry-run")
    assert done.returncode == 1
    assert (
        "initial_weights.experiment goes in a circle, story -> story;" in done.stdout + done.stderr
    )


def test_edited_evaluation_evaluates_and_nothing_before(story):
    with story.edited("src/bottomup/evaluation.py", "import numpy", "import ast\nimport numpy"):
        assert set(story.plan()) == {"evaluate_results", "make_table"}


def test_an_edited_check_leaves_what_is_finished(story):
    script = "workflow/scripts/check_split.py"
    with story.edited(script, "import json", "import ast\nimport json"):
        assert story.plan() == {}


def test_what_changes_at_once_is_planned_at_once(story):
    protocol = "sides: [129]\ndecoder: {}\n"
    annotations = story.folder / "resources/datasets/toy/val/annotations.json"
    before = annotations.stat()
    os.utime(annotations)
    with (
        story.added("config/protocols/small.yaml", protocol),
        story.edited("config/story.yaml", "protocols: [story]", "protocols: [story, small]"),
        story.edited("config/experiments/story.yaml", "steps: 6", "steps: 8"),
    ):
        planned = story.plan()
    os.utime(annotations, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert planned["train_model"] == 1
    assert planned["evaluate_results"] == 2


def test_an_edited_shell_line_runs_its_rule_again(story):
    with story.edited("workflow/rules/publish.smk", "--format=freeze", "--format=json"):
        assert story.plan() == {"list_packages": 1}


def test_no_key_of_the_quickstart_leaks_into_another_study(story):
    publish = "publish:\n  tables: [people_table]\n  figures: []\n"
    with story.edited("config/story.yaml", publish, ""):
        assert story.plan() == {}


def test_a_failure_is_told_in_its_sentence_and_leaves_results_intact(story):
    image = next((story.folder / "resources/datasets/toy/val/images").glob("*.jpg"))
    kept = image.read_bytes()
    image.write_bytes(kept[:200])
    weights = story.folder / "results/runs/story/seed-0/weights.keras"
    done = story.snakemake("--cores", "1", "--forcerun", "check_split", "--until", "check_split")
    image.write_bytes(kept)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert re.search(rf"error: .*{image.name}.*", said), said
    assert "Traceback" not in said
    assert weights.exists()
    story.run()


def test_a_lost_table_is_made_again_alone(story):
    table = story.folder / "results" / "tables" / "people_table.csv"
    kept = table.with_suffix(".kept")
    shutil.move(table, kept)
    try:
        assert story.plan() == {"make_table": 1}
    finally:
        shutil.move(kept, table)
