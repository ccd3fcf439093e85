"""Checksums of finished files, and the search for files that no longer bear theirs."""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bottomup.errors import InputError
from bottomup.files import written_aside
from bottomup.provenance import file_digest, file_sha256

REMEDY = "delete it, and the same command makes it again"
UNREADABLE = "damaged (no JSON)"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Damage:
    """A file that is not as it was written.

    Attributes:
        path: The file.
        reason: What is wrong, in words.
        stale: Files that must go with it, so that Snakemake makes them again.
    """

    path: Path
    reason: str
    stale: tuple[Path, ...] = ()


def write_sums(paths: Iterable[Path | str], out_path: Path | str) -> None:
    """Writes the sha256 of files by their names."""
    with written_aside(out_path) as aside:
        aside.write_text(json.dumps({Path(p).name: file_sha256(p) for p in paths}, indent=1))


def check_sums(paths: Sequence[Path | str], sums_path: Path | str) -> None:
    """Compares files with the sums written beside them.

    Raises:
        InputError: One is not as it was written.
    """
    sums = json.loads(Path(sums_path).read_text(encoding="utf-8"))
    for path in map(Path, paths):
        reason = _difference(path, sums[path.name])
        if reason:
            raise InputError(f"{path}: {reason}; {REMEDY}")


def damages(folder: Path | str = ".") -> Iterator[Damage]:
    """All damaged files of a working folder: archives, unpacked files, records, weights, results.

    Files that are not there are no damage: what is missing is made again anyway.
    """
    folder = Path(folder)
    yield from _archives(folder / "resources")
    yield from _unpacked(folder / "resources" / "datasets")
    yield from _records(folder / "results" / "records")
    yield from _weights(folder / "results" / "runs")
    yield from _results(folder / "results" / "runs")


def _archives(resources: Path) -> Iterator[Damage]:
    for mark, entry in _notes((resources / "datasets").glob("*/[!.]*.unpacked")):
        if entry is None:
            yield Damage(mark, UNREADABLE)
            continue
        archive = resources / "archives" / mark.parent.name / entry["url"].rsplit("/", 1)[-1]
        for kind in ("sha256", "md5"):
            if entry.get(kind) and archive.exists():
                found = file_digest(archive, kind)
                if found != entry[kind].lower():
                    yield Damage(archive, f"damaged ({kind} {found}, promised {entry[kind]})")
                    break


def _unpacked(datasets: Path) -> Iterator[Damage]:
    for note, members in _notes(datasets.glob("*/.unpacked/*.json")):
        if members is None:
            yield Damage(note, UNREADABLE)
            continue
        dataset = note.parents[1]
        stale = (note, *dataset.glob("[!.]*.unpacked"))
        for name, (_, promised) in members.items():
            path = dataset / name
            if path.exists() and (found := _crc(path)) != promised:
                yield Damage(path, f"damaged (CRC {found:08x}, was {promised:08x})", stale)


def _records(folder: Path) -> Iterator[Damage]:
    for listing, noted in _notes(folder.glob("*/*.json")):
        shard = listing.with_suffix(".tfrecord")
        if noted is None:
            yield Damage(listing, UNREADABLE)
        elif shard.exists():
            reason = _difference(shard, noted["sha256"])
            if reason:
                yield Damage(shard, reason, (listing,))


def _weights(folder: Path) -> Iterator[Damage]:
    for record, noted in _notes(folder.glob("*/seed-*/run.json")):
        if noted is None:
            yield Damage(record, UNREADABLE)
            continue
        for written, promised in noted["outputs"].items():
            path = record.with_name(Path(written).name)
            reason = _difference(path, promised) if path.exists() else None
            if reason:
                yield Damage(path, reason)


def _results(folder: Path) -> Iterator[Damage]:
    for sums, noted in _notes(folder.glob("*/seed-*/*/*/sums.json")):
        if noted is None:
            yield Damage(sums, UNREADABLE)
            continue
        for name, promised in noted.items():
            path = sums.with_name(name)
            reason = _difference(path, promised) if path.exists() else None
            if reason:
                yield Damage(path, reason)


def _notes(paths: Iterable[Path]) -> Iterator[tuple[Path, dict | None]]:
    """What each note says; None for one that is damaged itself."""
    for path in sorted(paths):
        try:
            yield path, json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            yield path, None


def _difference(path: Path, promised: str) -> str | None:
    found = file_sha256(path)
    return None if found == promised else f"damaged (sha256 {found}, was {promised})"


def _crc(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            value = zlib.crc32(piece, value)
    return value
