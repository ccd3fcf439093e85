"""The command `bottomup`: one small function for each subcommand, which imports what it needs."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bottomup.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand; bad input ends in one sentence and exit status 2."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except InputError as error:
        print(f"bottomup {options.command}: {error}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """The parser of all subcommands."""
    top = argparse.ArgumentParser(prog="bottomup", description="Bottom-up pose and person masks.")
    commands = top.add_subparsers(dest="command", required=True)
    add_oracle(commands)
    add_predict(commands)
    add_verify(commands)
    add_bill(commands)
    add_export(commands)
    add_release(commands)
    return top


def subcommand(commands, name: str, run: Callable, **texts: str) -> Callable:
    """Adds a subcommand that `run` carries out; what adds its arguments."""
    command = commands.add_parser(name, **texts)
    command.set_defaults(run=run)
    return command.add_argument


def hush_tensorflow() -> None:
    """Without this, importing TensorFlow prints a page; to be called before it is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def add_oracle(commands) -> None:
    """`bottomup oracle`: the upper bound of representation and decoder."""
    add = subcommand(
        commands,
        "oracle",
        run_oracle,
        help="encode annotations as ideal fields, decode them, score the result",
        description="Encodes COCO annotations as ideal fields with the functions of training, "
        "decodes them with the functions of prediction, and scores the result.",
    )
    add("--annotations", nargs="+", type=Path, required=True, metavar="FILE", help="COCO files")
    add("--images", type=Path, metavar="FILE", help="only these images: one id a line")
    add("--system", default="personlab", help="module in bottomup.systems that encodes")
    add("--long-side", type=int, default=801, metavar="PX", help="n * stride + 1 (801)")
    add("--output-stride", type=int, default=16, metavar="PX", help="px between nodes (16)")
    add("--assembly", choices=("linked", "paper"), default="linked")
    add("--radius", type=float, metavar="PX", help="radius of the disks (the system's own)")
    add("--sub-cells", type=int, default=1, metavar="N", help="mask cells along a node (1)")
    add("--distance", action="store_true", help="a head for the distance to outlines")
    add("--garbage", type=int, metavar="SEED", help="noise where no loss supervises a field")
    others = "COCO files of other images, to learn pairwise terms from (deepercut)"
    add("--learn-from", nargs="+", type=Path, default=(), metavar="FILE", help=others)
    add("--graph", choices=("sparse", "complete"), default="sparse", help="pairs (deepercut)")
    add("--out", type=Path, metavar="DIR", help="folder for the two COCO result files")
    add("--json", type=Path, metavar="OUT", help="file for the summary")


def run_oracle(options: argparse.Namespace) -> None:
    """Scores ideal fields and prints the summary."""
    hush_tensorflow()
    from bottomup import lookup, oracle
    from bottomup.decoding.multicut.settings import MulticutSettings
    from bottomup.decoding.settings import DecoderSettings

    radius_px = options.radius or lookup.load("systems", options.system).Options().radius_px
    settings = oracle.OracleSettings(
        system=options.system,
        long_side=options.long_side,
        output_stride=options.output_stride,
        sub_cells=options.sub_cells,
        distance=options.distance,
        garbage=options.garbage,
        decoder=DecoderSettings(
            assembly=options.assembly,
            radius_px=radius_px,
            multicut=MulticutSettings(graph=options.graph),
        ),
    )
    image_ids = read_ids(options.images) if options.images else None
    summary, keypoints, masks = oracle.run_oracle(
        options.annotations, settings, image_ids=image_ids, learn_from=options.learn_from
    )
    if options.out:
        oracle.write_results(options.out, keypoints, masks)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(summary, indent=2) + "\n")
    print(json.dumps(summary, indent=2))


