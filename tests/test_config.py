"""Studies: names are resolved, values agree, mistakes are told in one sentence."""

import copy
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from bottomup.config import load_study
from bottomup.errors import InputError
from bottomup.schema import load_schema, read_yaml, validated
from bottomup.skeleton import COCO_PERSON

REPOSITORY = Path(__file__).resolve().parent.parent
CONFIG = REPOSITORY / "config"
STUDIES = sorted(path.name for path in CONFIG.glob("*.yaml") if "study" in read_yaml(path))
FILES = {
    "datasets/drawn": {
        "kind": "synthetic",
        "skeleton": "coco_person",
        "splits": {"train": {"record_shards": 3}, "val": {}},
        "generator": {"images": {"train": 8, "val": 4}},
    },
    "datasets/real": {
        "kind": "coco_mirror",
        "skeleton": "coco_person",
        "files": {"all": {"url": "http://host/all.zip", "bytes": 5, "md5": "0" * 32}},
        "splits": {"train": {"images": "train", "annotations": "train.json", "files": ["all"]}},
    },
    "subsets/every": {"dataset": "drawn"},
    "protocols/plain": {"sides": [257]},
    "experiments/small": {
        "description": "Small.",
        "system": "personlab",
        "backbone": "pixel",
        "output_stride": 8,
        "subset": "every",
        "crop": 257,
        "training": {"steps": 10, "batch": 2},
        "test_on": [{"dataset": "drawn", "split": "val"}],
        "expected": {"keypoints_AP": 0.5},
    },
}
STUDY = {"study": "mine", "experiments": ["small"], "protocols": ["plain"]}


@pytest.fixture
def house(tmp_path):
    """A folder with a small, valid configuration, and the means to change it."""
    return House(tmp_path, copy.deepcopy(FILES))


class House:
    def __init__(self, root, files):
        self.root, self.files = root, files

    def load(self, **study):
        for name, values in self.files.items():
            path = self.root / "config" / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump(values), encoding="utf-8")
        return load_study(STUDY | study, self.root, "config/mine.yaml")

    def refusal(self, **study):
        with pytest.raises(InputError) as refused:
            self.load(**study)
        return str(refused.value)


@pytest.mark.parametrize("name", STUDIES)
def test_shipped_study_loads(name):
    study = load_study(read_yaml(CONFIG / name), REPOSITORY, name)
    assert study.experiments


def test_every_shipped_experiment_is_used_by_a_study():
    named = {name for study in STUDIES for name in read_yaml(CONFIG / study)["experiments"]}
    assert named == {path.stem for path in (CONFIG / "experiments").glob("*.yaml")}


@pytest.mark.parametrize("kind", ["dataset", "subset", "protocol"])
def test_shipped_files_fit_their_schema(kind):
    for path in (CONFIG / f"{kind}s").glob("*.yaml"):
        validated(read_yaml(path), load_schema(kind), path.name)


def test_papers_study_is_the_papers():
    study = read_yaml(CONFIG / "papers.yaml")
    subsets = {name.removeprefix("personlab_resnet101") for name in study["experiments"][:7]}
    assert subsets == {"", *(f"_reduced{percent}" for percent in range(30, 90, 10))}
    assert len(study["experiments"]) == 31
    assert read_yaml(CONFIG / "experiments/personlab_resnet101.yaml")["seeds"] == [0, 1, 2]
    sides = [read_yaml(CONFIG / f"protocols/{name}.yaml")["sides"] for name in study["protocols"]]
    assert [sorted(each) for each in sides] == [[1401], [601, 1201, 1801, 2401], [401]]


def test_the_stages_of_papers_take_as_many_steps_as_their_control():
    study = load_study(read_yaml(CONFIG / "papers.yaml"), REPOSITORY, "papers.yaml")
    chain = study.chain("multiposeseg_resnet152_stage80")
    levels = [stage.subset.recipe["drop"]["percent"] for stage in chain]
    assert levels == [80, 70, 60, 50, 40, 30]
    steps = [stage.settings["training"]["steps"] for stage in chain]
    assert sum(steps) == 1_000_000
    assert max(steps) - min(steps) < 6
    mean = study.ancestors("multiposeseg_resnet152_mean80")
    assert [each.name for each in mean] == [each.name for each in chain[1:]]


