"""A study and all that it names, as plain frozen classes.

Rules read them; the computing modules get plain values (`settings`, `recipe`) and never import this
one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bottomup.skeleton import Skeleton

# Kinds of datasets whose annotations are COCO files as they are, or made by a rule of their own.
UNCONVERTED = ("coco_mirror", "synthetic", "imputed")


@dataclass(frozen=True)
class Split:
    """A part of a dataset; `images` and `annotations` lie inside the unpacked dataset.

    `take` cuts it from the annotations; with a `server_name` its annotations are not public.
    """

    name: str
    images: str | None
    annotations: str | None
    files: tuple[str, ...]
    record_shards: int
    test_shards: int
    take: dict | None
    server_name: str | None


@dataclass(frozen=True)
class Dataset:
    """Where annotated images come from; description, homepage and licence are for people."""

    name: str
    kind: str
    skeleton: Skeleton
    splits: dict[str, Split]
    files: dict[str, dict]
    generator: dict
    conversion: dict
    mirror: str | None
    local: str | None
    description: str
    homepage: str
    licence: str
    imputation: "Imputation | None" = None

    @property
    def is_converted(self) -> bool:
        """Whether its annotations are in a format of their own."""
        return self.kind not in UNCONVERTED

    @property
    def origin(self) -> "Dataset":
        """The dataset whose images these are."""
        return self.imputation.source.origin if self.imputation else self


@dataclass(frozen=True)
class Imputation:
    """The run that fills in keypoints of a dataset; `settings` is what `imputation` reads."""

    source: Dataset
    experiment: "Experiment"
    seed: int
    settings: dict


@dataclass(frozen=True)
class DatasetSplit:
    """One split of one dataset, as named by an experiment."""

    dataset: Dataset
    split: str


@dataclass(frozen=True)
class Subset:
    """A recipe for the images of one split; `recipe` is what `subsets.draw_subset` reads."""

    name: str
    dataset: Dataset
    split: str
    recipe: dict
    description: str


@dataclass(frozen=True)
class Protocol:
    """A way of testing; `settings` is what inference and decoding read."""

    name: str
    settings: dict
    description: str


@dataclass(frozen=True)
class Experiment:
    """One model; `settings` is what training reads, so nothing else can cause a training."""

    name: str
    system: str
    backbone: str
    output_stride: int
    settings: dict
    subset: Subset
    seeds: tuple[int, ...]
    test_on: tuple[DatasetSplit, ...]
    expected: dict
    resources: dict
    description: str

    @property
    def skeleton(self) -> Skeleton:
        return self.subset.dataset.skeleton

    @property
    def groups_by_multicut(self) -> bool:
        """Whether its people are candidates grouped by pairwise terms; there are then no masks."""
        return "pairwise_statistics" in self.settings["system_options"]

    @property
    def starts_from(self) -> str | None:
        """Name of the experiment whose weights training starts from."""
        initial = self.settings["initial_weights"]
        return initial.get("experiment") if isinstance(initial, Mapping) else None

    def published_trunk(self, weights: Mapping[str, Mapping]) -> str | None:
        """Which of the weights of `config/weights.yaml` its trunk starts from, if one of them."""
        if self.settings["initial_weights"] != "imagenet":
            return None
        keys = ("backbone", "backbone_options")
        found = (
            name
            for name, entry in weights.items()
            if all(entry[key] == self.settings[key] for key in keys)
        )
        return next(found, None)

    def gives_masks(self, protocol: Protocol) -> bool:
        """Whether tests by the protocol give masks; a multicut never does."""
        return protocol.settings["decoder"]["masks"] and not self.groups_by_multicut

    def decoder_settings(self, protocol: Protocol) -> dict:
        """The protocol's decoder settings; what it leaves to the experiment is filled in."""
        settings = protocol.settings["decoder"]
        trained = self.settings["system_options"].get("radius_px")
        return settings | {"radius_px": settings["radius_px"] or trained}


@dataclass(frozen=True)
class Study:
    """One config file with everything that it names, by name.

    `experiments` are tested and published; `trained` are those and the ones that they start from.
    """

    name: str
    description: str
    experiments: dict[str, Experiment]
    trained: dict[str, Experiment]
    protocols: dict[str, Protocol]
    subsets: dict[str, Subset]
    datasets: dict[str, Dataset]
    publish: dict
    compute: dict

    def chain(self, experiment: str) -> list[Experiment]:
        """An experiment, and all whose runs it learns from, itself or by way of another.

        These are the one that it starts from, and the one that filled in keypoints of its dataset.
        """
        found, names = [], [experiment]
        while names:
            found.append(self.trained[names.pop(0)])
            imputation = found[-1].subset.dataset.imputation
            names += [found[-1].starts_from] if found[-1].starts_from else []
            names += [imputation.experiment.name] if imputation else []
        return found

    def ancestors(self, experiment: str) -> list[Experiment]:
        """The experiments whose weights an experiment starts from, the nearest one first."""
        found, name = [], self.trained[experiment].starts_from
        initial = self.trained[experiment].settings["initial_weights"]
        while name is not None and (not found or initial["ancestors"] == "mean"):
            found.append(self.trained[name])
            name = found[-1].starts_from
        return found

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(self.publish["tables"])

    @property
    def figures(self) -> tuple[str, ...]:
        return tuple(self.publish["figures"])
