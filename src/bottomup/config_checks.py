"""What a schema cannot say about a config file: names that lead somewhere, values that agree."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bottomup import lookup
from bottomup import skeleton as skeletons
from bottomup.catalogue import publish_modules
from bottomup.errors import InputError
from bottomup.schema import nearest
from bottomup.skeleton import Skeleton

KNOWN_SKELETONS = {
    value.name: value for value in vars(skeletons).values() if isinstance(value, Skeleton)
}


def check_name(
    kind: str, name: str, known: Iterable[str], asked_by: str | Path, remedy: str
) -> None:
    """Refuses a name that leads nowhere, with the nearest name, all names and the remedy."""
    known = list(known)
    if name in known:
        return
    guess = nearest(name, known)
    hint = f"did you mean {guess!r}? " if guess else ""
    listed = ", ".join(known) or "none yet"
    raise InputError(
        f"{asked_by}: no {kind} is called {name!r}; {hint}found: {listed}; or {remedy}"
    )


def check_plug_in(kind: str, name: str, shown: str) -> None:
    """A system or backbone must have its module."""
    remedy = f"add src/bottomup/{kind}s/{name}.py to provide it"
    check_name(kind, name, lookup.names(f"{kind}s"), f"{shown}: {kind}", remedy)


def check_publish(publish: Mapping, source: str | Path) -> None:
    """Every table and figure must have its module, and be what it is listed as."""
    modules = publish_modules().values()
    for key in ("tables", "figures"):
        known = [module.name for module in modules if f"{module.kind}s" == key]
        for name in publish[key]:
            remedy = f"add src/bottomup/publish/{name}.py to provide it"
            check_name(key[:-1], name, known, f"{source}: publish.{key}", remedy)


def check_side(side: int, stride: int, at: str, stride_of: str) -> None:
    """A side in px must be n * stride + 1, so that grid nodes lie on its first and last pixel."""
    if (side - 1) % stride:
        lower = (side - 1) // stride * stride + 1
        raise InputError(
            f"{at}: {side} is no n * {stride} + 1 ({stride_of}); "
            f"the nearest are {lower} and {lower + stride}"
        )


def check_training(values: Mapping, shown: str) -> None:
    """The crops must fit the grid, and the scales must be in order."""
    crops = values["crop"] if isinstance(values["crop"], list) else [values["crop"]]
    for crop in crops:
        check_side(crop, values["output_stride"], f"{shown}: crop", "output_stride")
    low, high = values["augmentation"]["scale"]
    if low > high:
        raise InputError(
            f"{shown}: augmentation.scale is [{low}, {high}]; put the lower factor first"
        )
    check_learning_rates(values["training"], shown)


def check_learning_rates(schedule: Mapping, shown: str) -> None:
    """A table of learning rates goes up in steps, and is given where it is asked for."""
    ends = [row["until"] for row in schedule["learning_rates"]]
    if schedule["schedule"] == "table" and not ends:
        raise InputError(
            f"{shown}: training.schedule is 'table' and training.learning_rates is empty; give "
            "rows of until and factor"
        )
    if ends != sorted(set(ends)):
        raise InputError(
            f"{shown}: training.learning_rates end at the steps {ends}; put them in order, each "
            "once"
        )


def check_start(initial: str | Mapping, shown: str) -> None:
    """Initial weights come from one place."""
    if isinstance(initial, Mapping) and len({"experiment", "file"} & set(initial)) != 1:
        raise InputError(
            f"{shown}: initial_weights names {' and '.join(sorted(initial)) or 'nothing'}; "
            "give either experiment or file"
        )


def check_same_network(values: Mapping, start: Mapping, shown: str) -> None:
    """An experiment and the one that it starts from have the same trunk, or the same network."""
    initial = values["initial_weights"]
    keys = ["backbone", "backbone_options"]
    keys += ["system", "system_options"] if initial["part"] == "all" else []
    for key in keys:
        if values[key] != start[key]:
            remedy = "make them equal"
            if key.startswith("system"):
                remedy += ", or take its trunk alone (initial_weights.part: trunk)"
            raise InputError(
                f"{shown}: {key} is {values[key]!r}, and experiment {initial['experiment']!r}, "
                f"which it starts from, has {start[key]!r}; {remedy}"
            )


def read_skeleton(value: str | Mapping, shown: str) -> Skeleton:
    """A skeleton by name or from a block."""
    if isinstance(value, Mapping):
        try:
            return Skeleton.from_dict(value)
        except InputError as error:
            raise InputError(f"{shown}: {error}") from error
    remedy = "give a block with name, keypoints, edges and sigmas"
    check_name("skeleton", value, KNOWN_SKELETONS, f"{shown}: skeleton", remedy)
    return KNOWN_SKELETONS[value]


def check_sources(values: Mapping, shown: str) -> None:
    """Every split of a dataset must come from somewhere."""
    for name, entry in values["files"].items():
        if not ("md5" in entry or "sha256" in entry):
            raise InputError(f"{shown}: files.{name} has no checksum; give md5 or sha256")
    for name, split in values["splits"].items():
        at = f"{shown}: splits.{name}"
        for file in split["files"]:
            check_name("file", file, values["files"], f"{at}.files", "list it under files")
        if values["kind"] == "synthetic":
            counts = values["generator"]["images"]
            remedy = "say under generator.images how many to draw"
            check_name("split", name, counts, at, remedy)
        elif not (split["images"] and split["annotations"]):
            raise InputError(f"{at}: say where its images and its annotations are")
        elif not split["files"] and values["local"] is None:
            remedy = "name the archives that hold the split"
            if values["kind"] != "coco_mirror":
                remedy = f"place the dataset as {shown} says, and name its folder as `local`"
            raise InputError(f"{at}.files is empty; {remedy}")