def test_the_bias_study_has_its_30_runs():
    study = load_study(read_yaml(CONFIG / "bias_quick.yaml"), REPOSITORY, "bias_quick.yaml")
    runs = [e.name.split("_")[0] for e in study.experiments.values() for _ in e.seeds]
    assert (runs.count("personlab"), runs.count("multiposeseg")) == (21, 9)
    assert all(e.settings["system_options"]["radius_px"] == 10 for e in study.trained.values())


def test_a_study_may_draw_subsets_that_nothing_is_trained_on(house):
    house.files["subsets/thin"] = {"dataset": "drawn", "drop": {"people": 1, "percent": 50}}
    assert list(house.load(subsets=["thin"]).subsets) == ["every", "thin"]
    assert "subsets: no subset is called 'thinn'; did you mean 'thin'?" in house.refusal(
        subsets=["thinn"]
    )


def test_a_comparison_of_unequal_trainings_is_refused(house):
    small = house.files["experiments/small"]
    house.files["subsets/thin"] = {"dataset": "drawn", "drop": {"people": 1, "percent": 50}}
    house.files["subsets/same_number"] = {"dataset": "drawn", "control_of": "thin"}
    house.files["experiments/thinned"] = small | {"subset": "thin"}
    house.files["experiments/control"] = small | {"subset": "same_number"}
    house.files["experiments/longer"] = house.files["experiments/control"] | {
        "training": {"steps": 20, "batch": 2}
    }
    names = ["small", "thinned", "control", "longer"]

    def refusal(control):
        pair = {"experiment": "thinned", "control": control}
        return house.refusal(experiments=names, publish={"comparisons": [pair]})

    assert "are not trained on as many images" in refusal("small")
    assert "see 20 and 40 images in training" in refusal("longer")
    assert "did you mean 'control'?" in refusal("kontrol")
    pair = {"experiment": "thinned", "control": "control"}
    assert house.load(experiments=names, publish={"comparisons": [pair]})


def test_names_lead_to_objects(house):
    study = house.load()
    experiment = study.experiments["small"]
    assert experiment.subset is study.subsets["every"]
    assert experiment.subset.dataset is study.datasets["drawn"]
    assert experiment.test_on[0].dataset is study.datasets["drawn"]
    assert experiment.skeleton is COCO_PERSON
    assert study.datasets["drawn"].splits["train"].record_shards == 3
    assert list(study.protocols) == ["plain"]


def test_defaults_are_filled_in_every_part(house):
    study = house.load()
    settings = study.experiments["small"].settings
    assert settings["training"]["optimizer"] == "adam"
    assert settings["system_options"]["loss_weights"]["mid"] == 0.25
    assert study.protocols["plain"].settings["flip"] is False
    assert study.subsets["every"].recipe == {
        "people": "with_keypoints",
        "keep_empty": True,
        "seed": 0,
        "drop": None,
        "many": 9,
        "least_people": 0,
        "at_most": None,
        "weights": "equal",
        "control_of": None,
    }


def test_a_control_knows_the_recipe_that_it_equals(house):
    house.files["subsets/thin"] = {"dataset": "drawn", "drop": {"people": 1, "percent": 50}}
    house.files["subsets/same_number"] = {"dataset": "drawn", "control_of": "thin"}
    house.files["experiments/small"]["subset"] = "same_number"
    recipe = house.load().subsets["same_number"].recipe
    assert recipe["control_of"]["drop"] == {"people": 1, "percent": 50}
    assert recipe["drop"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"control_of": "thinn"}, "did you mean 'thin'?"),
        ({"control_of": "same_number"}, "goes in a circle, same_number -> same_number"),
        ({"people": "any"}, "people is 'any', and subset 'thin'"),
        ({"keep_empty": False}, "keep_empty is False, and subset 'thin'"),
        ({"split": "val"}, "split is 'val', and subset 'thin'"),
        ({"drop": {"people": 2, "percent": 5}}, "drop is {'people': 2, 'percent': 5} beside"),
        ({"at_most": 5}, "at_most is 5 beside control_of"),
        ({"least_people": 2}, "least_people is 2 beside control_of"),
    ],
)
def test_a_control_that_would_compare_other_things_is_refused(house, change, said):
    house.files["subsets/thin"] = {"dataset": "drawn", "drop": {"people": 1, "percent": 50}}
    house.files["subsets/same_number"] = {"dataset": "drawn", "control_of": "thin"} | change
    house.files["experiments/small"]["subset"] = "same_number"
    refusal = house.refusal()
    assert refusal.startswith("config/subsets/same_number.yaml: ")
    assert said in refusal


