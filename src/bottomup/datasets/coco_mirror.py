"""Fetches the archives of a published dataset, from its host or from a mirror, and unpacks them.

Nothing is used before its checksum is right, nothing half-done bears its final name, and what is
already there and right is left alone. A broken transfer goes on where it stopped, also in a later
run: the bytes so far lie beside the target in `<name>.part`.
"""

import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import requests
from tqdm import tqdm

from bottomup.datasets.archives import require_space, unpack_archive
from bottomup.errors import InputError
from bottomup.files import named
from bottomup.provenance import file_digest

__all__ = ["download_file", "unpack_archive"]

CHUNK_BYTES = 1 << 18
TIMEOUT_SECONDS = (15, 60)  # to connect, between two pieces
ATTEMPTS = 6  # in a row without a new byte
FIRST_PAUSE_SECONDS = 1.0  # doubles with every attempt
SUMS = ("sha256", "md5")


class Interrupted(Exception):
    """A transfer ended early for a reason that may pass."""


def download_file(
    entry: Mapping, target: str | Path, mirror: str | None = None, progress: bool = True
) -> None:
    """Fetches one archive, unless it is there and right.

    Args:
        entry: `url`, `md5` or `sha256` (or both), and `bytes` where the size is known.
        target: Where to put it.
        mirror: Replaces scheme and host of the url: an http or https address, or a folder that
            holds the archive under the url's path.
        progress: Whether to show a progress bar on standard error.

    Raises:
        InputError: No sum is given, the disk is too full, the archive is not to be had, or what
            comes is not what was promised. Nothing then lies at `target` that was not there before.
    """
    target = Path(target)
    if not any(entry.get(kind) for kind in SUMS):
        raise InputError(
            f"{entry['url']}: no md5 or sha256 is given; state one in the dataset file"
        )
    if target.is_file() and is_right(target, entry):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    source = mirrored(entry["url"], mirror)
    began_earlier = part.exists()
    _fetch(source, part, entry.get("bytes"), progress)
    if began_earlier and not is_right(part, entry):
        # The earlier bytes may be of another version of the file.
        part.unlink()
        _fetch(source, part, entry.get("bytes"), progress)
    if not is_right(part, entry):
        found, promised = _described(part, entry)
        part.unlink()
        raise InputError(
            f"{source}: came with {found} instead of {promised}; fetch it again, "
            "try another mirror, or correct the dataset file"
        )
    part.replace(target)


def mirrored(url: str, mirror: str | None) -> str | Path:
    """The address to fetch from, or the path if the mirror is a folder.

    Raises:
        InputError: The address is of another kind than http or https.
    """
    path = urlsplit(url).path
    if mirror is not None and "://" not in mirror:
        return Path(mirror).expanduser() / unquote(path).lstrip("/")
    address = url if mirror is None else mirror.rstrip("/") + path
    if urlsplit(address).scheme not in ("http", "https"):
        raise InputError(
            f"{address}: cannot be fetched from; give an http or https address or a folder"
        )
    return address


def is_right(path: Path, entry: Mapping) -> bool:
    """Whether a file has the size and the sums of the entry."""
    if entry.get("bytes") is not None and path.stat().st_size != entry["bytes"]:
        return False
    return all(file_digest(path, kind) == entry[kind].lower() for kind in SUMS if entry.get(kind))


def _described(path: Path, entry: Mapping) -> tuple[str, str]:
    """What the file is and what it should be, in words."""
    kinds = [kind for kind in SUMS if entry.get(kind)]
    found = [f"{kind} {file_digest(path, kind)}" for kind in kinds]
    promised = [f"{kind} {entry[kind].lower()}" for kind in kinds]
    if entry.get("bytes") is not None:
        found.append(f"{path.stat().st_size} bytes")
        promised.append(f"{entry['bytes']} bytes")
    return ", ".join(found), ", ".join(promised)


