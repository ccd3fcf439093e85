"""`bottomup oracle`: ideal fields of annotations score close to one, and noise costs little."""

import json

import numpy as np
import pytest

from bottomup.cli import main
from bottomup.coco_results import read_results
from bottomup.fields.grid import Frame
from bottomup.oracle import input_instance_map, spoil
from people import make_coco


@pytest.fixture(scope="module")
def annotations(tmp_path_factory):
    return make_coco(tmp_path_factory.mktemp("coco"), write_images=False)[0]


def run(annotations, tmp_path, *more):
    out = tmp_path / "summary.json"
    code = main(
        [
            *("oracle", "--annotations", *map(str, annotations), "--long-side", "401"),
            *("--output-stride", "8", "--json", str(out), *more),
        ]
    )
    assert code == 0
    return json.loads(out.read_text())


def test_clean_fields_score_near_one(annotations, tmp_path):
    summary = run([annotations], tmp_path, "--sub-cells", "4")
    assert summary["keypoints"]["AP"] > 0.97
    assert summary["segmentation_with_keypoints"]["AP"] > 0.8
    assert summary["images"] == 6
    assert summary["persons"] == 7
    assert summary["decode_ms_per_image"] > 0


def test_noise_where_nothing_is_learned_costs_little(annotations, tmp_path):
    assert run([annotations], tmp_path, "--garbage", "0")["keypoints"]["AP"] > 0.9


def test_the_same_seed_gives_the_same_noise(annotations, tmp_path):
    files = []
    for name in ("a", "b"):
        run([annotations], tmp_path, "--garbage", "5", "--out", str(tmp_path / name))
        files.append((tmp_path / name / "keypoints.json").read_text())
    assert files[0] == files[1]


def test_files_are_pooled_and_results_written(annotations, tmp_path):
    second, _ = make_coco(tmp_path, (2,), seed=9, first_id=50, write_images=False)
    summary = run([annotations, second], tmp_path, "--out", str(tmp_path / "out"))
    assert summary["images"] == 7
    rows = read_results(tmp_path / "out" / "keypoints.json")
    assert {row["image_id"] for row in rows} >= {1, 50}
    assert read_results(tmp_path / "out" / "segmentation.json")


def test_the_papers_assembly_is_no_better(annotations, tmp_path):
    paper = run([annotations], tmp_path, "--assembly", "paper")
    assert paper["keypoints"]["AP"] <= run([annotations], tmp_path)["keypoints"]["AP"]


def test_bad_input_is_one_sentence_and_status_two(tmp_path, capsys):
    missing = str(tmp_path / "none.json")
    assert main(["oracle", "--annotations", missing]) == 2
    assert "none.json" in capsys.readouterr().err


def test_an_unknown_system_is_refused(annotations, capsys):
    assert main(["oracle", "--annotations", str(annotations), "--system", "posenet"]) == 2
    assert "posenet" in capsys.readouterr().err


def test_only_the_images_listed_are_scored(annotations, tmp_path):
    ids = tmp_path / "ids.txt"
    ids.write_text("# two of them\n1\n2\n")
    out = tmp_path / "summary.json"
    command = ["oracle", "--annotations", str(annotations), "--long-side", "401", "--json"]
    assert main([*command, str(out), "--images", str(ids)]) == 0
    assert json.loads(out.read_text())["images"] == 2


@pytest.mark.parametrize(("lines", "message"), [("1\n999\n", "image 999"), ("one\n", "ids.txt")])
def test_images_that_are_not_there_are_named(annotations, tmp_path, capsys, lines, message):
    (tmp_path / "ids.txt").write_text(lines)
    files = ["--annotations", str(annotations), "--images", str(tmp_path / "ids.txt")]
    assert main(["oracle", *files]) == 2
    assert message in capsys.readouterr().err


def test_spoil_keeps_what_is_learned_and_nothing_else():
    shape = (1, 50, 50, 1)
    weight = np.zeros(shape, np.float32)
    weight[:, :25] = 1
    arrays = {}
    for name in ("short", "mid", "long"):
        arrays[name] = np.full((*shape, 2), 100, np.float32)
        arrays[f"{name}_weight"] = weight
    spoil(arrays, np.random.default_rng(0), reach_px=10)
    for name in ("short", "mid", "long"):
        kept, lost = arrays[name][:, :25], arrays[name][:, 25:]
        assert abs(kept.mean() - 100) < 0.1
        assert 0.9 < kept.std() < 1.1
        assert np.abs(lost).max() <= 10
        assert lost.std() == pytest.approx(20 / np.sqrt(12), rel=0.05)


def test_the_instance_map_is_resized_by_its_nearest_pixel_and_padded():
    native = np.array([[1, 2, 3], [4, 5, 6]], np.int32)
    found = input_instance_map(native, Frame(scale=2.0, height=2, width=3), stride=4)
    assert found.tolist() == [
        *[[1, 2, 2, 3, 3], [4, 5, 5, 6, 6], [4, 5, 5, 6, 6]],
        *[[0] * 5, [0] * 5],
    ]


def test_pairwise_terms_learned_elsewhere_group_the_people(annotations, tmp_path):
    pytest.importorskip("sklearn", reason="pairwise terms are fitted by scikit-learn")
    other, _ = make_coco(tmp_path, (2, 3, 1, 2), seed=9, first_id=50, write_images=False)
    words = ["--system", "deepercut", "--radius", "10", "--learn-from", str(other)]
    summary = run([annotations], tmp_path, *words, "--garbage", "0")
    assert summary["keypoints"]["AP"] > 0.9
    assert summary["segmentation"] is None


def test_what_is_learned_from_is_not_scored(annotations, capsys):
    files = ["--annotations", str(annotations), "--learn-from", str(annotations)]
    assert main(["oracle", "--system", "deepercut", "--output-stride", "8", *files]) == 2
    assert "image 1 is to be learned from and scored" in capsys.readouterr().err


def test_grouping_needs_terms(annotations, capsys):
    words = ["--system", "deepercut", "--output-stride", "8", "--annotations", str(annotations)]
    assert main(["oracle", *words]) == 2
    assert "needs pairwise terms" in capsys.readouterr().err