@pytest.mark.parametrize(
    "change", [{"description": "Other."}, {"expected": {"keypoints_AP": 0.9}}, {"seeds": [5]}]
)
def test_what_training_does_not_read_is_not_in_its_settings(house, change):
    before = house.load().experiments["small"].settings
    house.files["experiments/small"] |= change
    assert house.load().experiments["small"].settings == before


def test_decoder_takes_the_radius_of_the_experiment(house):
    house.files["experiments/small"]["system_options"] = {"radius_px": 12}
    study = house.load()
    settings = study.experiments["small"].decoder_settings(study.protocols["plain"])
    assert settings == study.protocols["plain"].settings["decoder"] | {"radius_px": 12}


def test_protocol_may_say_another_radius(house):
    house.files["protocols/plain"]["decoder"] = {"radius_px": 9}
    study = house.load()
    decoder = study.experiments["small"].decoder_settings(study.protocols["plain"])
    assert decoder["radius_px"] == 9


def test_study_seeds_replace_the_experiments(house):
    assert house.load().experiments["small"].seeds == (0,)
    assert house.load(seeds=[3, 4]).experiments["small"].seeds == (3, 4)


def test_study_says_where_a_dataset_lies(house):
    dataset = house.load(datasets={"drawn": {"local": "/data"}}).datasets["drawn"]
    assert (dataset.local, dataset.mirror) == ("/data", None)


def test_study_may_take_back_a_mirror(house):
    house.files["datasets/drawn"]["mirror"] = "http://localhost:8000"
    assert house.load(datasets={"drawn": {"mirror": None}}).datasets["drawn"].mirror is None


def test_place_for_an_unused_dataset_is_refused(house):
    said = house.refusal(datasets={"drawm": {"local": "/data"}})
    assert "no dataset is called 'drawm'; did you mean 'drawn'?" in said


def test_study_is_plain_values(house):
    assert yaml.safe_dump(asdict(house.load().experiments["small"])["settings"])


@pytest.mark.parametrize(
    ("file", "at", "wrong", "said"),
    [
        ("experiments/small", "training", "epohcs", "training.epohcs is no known key"),
        ("experiments/small", "augmentation", "flipp", "did you mean 'flip'?"),
        ("experiments/small", "system_options", "radius", "did you mean 'radius_px'?"),
        ("experiments/small", "backbone_options", "feature", "did you mean 'features'?"),
        ("protocols/plain", "decoder", "peek", "decoder.peek is no known key"),
        ("datasets/drawn", "generator", "sead", "did you mean 'seed'?"),
    ],
)
def test_unknown_key_names_file_and_key(house, file, at, wrong, said):
    house.files[file].setdefault(at, {})[wrong] = 1
    refusal = house.refusal()
    assert refusal.startswith(f"config/{file}.yaml: ")
    assert said in refusal


def test_unknown_study_key_names_the_studys_file(house):
    assert house.refusal(protocol=["plain"]).startswith(
        "config/mine.yaml: protocol is no known key; did you mean 'protocols'?"
    )


