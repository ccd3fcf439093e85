"""Release folders: whole, checked, usable."""

import hashlib
import json

import pytest

from bottomup.errors import InputError
from bottomup.release import release_run
from networks import NETWORK, save_run, small_network

METRICS = (
    "experiment,seed,dataset,split,protocol,task,stratum,metric,value,low,high,n\n"
    "tiny,0,toy,val,single,keypoints,all,AP,0.51234,0.5,0.53,40\n"
    "tiny,0,toy,val,single,keypoints,people=1,AP,0.7,0.6,0.8,10\n"
    "tiny,0,toy,val,single,segmentation,all,AP,0.4,,,40\n"
)


@pytest.fixture
def run_dir(tmp_path):
    """A tested run."""
    folder = tmp_path / "run"
    (folder / "toy-val" / "single").mkdir(parents=True)
    (folder / "toy-val" / "single" / "metrics.csv").write_text(METRICS)
    save_run(small_network(), folder)
    weights = hashlib.sha256((folder / "weights.keras").read_bytes()).hexdigest()
    settings = {
        **{key: NETWORK[key] for key in ("system", "backbone", "output_stride")},
        **{"system_options": NETWORK["system_options"], "crop": 65},
        **{"initial_weights": "random", "training": {"batch": 4}},
    }
    record = {
        **{"network": NETWORK, "settings": settings, "images": 20, "steps": 6},
        **{"git": {"commit": "abc", "dirty": False}},
        "outputs": {"results/runs/tiny/seed-0/weights.keras": weights},
    }
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def test_a_release_holds_weights_card_sums_and_the_ap_to_expect(run_dir, tmp_path):
    out = release_run(run_dir, tmp_path / "release")
    names = {path.name for path in out.iterdir()}
    assert names == {"weights.keras", "run.json", "expected.json", "card.md", "sha256sums.txt"}
    for line in (out / "sha256sums.txt").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    first, second = json.loads((out / "expected.json").read_text())
    assert (first["task"], first["AP"], first["low"], first["persons"]) == (
        *("keypoints", 0.5123, 0.5, 40),
    )
    assert (second["AP"], second["low"]) == (0.4, None)
    card = (out / "card.md").read_text()
    assert "# tiny, seed 0" in card
    assert "| toy val | single | keypoints | 0.512 | 0.500 to 0.530 | 40 |" in card


def test_weights_that_were_changed_are_refused(run_dir, tmp_path):
    with (run_dir / "weights.keras").open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match=r"weights\.keras: damaged"):
        release_run(run_dir, tmp_path / "release")
    assert not (tmp_path / "release").exists()


def test_a_run_that_was_not_tested_is_refused(run_dir, tmp_path):
    (run_dir / "toy-val" / "single" / "metrics.csv").unlink()
    with pytest.raises(InputError, match="test the run first"):
        release_run(run_dir, tmp_path / "release")


def test_nothing_is_overwritten(run_dir, tmp_path):
    with pytest.raises(InputError, match="is not empty"):
        release_run(run_dir, run_dir)
