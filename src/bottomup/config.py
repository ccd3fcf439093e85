"""Reads a study and all that it names from validated YAML.

`load_study` resolves names to `config/{experiments,protocols,subsets,datasets}/<name>.yaml`. The
computing modules never import this one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bottomup.config_checks import (
    check_comparisons,
    check_control,
    check_imputation_key,
    check_imputed,
    check_name,
    check_no_circle,
    check_plug_in,
    check_publish,
    check_same_network,
    check_side,
    check_skeletons,
    check_sources,
    check_start,
    check_tests,
    check_training,
    read_skeleton,
    training_of,
)
from bottomup.errors import InputError
from bottomup.schema import load_schema, overlaid, read_yaml, validated
from bottomup.study import (
    Dataset,
    DatasetSplit,
    Experiment,
    Imputation,
    Protocol,
    Split,
    Study,
    Subset,
)

NOT_INHERITED = ("based_on", "description", "expected")


def load_study(config: Mapping, root: Path, source: str | Path = "the study") -> Study:
    """Read a study and every file that it names.

    Args:
        config: The study's own keys, for example Snakemake's merged config.
        root: The folder that holds `config/`.
        source: Name of the study's file, for errors.

    Raises:
        InputError: A key, a name or a combination is wrong; one sentence says which and what to do.
    """
    return _Reader(Path(root), source).study(config)


@dataclass
class _Reader:
    """Reads each file once."""

    root: Path
    source: str | Path
    overrides: dict = field(default_factory=dict)
    test_on: list[dict] | None = None
    subsets: dict[str, Subset] = field(default_factory=dict)
    datasets: dict[str, Dataset] = field(default_factory=dict)
    trained: dict[str, Experiment] = field(default_factory=dict)
    imputing: list[str] = field(default_factory=list)

    def study(self, config: Mapping) -> Study:
        values = validated(config, load_schema("study"), self.source)
        self.overrides, self.test_on = values["datasets"], values["test_on"]
        protocols = {
            name: self.protocol(name, f"{self.source}: protocols") for name in values["protocols"]
        }
        experiments = {
            name: self.experiment(name, values["seeds"], f"{self.source}: experiments")
            for name in values["experiments"]
        }
        for experiment in experiments.values():
            for protocol in protocols.values():
                self.check_sides(experiment, protocol)
        check_publish(values["publish"], self.source)
        trainings = {name: training_of(self.trained, name) for name in experiments}
        check_comparisons(values["publish"]["comparisons"], trainings, self.source)
        drawn = [self.subset(name, f"{self.source}: subsets") for name in values["subsets"]]
        self.check_overrides()
        return Study(
            name=values["study"],
            description=values["description"],
            experiments=experiments,
            trained=dict(self.trained),
            protocols=protocols,
            subsets={x.name: x for x in [*(e.subset for e in self.trained.values()), *drawn]},
            datasets=dict(self.datasets),
            publish=values["publish"],
            compute=values["compute"],
        )

    def read(self, kind: str, name: str, asked_by: str) -> tuple[dict, str]:
        """The values of `config/<kind>s/<name>.yaml` with defaults, and the file's name."""
        shown = f"config/{kind}s/{name}.yaml"
        values = self.raw(kind, name, asked_by)
        if kind == "experiment":
            values = self.with_base(values, shown, (name,))
        return validated(values, load_schema(kind), shown), shown

    def raw(self, kind: str, name: str, asked_by: str) -> dict:
        folder = self.root / "config" / f"{kind}s"
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        check_name(kind, name, known, asked_by, f"write config/{kind}s/{name}.yaml")
        return read_yaml(folder / f"{name}.yaml")

    def with_base(self, values: dict, shown: str, seen: tuple[str, ...]) -> dict:
        """The values on top of those of the experiment that `based_on` names."""
        base = values.get("based_on")
        if base is None:
            return values
        if base in seen:
            raise InputError(f"{shown}: based_on goes in a circle, {' -> '.join((*seen, base))}")
        below = self.raw("experiment", str(base), f"{shown}: based_on")
        below = self.with_base(below, f"config/experiments/{base}.yaml", (*seen, base))
        below = {key: value for key, value in below.items() if key not in NOT_INHERITED}
        return overlaid(below, values)

    def protocol(self, name: str, asked_by: str) -> Protocol:
        values, _ = self.read("protocol", name, asked_by)
        return Protocol(name, settings=values, description=values.pop("description"))

    def experiment(
        self, name: str, seeds: Sequence[int] | None, asked_by: str, later: tuple[str, ...] = ()
    ) -> Experiment:
        """An experiment and, before it, the one that it starts from.

        Args:
            name: Its name.
            seeds: The study's seeds, in place of its own.
            asked_by: Where it is named, for errors.
            later: The experiments that start from it, the last one first.
        """
        values, shown = self.read("experiment", name, asked_by)
        for kind in ("system", "backbone"):
            check_plug_in(kind, values[kind], shown)
            at = f"{kind}_options"
            schema = load_schema(f"{kind}s/{values[kind]}")
            values[at] = validated(values[at], schema, shown, at)
        check_training(values, shown)
        check_start(values["initial_weights"], shown)
        subset = self.subset(values.pop("subset"), f"{shown}: subset")
        tests = self.test_on or values["test_on"]
        tested_by = f"{self.source if self.test_on else shown}: test_on"
        experiment = Experiment(
            name=name,
            system=values["system"],
            backbone=values["backbone"],
            output_stride=values["output_stride"],
            subset=subset,
            seeds=tuple(seeds or values["seeds"]),
            test_on=tuple(self.split(entry, f"{tested_by}[{k}].") for k, entry in enumerate(tests)),
            expected=values.pop("expected"),
            resources=values.pop("resources"),
            description=values.pop("description"),
            settings={k: v for k, v in values.items() if k not in ("seeds", "based_on", "test_on")},
        )
        check_skeletons(experiment, shown)
        check_tests(experiment, shown)
        self.check_published(experiment.expected["published"], shown)
        self.check_start(experiment, shown, (*later, name))
        # What another starts from, or is imputed by, is trained with the seeds of all who ask.
        earlier = self.trained[name].seeds if name in self.trained else ()
        seeds_of_all = tuple(dict.fromkeys((*earlier, *experiment.seeds)))
        self.trained[name] = replace(experiment, seeds=seeds_of_all)
        return experiment

    def check_start(self, experiment: Experiment, shown: str, later: tuple) -> None:
        """Reads the experiment that this one starts from, which must fit it."""
        start = experiment.starts_from
        if start is None:
            return
        at = f"{shown}: initial_weights.experiment"
        if start in later:
            raise InputError(
                f"{at} goes in a circle, {' -> '.join((*later, start))}; "
                "let one of them start from random or imagenet"
            )
        ancestor = self.experiment(start, experiment.seeds, at, later)
        check_same_network(experiment.settings, ancestor.settings, start, shown)
        if experiment.settings["initial_weights"]["ancestors"] == "mean":
            while (start := ancestor.starts_from) is not None:
                ancestor = self.trained[start]
                check_same_network(experiment.settings, ancestor.settings, start, shown)

    def subset(self, name: str, asked_by: str, controls: tuple[str, ...] = ()) -> Subset:
        """A subset; `controls` are the subsets that are to be controls of it."""
        if name not in self.subsets:
            values, shown = self.read("subset", name, asked_by)
            where = {"dataset": values.pop("dataset"), "split": values.pop("split")}
            source = self.split(where, f"{shown}: ")
            description = values.pop("description")
            if values["control_of"] is not None:
                at = f"{shown}: control_of"
                check_no_circle((*controls, name), values["control_of"], at)
                other = self.subset(values["control_of"], at, (*controls, name))
                there = {"dataset": other.dataset.name, "split": other.split}
                check_control(values | where, other.recipe | there, other.name, shown)
                values["control_of"] = other.recipe
            self.subsets[name] = Subset(name, source.dataset, source.split, values, description)
        return self.subsets[name]

    def split(self, entry: Mapping, asked_by: str) -> DatasetSplit:
        dataset = self.dataset(entry["dataset"], f"{asked_by}dataset")
        if entry["split"] not in dataset.splits:
            raise InputError(
                f"{asked_by}split: dataset {dataset.name!r} has no split {entry['split']!r}; "
                f"use one of {', '.join(dataset.splits)}, or add it to "
                f"config/datasets/{dataset.name}.yaml"
            )
        return DatasetSplit(dataset, entry["split"])

    def dataset(self, name: str, asked_by: str) -> Dataset:
        if name not in self.datasets:
            values, shown = self.read("dataset", name, asked_by)
            schema = load_schema(f"datasets/{values['kind']}")
            values["generator"] = validated(values["generator"], schema, shown, "generator")
            schema = load_schema(f"conversions/{values['kind']}")
            values["conversion"] = validated(values["conversion"], schema, shown, "conversion")
            values["skeleton"] = read_skeleton(values["skeleton"], shown)
            values |= self.overrides.get(name, {})
            check_sources(values, shown)
            values["imputation"] = self.imputation(name, values, shown)
            values["splits"] = read_splits(values)
            self.datasets[name] = Dataset(name=name, **values)
        return self.datasets[name]

    def imputation(self, name: str, values: Mapping, shown: str) -> Imputation | None:
        """What fills in the keypoints of a dataset, if something does."""
        settings = values["imputation"]
        if values["kind"] != "imputed" or settings is None:
            check_imputation_key(values, shown)
            return None
        if name in self.imputing:
            raise InputError(
                f"{shown}: imputation goes in a circle, {' -> '.join((*self.imputing, name))}; "
                "impute by an experiment that is trained on other data"
            )
        self.imputing.append(name)
        source = self.dataset(settings["dataset"], f"{shown}: imputation.dataset")
        at = f"{shown}: imputation.experiment"
        experiment = self.experiment(settings["experiment"], [settings["seed"]], at)
        self.imputing.pop()
        check_imputed(values, source, experiment, shown)
        how = {k: v for k, v in settings.items() if k not in ("dataset", "experiment", "seed")}
        return Imputation(source, experiment, settings["seed"], how)

    def check_sides(self, experiment: Experiment, protocol: Protocol) -> None:
        stride = protocol.settings["output_stride"] or experiment.output_stride
        for side in protocol.settings["sides"]:
            at = f"config/protocols/{protocol.name}.yaml: sides"
            check_side(side, stride, at, f"the output stride of experiment {experiment.name!r}")

    def check_published(self, rows: Mapping, shown: str) -> None:
        path = self.root / "config" / "published.yaml"
        known = read_yaml(path).get("rows", {}) if rows else ()
        for protocol, row in rows.items():
            at = f"{shown}: expected.published.{protocol}"
            check_name("row", row, known, at, "add it to config/published.yaml")

    def check_overrides(self) -> None:
        for name in self.overrides:
            remedy = "leave it out, since no experiment of the study uses it"
            check_name("dataset", name, self.datasets, f"{self.source}: datasets", remedy)


def read_splits(values: Mapping) -> dict[str, Split]:
    """The splits of a dataset, by name."""
    return {
        name: Split(name=name, **(split | {"files": tuple(split["files"])}))
        for name, split in values["splits"].items()
    }