@pytest.mark.parametrize(
    ("file", "key", "value", "said"),
    [
        ("experiments/small", "system", "personlap", "did you mean 'personlab'?"),
        ("experiments/small", "backbone", "resnet9", "add src/bottomup/backbones/resnet9.py"),
        ("experiments/small", "subset", "evry", "found: every; or write config/subsets/evry.yaml"),
        ("subsets/every", "dataset", "drown", "or write config/datasets/drown.yaml"),
        ("subsets/every", "split", "test", "no split 'test'; use one of train, val"),
        ("datasets/drawn", "skeleton", "coco", "did you mean 'coco_person'?"),
    ],
)
def test_name_that_leads_nowhere_is_told_with_a_remedy(house, file, key, value, said):
    house.files[file][key] = value
    refusal = house.refusal()
    assert refusal.startswith(f"config/{file}.yaml: {key}")
    assert said in refusal


def test_unknown_experiment_lists_those_there_are(house):
    assert house.refusal(experiments=["smal"]) == (
        "config/mine.yaml: experiments: no experiment is called 'smal'; did you mean 'small'? "
        "found: small; or write config/experiments/smal.yaml"
    )


def test_unknown_protocol_lists_those_there_are(house):
    assert "write config/protocols/pyramid.yaml" in house.refusal(protocols=["pyramid"])


@pytest.mark.parametrize("key", ["tables", "figures"])
def test_unknown_publication_names_the_file_to_write(house, key):
    assert "add src/bottomup/publish/none_such.py" in house.refusal(publish={key: ["none_such"]})


def test_test_split_must_exist(house):
    house.files["experiments/small"]["test_on"] = [{"dataset": "drawn", "split": "dev"}]
    assert "test_on[0].split: dataset 'drawn' has no split 'dev'" in house.refusal()


def test_every_crop_of_a_list_must_fit_the_stride(house):
    house.files["experiments/small"]["crop"] = [257, 401]
    assert house.load().experiments["small"].settings["crop"] == [257, 401]
    house.files["experiments/small"]["crop"] = [257, 400]
    assert "crop: 400 is no n * 8 + 1" in house.refusal()


def test_crop_must_fit_the_grid_of_the_backbone(house):
    house.files["experiments/small"] |= {"backbone": "small_unet", "backbone_options": {}}
    house.files["experiments/small"]["crop"] = 265
    assert "crop: 265 is no n * 32 + 1 (the grid of backbone 'small_unet')" in house.refusal()


def test_crop_must_fit_the_stride(house):
    house.files["experiments/small"]["crop"] = 256
    assert house.refusal() == (
        "config/experiments/small.yaml: crop: 256 is no n * 8 + 1 (output_stride); "
        "the nearest are 249 and 257"
    )


def test_sides_must_fit_the_stride_of_the_training(house):
    house.files["protocols/plain"]["sides"] = [257, 260]
    assert "sides: 260 is no n * 8 + 1 (the output stride of experiment 'small')" in house.refusal()


def test_sides_must_fit_the_protocols_own_stride(house):
    house.files["protocols/plain"] = {"sides": [265], "output_stride": 16}
    assert "265 is no n * 16 + 1" in house.refusal()
    house.files["protocols/plain"] = {"sides": [261], "output_stride": 4}
    assert house.load()


def test_scales_must_be_in_order(house):
    house.files["experiments/small"]["augmentation"] = {"scale": [1.5, 0.5]}
    assert "augmentation.scale is [1.5, 0.5]; put the lower factor first" in house.refusal()


@pytest.mark.parametrize("steps", [0, -1, "many", 2.5])
def test_steps_must_be_a_positive_whole_number(house, steps):
    house.files["experiments/small"]["training"]["steps"] = steps
    assert "training.steps is" in house.refusal()


def test_training_and_test_need_keypoints_in_common(house):
    house.files["datasets/other"] = {
        "kind": "synthetic",
        "skeleton": {
            "name": "two",
            "keypoints": ["a", "b"],
            "edges": [["a", "b"]],
            "sigmas": [1, 1],
        },
        "splits": {"val": {}},
        "generator": {"images": {"val": 2}},
    }
    house.files["experiments/small"]["test_on"] = [{"dataset": "other", "split": "val"}]
    assert "('coco_person', 'two') have no keypoint name in common" in house.refusal()


