"""The command `bottomup`: one small function for each subcommand, which imports what it needs."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
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
    return top


def add_oracle(commands) -> None:
    """`bottomup oracle`: the upper bound of representation and decoder."""
    command = commands.add_parser(
        "oracle",
        help="encode annotations as ideal fields, decode them, score the result",
        description="Encodes COCO annotations as ideal fields with the functions of training, "
        "decodes them with the functions of prediction, and scores the result.",
    )
    add = command.add_argument
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
    command.set_defaults(run=run_oracle)


def run_oracle(options: argparse.Namespace) -> None:
    """Scores ideal fields and prints the summary."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
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
    command = commands.add_parser(
        "predict",
        help="find the people on images with a trained run",
        description="Finds the people on images with a trained run and writes images.json, "
        "keypoints.json and segmentation.json (COCO results) and a picture of each image.",
    )
    add = command.add_argument
    add("--run", dest="run_dir", type=Path, required=True, metavar="RUN_DIR", help="a finished run")
    add("--images", nargs="+", type=Path, required=True, metavar="PATH", help="images or folders")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    add("--protocol", metavar="NAME", help="file in config/protocols; by default, one plain look")
    command.set_defaults(run=run_predict)


def run_predict(options: argparse.Namespace) -> None:
    """Writes the results; images that cannot be read are told, and fail the command at the end."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from bottomup import schema
    from bottomup.predict import predict

    protocol = None
    if options.protocol:
        path = Path("config/protocols") / f"{options.protocol}.yaml"
        protocol = schema.validated(schema.read_yaml(path), schema.load_schema("protocol"), path)
    unread = predict(options.run_dir, options.images, options.out, protocol, options.protocol)
    print(f"results in {options.out}")
    if unread:
        raise InputError(f"{len(unread)} images left out: {'; '.join(unread.values())}")


if __name__ == "__main__":
    sys.exit(main())