def read_ids(path: Path) -> list[int]:
    """Image ids, one a line; lines that begin with # are comments.

    Raises:
        InputError: The file cannot be read, or a line is no whole number.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        return [int(line) for line in lines if line.strip() and not line.startswith("#")]
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no list of image ids ({error}); write one id a line") from error


def add_predict(commands) -> None:
    """`bottomup predict`: people on any images by a finished run."""
    add = subcommand(
        commands,
        "predict",
        run_predict,
        help="find the people on images with a trained run",
        description="Finds the people on images with a trained run and writes images.json, "
        "keypoints.json and segmentation.json (COCO results) and a picture of each image.",
    )
    add("--run", dest="run_dir", type=Path, required=True, metavar="RUN_DIR", help="a finished run")
    add(
        "--images",
        nargs="+",
        required=True,
        metavar="PATH",
        help="images, folders of them, or patterns such as 'holiday/**/*.jpg'",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    add("--protocol", metavar="NAME", help="file in config/protocols; by default, one plain look")
    add("--single-person", action="store_true", help="find at most one person on each image")
    add("--cut-outs", action="store_true", help="also cut each person out, on nothing (RGBA)")
    add("--no-pictures", dest="pictures", action="store_false", help="draw no picture of an image")


def run_predict(options: argparse.Namespace) -> None:
    """Writes the results; images that cannot be read are told, and fail the command at the end."""
    hush_tensorflow()
    from bottomup import schema
    from bottomup.predict import Drawings, predict

    protocol = None
    if options.protocol:
        path = Path("config/protocols") / f"{options.protocol}.yaml"
        protocol = schema.validated(schema.read_yaml(path), schema.load_schema("protocol"), path)
    drawn = Drawings(pictures=options.pictures, cut_outs=options.cut_outs)
    unread = predict(
        options.run_dir,
        options.images,
        options.out,
        protocol,
        name=options.protocol,
        drawings=drawn,
        single_person=options.single_person,
    )
    print(f"results in {options.out}")
    if unread:
        raise InputError(f"{len(unread)} images left out: {'; '.join(unread.values())}")


def add_verify(commands) -> None:
    """`bottomup verify`: damaged files, by their checksums."""
    add = subcommand(
        commands,
        "verify",
        run_verify,
        help="compare finished files with their checksums",
        description="Reads all archives, unpacked files, records, weights and result files of a "
        "working folder and names those that no longer bear their checksums.",
    )
    add("--folder", type=Path, default=Path(), metavar="DIR", help="where results/ lies (here)")
    add("--remove", action="store_true", help="delete what is damaged, so that it is made again")


def run_verify(options: argparse.Namespace) -> None:
    """Names damaged files; fails if there are any that stay."""
    from bottomup.sums import damages

    found = list(damages(options.folder))
    for damage in found:
        print(f"{damage.path}: {damage.reason}")
        for path in (damage.path, *damage.stale) if options.remove else ():
            path.unlink(missing_ok=True)
    if found and not options.remove:
        raise InputError(
            f"{len(found)} damaged files; delete them with --remove, and the same snakemake "
            "command makes them again"
        )
    print(f"{len(found)} damaged files removed; run the same snakemake command again"
          if found else "every file bears its checksum")  # fmt: skip


def add_bill(commands) -> None:
    """`bottomup bill`: what a study takes, before it runs."""
    add = subcommand(
        commands,
        "bill",
        run_bill,
        help="jobs, GPU hours, storage and download of a study",
        description="Prints what a study takes if nothing of it is done yet: its jobs and its "
        "download from the config, hours and storage from stated assumptions.",
    )
    add("--config", type=Path, default=Path("config/config.yaml"), metavar="FILE", help="a study")


def run_bill(options: argparse.Namespace) -> None:
    """Prints the bill; the study's files lie beside the one that is given."""
    from bottomup import schema
    from bottomup.bill import bill
    from bottomup.catalogue import publish_modules
    from bottomup.config import load_study

    config = options.config.resolve()
    study = load_study(schema.read_yaml(config), config.parents[1], options.config)
    path = config.parent / "weights.yaml"
    weights = schema.validated(schema.read_yaml(path), schema.load_schema("weights"), path)
    needs = {name: module.needs for name, module in publish_modules().items()}
    print("\n".join(bill(study, needs, weights).lines()))


def add_export(commands) -> None:
    """`bottomup export`: a network that needs none of this code."""
    add = subcommand(
        commands,
        "export",
        run_export,
        help="write a run's network as SavedModel or ONNX",
        description="Writes the network of a run for inputs of one side as a TensorFlow SavedModel "
        "or as ONNX, with fields.json, which says what goes in and what comes out.",
    )
    add("--run", dest="run_dir", type=Path, required=True, metavar="RUN_DIR", help="a finished run")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the network")
    add("--side", type=int, metavar="PX", help="height and width of the input; default: the crop's")
    add("--format", nargs="+", default=["saved_model"], metavar="NAME", help="saved_model, onnx")


def run_export(options: argparse.Namespace) -> None:
    """Writes the network."""
    hush_tensorflow()
    from bottomup.export import export_run

    for path in export_run(options.run_dir, options.out, options.side, options.format):
        print(path)


def add_release(commands) -> None:
    """`bottomup release`: a run as others may use it."""
    add = subcommand(
        commands,
        "release",
        run_release,
        help="gather a run's weights, card, checksums and AP in a folder to give away",
        description="Gathers the weights of a run, its record, a card, the AP to expect and the "
        "sums of all files in a folder that `bottomup predict --run` takes.",
    )
    add("--run", dest="run_dir", type=Path, required=True, metavar="RUN_DIR", help="a tested run")
    add("--out", type=Path, required=True, metavar="DIR", help="a new folder")


def run_release(options: argparse.Namespace) -> None:
    """Writes the folder."""
    from bottomup.release import release_run

    print(release_run(options.run_dir, options.out))


if __name__ == "__main__":
    sys.exit(main())