CROWDPOSE = {
    "kind": "crowdpose",
    "skeleton": "crowdpose",
    "splits": {"test": {"images": "images", "annotations": "json/test.json"}},
}


def test_a_test_may_share_some_keypoints_only(house):
    house.files["datasets/placed"] = CROWDPOSE | {"local": "/data/crowdpose"}
    house.files["experiments/small"]["test_on"] = [{"dataset": "placed", "split": "test"}]
    assert house.load().experiments["small"].test_on[0].dataset.skeleton.num_keypoints == 14


def test_a_dataset_that_must_be_placed_says_so(house):
    house.files["datasets/placed"] = CROWDPOSE
    house.files["experiments/small"]["test_on"] = [{"dataset": "placed", "split": "test"}]
    assert "place the dataset as config/datasets/placed.yaml says" in house.refusal()


def test_skeleton_block_is_read(house):
    block = COCO_PERSON.to_dict() | {"name": "mine"}
    house.files["datasets/drawn"]["skeleton"] = block
    assert house.load().experiments["small"].skeleton.to_dict() == block


def test_broken_skeleton_block_names_the_file(house):
    block = COCO_PERSON.to_dict()
    house.files["datasets/drawn"]["skeleton"] = block | {"edges": block["edges"][:-1]}
    assert house.refusal().startswith(
        "config/datasets/drawn.yaml: skeleton 'coco_person': the edges"
    )


@pytest.mark.parametrize("value", ["imagnet", 3, {"path": "x"}])
def test_initial_weights_are_words_or_a_file(house, value):
    house.files["experiments/small"]["initial_weights"] = value
    assert "initial_weights" in house.refusal()


def test_initial_weights_may_be_a_file(house):
    house.files["experiments/small"]["initial_weights"] = {"file": "w.keras"}
    settings = house.load().experiments["small"].settings
    assert settings["initial_weights"] == {"file": "w.keras", "part": "all", "ancestors": "last"}


@pytest.fixture
def chain(house):
    """`last` starts from `small`, which the study does not name."""
    small = house.files["experiments/small"]
    start = {"experiment": "small", "part": "trunk"}
    house.files["experiments/last"] = small | {"initial_weights": start}
    return house


def test_an_experiment_brings_the_one_that_it_starts_from(chain):
    study = chain.load(experiments=["last"])
    assert list(study.experiments) == ["last"]
    assert set(study.trained) == {"small", "last"}
    assert [one.name for one in study.chain("last")] == ["last", "small"]
    assert [one.name for one in study.chain("small")] == ["small"]


def test_who_is_started_from_is_trained_with_the_seeds_of_all_who_ask(chain):
    chain.files["experiments/small"]["seeds"] = [7]
    chain.files["experiments/last"]["seeds"] = [0, 1]
    assert chain.load(experiments=["last"]).trained["small"].seeds == (0, 1)
    both = chain.load(experiments=["small", "last"])
    assert both.trained["small"].seeds == (7, 0, 1)
    assert both.experiments["small"].seeds == (7,)


def test_starts_that_go_in_a_circle_are_refused(chain):
    chain.files["experiments/small"]["initial_weights"] = {"experiment": "last"}
    assert chain.refusal(experiments=["last"]) == (
        "config/experiments/small.yaml: initial_weights.experiment goes in a circle, "
        "last -> small -> last; let one of them start from random or imagenet"
    )


def test_a_start_that_does_not_exist_is_named(chain):
    chain.files["experiments/last"]["initial_weights"] = {"experiment": "smal"}
    said = chain.refusal(experiments=["last"])
    assert said.startswith(
        "config/experiments/last.yaml: initial_weights.experiment: no experiment is called 'smal'; "
        "did you mean 'small'?"
    )


def test_the_ancestors_of_a_chain_are_the_last_or_all(chain):
    small = chain.files["experiments/small"]
    for ancestors, expected in (("last", ["last"]), ("mean", ["last", "small"])):
        start = {"experiment": "last", "part": "all", "ancestors": ancestors}
        chain.files["experiments/later"] = small | {"initial_weights": start}
        study = chain.load(experiments=["later"])
        assert [each.name for each in study.ancestors("later")] == expected
    assert study.ancestors("small") == []