def _refuse_size(source: str | Path, found: int | None, promised: int | None) -> None:
    if None not in (found, promised) and found != promised:
        raise InputError(
            f"{source}: is {found:,} bytes there instead of {promised:,}; "
            "try another mirror, or correct the dataset file"
        )


def _fetch(source: str | Path, part: Path, size: int | None, progress: bool) -> None:
    if size is not None:
        require_space(part.parent, size - _length(part), source)
    if isinstance(source, Path):
        _copy(source, part, size, progress)
        return
    failures = 0
    while True:
        before = _length(part)
        try:
            _transfer(source, part, size, progress)
            return
        except Interrupted as error:
            failures = 1 if _length(part) > before else failures + 1
            if failures == ATTEMPTS:
                raise InputError(
                    f"{source}: {error}, {ATTEMPTS} times in a row; look after the connection or "
                    f"try a mirror, and run again to go on after {_length(part):,} bytes"
                ) from error
            time.sleep(FIRST_PAUSE_SECONDS * 2 ** (failures - 1))


def _copy(source: Path, part: Path, size: int | None, progress: bool) -> None:
    if not source.is_file():
        raise InputError(f"{source}: is missing; put the archive there or choose another mirror")
    found = source.stat().st_size
    _refuse_size(source, found, size)
    require_space(part.parent, found - _length(part), source)
    with source.open("rb") as file, named(part), part.open("wb") as out:
        _pour(iter(lambda: file.read(CHUNK_BYTES), b""), out, found, progress)


def _transfer(address: str, part: Path, size: int | None, progress: bool) -> None:
    """One request: appends to the part what is missing of it, or starts it anew."""
    start = _length(part)
    if start and start == size:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        with requests.get(address, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as reply:
            start, total = _start_and_total(reply, part, start)
            _refuse_size(address, total, size)
            expected = total if size is None else size
            if expected is not None:
                require_space(part.parent, expected - start, address)
            with named(part), part.open("ab" if start else "wb") as out:
                _pour(reply.iter_content(CHUNK_BYTES), out, expected, progress, start)
    except (
        requests.ConnectionError,
        requests.Timeout,
        requests.exceptions.ChunkedEncodingError,
    ) as error:
        raise Interrupted(f"the transfer broke off ({type(error).__name__})") from error
    except requests.RequestException as error:
        raise InputError(f"{address}: cannot be fetched ({error}); correct the address") from error
    if expected is not None and _length(part) < expected:
        raise Interrupted("the transfer ended early")


def _start_and_total(reply: requests.Response, part: Path, asked: int) -> tuple[int, int | None]:
    """Where the reply's first byte belongs (zero if the server ignores ranges), and the full size.

    Raises:
        Interrupted: The server is busy, or cannot go on from the part, which is then removed.
        InputError: The server has no such file.
    """
    status = reply.status_code
    if status == 416 or (status == 206 and _range_start(reply) != asked):
        part.unlink(missing_ok=True)
        raise Interrupted("the server cannot go on from the bytes that were there")
    if status in (408, 425, 429) or status >= 500:
        raise Interrupted(f"the server answers {status} {reply.reason}")
    if status not in (200, 206):
        raise InputError(
            f"{reply.url}: the server answers {status} {reply.reason}; "
            "correct the address or try another mirror"
        )
    start = asked if status == 206 else 0
    length = reply.headers.get("Content-Length", "")
    return start, start + int(length) if length.isdigit() else None


def _range_start(reply: requests.Response) -> int | None:
    text = reply.headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
    return int(text) if text.isdigit() else None


def _pour(
    pieces: Iterable[bytes], out: BinaryIO, total: int | None, progress: bool, start: int = 0
) -> None:
    """Writes the pieces, but not much more than was promised."""
    with tqdm(
        total=total,
        initial=start,
        desc=Path(out.name).stem,
        disable=not progress,
        unit="B",
        unit_scale=True,
        mininterval=1 if sys.stderr.isatty() else 10,
    ) as bar:
        for piece in pieces:
            out.write(piece)
            bar.update(len(piece))
            start += len(piece)
            if total is not None and start > total:
                return


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
