"""What a schema cannot say about a config file: names that lead somewhere, values that agree."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bottomup import lookup
from bottomup import skeleton as skeletons
from bottomup.catalogue import publish_modules
from bottomup.crops import crop_sides
from bottomup.errors import InputError
from bottomup.schema import load_schema, nearest
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
    step, of = crop_step(values)
    for crop in crop_sides(values):
        check_side(crop, step, f"{shown}: crop", of)
    low, high = values["augmentation"]["scale"]
    if low > high:
        raise InputError(
            f"{shown}: augmentation.scale is [{low}, {high}]; put the lower factor first"
        )
    check_learning_rates(values["training"], shown)


def crop_step(values: Mapping) -> tuple[int, str]:
    """What crops are n times of, plus 1, and what asks for it; as `network.input_stride`.

    Schemas say it for systems whose heads double the trunk's grid (`x-upsampling`) and for trunks
    that need a grid of their own (`x-grid`).
    """
    upsampling = load_schema(f"systems/{values['system']}").get("x-upsampling", 1)
    grid = load_schema(f"backbones/{values['backbone']}").get("x-grid")
    if grid is not None:
        return grid, f"the grid of backbone {values['backbone']!r}"
    stride = values["output_stride"] * upsampling
    return stride, "output_stride" if upsampling == 1 else f"{upsampling} * output_stride"


def check_learning_rates(schedule: Mapping, shown: str) -> None:
    """A table of learning rates goes up in steps, and is given where it is asked for."""
    if schedule["schedule"] == "table" and schedule["warmup_share"]:
        raise InputError(
            f"{shown}: training.warmup_share is given beside the schedule 'table'; write the "
            "warm-up as rows of learning_rates"
        )
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
    if isinstance(initial, Mapping) and "file" in initial and initial["ancestors"] == "mean":
        raise InputError(
            f"{shown}: initial_weights names a file, and ancestors: mean; a file has no ancestors, "
            "so leave that out or name an experiment"
        )


def check_same_network(values: Mapping, start: Mapping, name: str, shown: str) -> None:
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
                f"{shown}: {key} is {values[key]!r}, and experiment {name!r}, "
                f"which it starts from, has {start[key]!r}; {remedy}"
            )


def check_no_circle(asking: tuple[str, ...], control_of: str, at: str) -> None:
    """A subset is the control of another one, never of itself."""
    if control_of in asking:
        raise InputError(
            f"{at} goes in a circle, {' -> '.join((*asking, control_of))}; "
            "name a subset that is no control"
        )


def check_control(values: Mapping, other: Mapping, name: str, shown: str) -> None:
    """A control draws from what the subset of that name draws from, and by nothing else."""
    for key, default in (("drop", None), ("at_most", None), ("least_people", 0)):
        if values[key] != default:
            raise InputError(
                f"{shown}: {key} is {values[key]!r} beside control_of; leave it out, since a "
                "control is drawn from all images alike"
            )
    for key in ("dataset", "split", "people", "keep_empty"):
        if values[key] != other[key]:
            raise InputError(
                f"{shown}: {key} is {values[key]!r}, and subset {name!r}, which it is the control "
                f"of, has {other[key]!r}; make them equal"
            )


def training_of(trained: Mapping, name: str) -> dict:
    """What both sides of a comparison must be equal in: images, and how many are seen in training.

    Args:
        trained: The study's experiments and those that they start from, by name.
        name: One of them; the stages before it count as well.
    """
    subset, seen, start = trained[name].subset, 0, name
    while start is not None:
        schedule = trained[start].settings["training"]
        seen += schedule["steps"] * schedule["batch"]
        start = trained[start].starts_from
    drawn_from = (subset.dataset.name, subset.split)
    return {"recipe": subset.recipe, "drawn_from": drawn_from, "images_seen": seen}


def check_comparisons(pairs: Iterable[Mapping], trainings: Mapping, source: str | Path) -> None:
    """Experiment and control must have learned from as many images, in as many steps.

    Args:
        pairs: Each with the names of an `experiment` and its `control`.
        trainings: `training_of` every experiment of the study, by name.
        source: The study's file.
    """
    for number, pair in enumerate(pairs):
        at = f"{source}: publish.comparisons[{number}]"
        for who in ("experiment", "control"):
            remedy = "leave the comparison out"
            check_name("experiment", pair[who], trainings, f"{at}.{who}", remedy)
        ours, control = trainings[pair["experiment"]], trainings[pair["control"]]
        names = f"{pair['experiment']!r} and its control {pair['control']!r}"
        same_number = ours["recipe"] in (control["recipe"], control["recipe"]["control_of"])
        if ours["drawn_from"] != control["drawn_from"] or not same_number:
            raise InputError(
                f"{at}: {names} are not trained on as many images; give the control a subset with "
                "control_of, or the same subset"
            )
        if ours["images_seen"] != control["images_seen"]:
            raise InputError(
                f"{at}: {names} see {ours['images_seen']} and {control['images_seen']} images in "
                "training, all stages together; give both as many steps of one batch"
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


def check_imputation_key(values: Mapping, shown: str) -> None:
    """Kind and block belong together."""
    if (values["kind"] == "imputed") != (values["imputation"] is not None):
        raise InputError(
            f"{shown}: imputation is {'missing' if values['kind'] == 'imputed' else 'given'} and "
            f"kind is {values['kind']!r}; `kind: imputed` and the block go together"
        )


def check_imputed(values: Mapping, source, experiment, shown: str) -> None:
    """An imputed dataset has the keypoints and splits of the one that it completes.

    The imputing experiment must find something that the dataset annotates.
    """
    if not source.skeleton.shared_with(experiment.skeleton):
        raise InputError(
            f"{shown}: imputation.experiment: {experiment.name!r} finds no keypoint of dataset "
            f"{source.name!r}; choose an experiment that shares keypoints with it"
        )
    if values["skeleton"] != source.skeleton:
        raise InputError(
            f"{shown}: skeleton is {values['skeleton'].name!r}, and that of dataset "
            f"{source.name!r} {source.skeleton.name!r}; make them equal"
        )
    for name, split in values["splits"].items():
        remedy = f"impute a split of config/datasets/{source.name}.yaml"
        check_name("split", name, source.splits, f"{shown}: splits", remedy)
        for key in ("images", "annotations", "files"):
            if split[key]:
                raise InputError(
                    f"{shown}: splits.{name}.{key}: the files are those of dataset "
                    f"{source.name!r}; remove the key"
                )


def check_part(split: Mapping, kind: str, at: str) -> None:
    """A part has images, and is cut from annotations that were fetched as they are."""
    take = split["take"]
    if take is None:
        return
    if kind != "coco_mirror":
        raise InputError(f"{at}.take: only splits of kind coco_mirror have parts, not {kind!r}")
    if take["from_percent"] >= take["to_percent"]:
        raise InputError(
            f"{at}.take goes from {take['from_percent']} to {take['to_percent']} per cent; "
            "put the lower number first"
        )


def check_sources(values: Mapping, shown: str) -> None:
    """Every split of a dataset must come from somewhere."""
    for name, entry in values["files"].items():
        if not ("md5" in entry or "sha256" in entry):
            raise InputError(f"{shown}: files.{name} has no checksum; give md5 or sha256")
    if values["kind"] == "imputed":
        return
    for name, split in values["splits"].items():
        at = f"{shown}: splits.{name}"
        check_part(split, values["kind"], at)
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


def check_tests(experiment, shown: str) -> None:
    """Nothing is tested on keypoints that a network filled in."""
    for test in experiment.test_on:
        if test.dataset.imputation:
            raise InputError(
                f"{shown}: test_on names {test.dataset.name!r}, whose keypoints are imputed in "
                f"part; test on {test.dataset.origin.name!r}"
            )


def check_skeletons(experiment, shown: str) -> None:
    """What is trained on and what is tested on must have keypoints in common."""
    for other in experiment.test_on:
        if not other.dataset.skeleton.shared_with(experiment.skeleton):
            raise InputError(
                f"{shown}: trains on dataset {experiment.subset.dataset.name!r} and tests on "
                f"{other.dataset.name!r}, whose skeletons ({experiment.skeleton.name!r}, "
                f"{other.dataset.skeleton.name!r}) have no keypoint name in common; "
                "choose datasets that share keypoints"
            )