def test_the_mean_of_other_networks_is_refused(chain):
    small = chain.files["experiments/small"]
    chain.files["experiments/small"] = small | {"system_options": {"radius_px": 9}}
    chain.files["experiments/last"]["initial_weights"]["part"] = "trunk"
    start = {"experiment": "last", "part": "all", "ancestors": "mean"}
    chain.files["experiments/later"] = small | {"initial_weights": start}
    with pytest.raises(InputError, match="experiment 'small', which it starts from"):
        chain.load(experiments=["later"])


def test_a_file_has_no_ancestors(house):
    start = {"file": "w.keras", "ancestors": "mean"}
    house.files["experiments/small"]["initial_weights"] = start
    assert "a file has no ancestors" in house.refusal()


@pytest.mark.parametrize("start", [{}, {"part": "all"}, {"experiment": "small", "file": "w.keras"}])
def test_initial_weights_come_from_one_place(chain, start):
    chain.files["experiments/last"]["initial_weights"] = start
    assert "give either experiment or file" in chain.refusal(experiments=["last"])


def test_a_start_must_have_the_same_trunk(chain):
    chain.files["experiments/last"]["backbone_options"] = {"features": 7}
    said = chain.refusal(experiments=["last"])
    assert said.startswith("config/experiments/last.yaml: backbone_options is {'features': 7}, and")
    assert "experiment 'small', which it starts from, has {'features': 64}" in said


def test_a_whole_start_must_have_the_same_heads(chain):
    chain.files["experiments/last"]["system_options"] = {"sub_cells": 2}
    assert chain.load(experiments=["last"]).experiments
    chain.files["experiments/last"]["initial_weights"] = {"experiment": "small"}
    assert chain.refusal(experiments=["last"]).endswith(
        "make them equal, or take its trunk alone (initial_weights.part: trunk)"
    )


def test_archive_needs_a_checksum(house):
    del house.files["datasets/real"]["files"]["all"]["md5"]
    house.files["subsets/every"]["dataset"] = "real"
    assert "files.all has no checksum; give md5 or sha256" in house.refusal()


def test_split_names_listed_archives(house):
    house.files["datasets/real"]["splits"]["train"]["files"] = ["al"]
    house.files["subsets/every"]["dataset"] = "real"
    assert "no file is called 'al'; did you mean 'all'?" in house.refusal()


def test_fetched_split_says_where_its_annotations_are(house):
    house.files["datasets/real"]["splits"]["train"]["annotations"] = None
    house.files["subsets/every"]["dataset"] = "real"
    assert "say where its images and its annotations are" in house.refusal()


def test_drawn_split_needs_a_number_of_images(house):
    house.files["datasets/drawn"]["splits"]["test"] = {}
    assert (
        "splits.test: no split is called 'test'; found: train, val; or say under" in house.refusal()
    )


def test_local_dataset_needs_no_archives(house):
    house.files["datasets/real"]["splits"]["train"]["files"] = []
    house.files["subsets/every"]["dataset"] = "real"
    house.files["experiments/small"]["test_on"] = [{"dataset": "real", "split": "train"}]
    assert "name the archives" in house.refusal()
    assert house.load(datasets={"real": {"local": "/data"}}).datasets["real"].local == "/data"


def test_published_row_must_exist(house):
    house.files["published"] = {"rows": {"personlab": {}}}
    house.files["experiments/small"]["expected"] = {"published": {"plain": "personlap"}}
    said = "expected.published.plain: no row is called 'personlap'; did you mean 'personlab'?"
    assert said in house.refusal()


def test_based_on_changes_what_is_written_and_nothing_else(house):
    house.files["experiments/other"] = {"based_on": "small", "training": {"steps": 99}}
    experiments = house.load(experiments=["small", "other"]).experiments
    settings = copy.deepcopy(experiments["small"].settings)
    settings["training"]["steps"] = 99
    assert experiments["other"].settings == settings
    assert experiments["other"].test_on == experiments["small"].test_on


