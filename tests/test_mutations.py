"""Faults put in by hand, each with the test that must fail by it.

Each fault is one that the public re-implementations of these papers have, or that would spoil
results unseen: a loss mask left out, a flip without its permutation, an offset of the wrong sign.
It is put into a copy of the repository, and the test that is named for it must then fail there.

To try them all and read which test fails: `python -m pytest -m long tests/test_mutations.py -v`.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
COPIED = ("src", "tests", "workflow", "config", "profiles", "envs", "Snakefile", "pyproject.toml")
FAILED = 1  # pytest's exit status when tests were run and some failed

FIELDS = "src/bottomup/fields"
TARGETS = "tests/systems/test_personlab_targets.py"
ANY_SCENE = f"{TARGETS}::test_equal_the_reference_on_any_scene"
FLIPPED = "tests/fields/test_merge.py::test_flipped_fields_are_those_of_the_mirrored_person"
WHO_COUNTS = f"{TARGETS}::test_who_counts_where"


@dataclass(frozen=True)
class Fault:
    """What to replace by what in a file, and the test that must fail by it."""

    name: str
    path: str
    old: str
    new: str
    test: str


FAULTS = (
    Fault(
        "heatmap loss on crowds",
        f"{FIELDS}/heatmap.py",
        "node_map, CROWD | UNANNOTATED)",
        "node_map, UNANNOTATED)",
        WHO_COUNTS,
    ),
    Fault(
        "heatmap loss on people without keypoints",
        f"{FIELDS}/heatmap.py",
        "node_map, CROWD | UNANNOTATED)",
        "node_map, CROWD)",
        WHO_COUNTS,
    ),
    Fault(
        "segmentation loss on crowds",
        f"{FIELDS}/segmentation.py",
        "ops.bitwise_and(at_centres, CROWD) == 0",
        "at_centres >= 0",
        WHO_COUNTS,
    ),
    Fault(
        "short loss outside the disks",
        f"{FIELDS}/offsets.py",
        "* disk[..., None], disk",
        "* disk[..., None], ops.ones_like(disk)",
        ANY_SCENE,
    ),
    Fault(
        "mid loss without the other end",
        f"{FIELDS}/offsets.py",
        "ops.take(disk, start, axis=3) * target[..., 2]",
        "ops.take(disk, start, axis=3)",
        f"{TARGETS}::test_unlabelled_or_outside_keypoints_leave_no_trace",
    ),
    Fault(
        "long loss on crowds and people without keypoints",
        f"{FIELDS}/offsets.py",
        "alone = (number > 0) & (ops.bitwise_and(node_map, CROWD | UNANNOTATED) == 0)",
        "alone = number > 0",
        ANY_SCENE,
    ),
    Fault(
        "long loss to unlabelled keypoints",
        f"{FIELDS}/offsets.py",
        "weight = target[..., 2] * ops.cast(alone",
        "weight = ops.ones_like(target[..., 2]) * ops.cast(alone",
        f"{TARGETS}::test_unlabelled_or_outside_keypoints_leave_no_trace",
    ),
    Fault(
        "weights left out of the losses",
        "src/bottomup/losses.py",
        "ops.sum(values * weights) /",
        "ops.sum(values) /",
        "tests/test_losses.py::test_excluded_positions_count_neither_above_nor_below_the_line",
    ),
    Fault(
        "short offsets of the wrong sign",
        f"{FIELDS}/offsets.py",
        "(target - _nodes(nearest, stride, first_px)) * disk",
        "(_nodes(nearest, stride, first_px) - target) * disk",
        f"{TARGETS}::test_offsets_of_one_person_by_hand",
    ),
    Fault(
        "mid offsets of the wrong sign",
        f"{FIELDS}/offsets.py",
        "(target[..., :2] - _nodes(nearest, stride, first_px)) * weight",
        "(_nodes(nearest, stride, first_px) - target[..., :2]) * weight",
        f"{TARGETS}::test_offsets_of_one_person_by_hand",
    ),
    Fault(
        "long offsets of the wrong sign",
        f"{FIELDS}/offsets.py",
        "(target[..., :2] - _nodes(weight, stride)) * weight",
        "(_nodes(weight, stride) - target[..., :2]) * weight",
        f"{TARGETS}::test_offsets_of_one_person_by_hand",
    ),
    Fault(
        "training flips without the permutation",
        "src/bottomup/augment.py",
        "ops.take(moved, skeleton.flip_keypoints, axis=2)",
        "moved",
        "tests/test_augment.py::test_a_flipped_left_wrist_is_a_right_wrist",
    ),
    *(
        Fault(
            f"flipped {name} without the permutation",
            f"{FIELDS}/merge.py",
            f"{name}=fields.{name}[:, ::-1, {swapped}]",
            f"{name}=fields.{name}[:, ::-1]",
            FLIPPED,
        )
        for name, swapped in (
            *(("heatmap", "keypoints"), ("short", "keypoints")),
            *(("mid", "edges"), ("long", "keypoints")),
        )
    ),
    *(
        Fault(
            f"flipped {name} offsets with the sign of x as it was",
            f"{FIELDS}/merge.py",
            f"{name}=fields.{name}[:, ::-1, {swapped}] * negated",
            f"{name}=fields.{name}[:, ::-1, {swapped}]",
            FLIPPED,
        )
        for name, swapped in (("short", "keypoints"), ("mid", "edges"), ("long", "keypoints"))
    ),
    Fault(
        "mid offsets refined by the short ones of their start",
        f"{FIELDS}/refine.py",
        "_follow(planes, position, directed_edges[:, 1], stride)",
        "_follow(planes, position, directed_edges[:, 0], stride)",
        "tests/fields/test_refine.py::test_mid_offsets_follow_the_short_offsets_of_their_target",
    ),
    Fault(
        "long offsets refined in the other order",
        f"{FIELDS}/refine.py",
        "        (long, self_steps, self_limit_px),\n        (short, short_steps, math.inf),\n",
        "        (short, short_steps, math.inf),\n        (long, self_steps, self_limit_px),\n",
        "tests/fields/test_refine.py::test_long_offsets_follow_themselves_and_then_the_short_ones",
    ),
    Fault(
        "votes that do not grow with the stride",
        "src/bottomup/decoding/votes.py",
        "mass = fields.stride**2 /",
        "mass = 1 /",
        "tests/decoding/test_decode.py::test_a_hough_map_has_a_whole_disk_at_each_keypoint",
    ),
    Fault(
        "subsets that are not nested",
        "src/bottomup/subsets.py",
        "return set(ranked(stratum, seed)[:",
        "return set(ranked(stratum, seed + percent)[:",
        "tests/test_subsets.py::test_a_larger_share_drops_the_same_images_and_more",
    ),
    Fault(
        "a state that is resumed by other code",
        "workflow/rules/common_runs.smk",
        "        training_code(wildcards),\n        training_settings",
        "        training_settings",
        "tests/workflow/test_stories.py::test_a_state_is_resumed_by_what_began_it_alone",
    ),
    Fault(
        "a state that is resumed with other settings",
        "workflow/rules/common_runs.smk",
        "        training_settings(wildcards),\n        experiment.skeleton",
        "        experiment.skeleton",
        "tests/workflow/test_stories.py::test_a_state_is_resumed_by_what_began_it_alone",
    ),
)


@pytest.fixture
def copy(tmp_path):
    """The repository without what is made from it."""
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "test_mutations.py")
            shutil.copytree(source, tmp_path / name, ignore=ignored)
        else:
            shutil.copy2(source, tmp_path / name)
    return tmp_path


def run_tests(folder, *tests):
    """Status and output of tests in a folder of its own."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
            *("-m", "long or not long", *tests),
        ],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.long
def test_without_a_fault_the_tests_pass(copy):
    status, said = run_tests(copy, *sorted({fault.test for fault in FAULTS}))
    assert status == 0, said


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_caught_by_its_test(copy, fault):
    file = copy / fault.path
    text = file.read_text(encoding="utf-8")
    assert fault.old in text, f"{fault.path} has changed; state the fault anew"
    file.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    status, said = run_tests(copy, fault.test)
    assert status == FAILED, said


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_can_still_be_put_in(fault):
    text = (REPOSITORY / fault.path).read_text(encoding="utf-8")
    assert fault.old in text, f"{fault.path} has changed; state the fault anew"
    name = fault.test.partition("::")[2]
    assert not name or f"def {name}(" in (REPOSITORY / fault.test.split("::")[0]).read_text()