def test_based_on_inherits_no_expectation(house):
    house.files["experiments/other"] = {"based_on": "small"}
    other = house.load(experiments=["other"]).experiments["other"]
    assert (other.description, other.expected["keypoints_AP"]) == ("", None)


def test_based_on_in_a_circle_is_refused(house):
    house.files["experiments/small"]["based_on"] = "other"
    house.files["experiments/other"] = {"based_on": "small"}
    assert "based_on goes in a circle, small -> other -> small" in house.refusal()


def test_based_on_nothing_is_refused(house):
    house.files["experiments/small"]["based_on"] = "smalll"
    assert "experiments/small.yaml: based_on: no experiment is called 'smalll'" in house.refusal()


def test_inherited_mistake_is_told(house):
    house.files["experiments/small"]["training"]["epohcs"] = 3
    house.files["experiments/other"] = {"based_on": "small"}
    assert "training.epohcs is no known key" in house.refusal(experiments=["other"])


IMPUTED = {
    "kind": "imputed",
    "skeleton": "coco_person",
    "imputation": {"dataset": "drawn", "experiment": "small"},
    "splits": {"train": {}},
}


@pytest.fixture
def imputed_house(house):
    """An experiment `more` that learns from what `small` fills in."""
    house.files["datasets/filled"] = copy.deepcopy(IMPUTED)
    house.files["subsets/filled"] = {"dataset": "filled"}
    house.files["experiments/more"] = house.files["experiments/small"] | {"subset": "filled"}
    return house


def test_an_imputed_dataset_knows_its_run_and_its_origin(imputed_house):
    study = imputed_house.load(experiments=["more"])
    imputation = study.datasets["filled"].imputation
    assert (imputation.experiment.name, imputation.seed) == ("small", 0)
    assert imputation.settings == {
        "largest_area_px": 9216, "least_side_px": 16, "least_score": 0.3,
    }  # fmt: skip
    assert study.datasets["filled"].origin is study.datasets["drawn"]
    assert set(study.trained) == {"more", "small"}
    assert set(study.experiments) == {"more"}


def test_what_filled_in_keypoints_was_learned_from_too(imputed_house):
    study = imputed_house.load(experiments=["more"])
    assert [experiment.name for experiment in study.chain("more")] == ["more", "small"]
    assert [experiment.name for experiment in study.chain("small")] == ["small"]


def test_nothing_is_tested_on_imputed_keypoints(imputed_house):
    test = {"dataset": "filled", "split": "train"}
    imputed_house.files["experiments/more"]["test_on"] = [test]
    said = imputed_house.refusal(experiments=["more"])
    assert "test_on names 'filled', whose keypoints are imputed" in said
    assert "test on 'drawn'" in said


def test_imputation_that_feeds_itself_is_told(imputed_house):
    imputed_house.files["datasets/filled"]["imputation"]["experiment"] = "more"
    assert "imputation goes in a circle, filled -> filled" in imputed_house.refusal(
        experiments=["more"]
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"imputation": None}, "imputation is missing and kind is 'imputed'"),
        ({"kind": "coco_mirror"}, "imputation is given and kind is 'coco_mirror'"),
        ({"skeleton": "crowdpose"}, "that of dataset 'drawn' 'coco_person'; make them equal"),
        ({"splits": {"trian": {}}}, "no split is called 'trian'; did you mean 'train'?"),
        ({"splits": {"train": {"images": "x"}}}, "the files are those of dataset 'drawn'"),
        ({"imputation": {"dataset": "drwn", "experiment": "small"}}, "did you mean 'drawn'?"),
        ({"imputation": {"dataset": "drawn", "experiment": "smal"}}, "did you mean 'small'?"),
        ({"imputation": {"dataset": "drawn"}}, "imputation.experiment"),
    ],
)
def test_a_wrong_imputation_is_told(imputed_house, change, said):
    imputed_house.files["datasets/filled"] |= change
    if change.get("kind"):
        split = {"images": "x", "annotations": "y.json"}
        imputed_house.files["datasets/filled"] |= {"local": "/x", "splits": {"train": split}}
    assert said in imputed_house.refusal(experiments=["more"])
