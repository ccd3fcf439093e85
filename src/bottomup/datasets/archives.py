"""Unpacks zip archives: nothing outside the folder, nothing half-done, nothing twice."""

import json
import shutil
import stat
import sys
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from bottomup.errors import InputError
from bottomup.files import named, written_aside

CHUNK_BYTES = 1 << 18
DEFLATE_RATIO = 1032  # the most that zip's compression can achieve
OWN_FILES = ".unpack"
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError)


def unpack_archive(archive: str | Path, folder: str | Path, progress: bool = True) -> None:
    """Unpacks a zip archive into a folder, unless it is unpacked there and whole.

    The files go to a scratch folder first and are renamed when the last one is written; what was
    unpacked is noted in `.unpacked/<archive>.json`. Files of the same names are replaced.

    Raises:
        InputError: The archive is broken, holds links or names that lead out of the folder, or
            needs more room than there is. Nothing in the folder has then changed.
    """
    archive, folder = Path(archive), Path(folder)
    if not archive.is_file():
        raise InputError(f"{archive}: is missing; fetch it first")
    try:
        with zipfile.ZipFile(archive) as content:
            members = checked_members(content, archive)
            _unpack(content, members, archive, folder, progress)
    except BROKEN as error:
        raise InputError(f"{archive}: is a broken archive ({error}); fetch it again") from error


def _unpack(
    content: zipfile.ZipFile,
    members: list[zipfile.ZipInfo],
    archive: Path,
    folder: Path,
    progress: bool,
) -> None:
    note = folder / f"{OWN_FILES}ed" / f"{archive.name}.json"
    listing = {member.filename: [member.file_size, member.CRC] for member in members}
    if is_unpacked(note, listing, folder):
        return
    folder.mkdir(parents=True, exist_ok=True)
    require_space(folder, sum(member.file_size for member in members), archive)
    _refuse_links_in_folder(listing, folder)
    scratch = folder / f"{OWN_FILES}ing-{archive.name}"
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        interval = 1 if sys.stderr.isatty() else 10
        for member in tqdm(members, archive.name, disable=not progress, mininterval=interval):
            _extract(content, member, scratch / member.filename)
        _move(scratch, folder)
        with written_aside(note) as aside:
            aside.write_text(json.dumps(listing), encoding="utf-8")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def checked_members(content: zipfile.ZipFile, archive: Path) -> list[zipfile.ZipInfo]:
    """The files of an archive that is safe to unpack.

    Raises:
        InputError: A name is absolute, leads upwards or is taken twice, an entry is a link or
            encrypted, or the sizes cannot be true.
    """
    members = []
    taken: set[PurePosixPath] = set()
    for member in content.infolist():
        problem = _member_problem(member)
        path = PurePosixPath(member.filename)
        if not problem and not member.is_dir():
            problem = "is there twice" if path in taken else None
            taken.add(path)
            members.append(member)
        if problem:
            raise InputError(f"{archive}: entry {member.orig_filename!r} {problem}; do not use it")
    if not members:
        raise InputError(f"{archive}: holds no file; fetch it again")
    for parent in {parent for path in taken for parent in path.parents}:
        if parent in taken:
            raise InputError(
                f"{archive}: entry {str(parent)!r} is both file and folder; do not use it"
            )
    declared = sum(member.file_size for member in members)
    if declared > DEFLATE_RATIO * archive.stat().st_size:
        raise InputError(
            f"{archive}: claims to hold {declared:,} bytes, which its size cannot; do not use it"
        )
    return members


def _member_problem(member: zipfile.ZipInfo) -> str | None:
    name = member.orig_filename
    parts = PurePosixPath(name).parts
    kind = stat.S_IFMT(member.external_attr >> 16)
    if not parts or any(character in name for character in "\0\\:"):
        return "has a name that is not portable"
    if name.startswith("/") or ".." in parts:
        return "leads out of the folder"
    if parts[0].startswith(OWN_FILES):
        return "has a name that is kept for notes on unpacking"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if member.header_offset < 0:
        return "lies before the beginning of the archive"
    if member.flag_bits & 1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed by an unusual method"
    return None


def is_unpacked(note: Path, listing: Mapping[str, list[int]], folder: Path) -> bool:
    """Whether the note tells of the same files, and all are there at their sizes."""
    try:
        if json.loads(note.read_text(encoding="utf-8")) != listing:
            return False
        return all((folder / name).stat().st_size == size for name, (size, _) in listing.items())
    except (OSError, ValueError):
        return False


def _refuse_links_in_folder(names: Iterable[str], folder: Path) -> None:
    for parent in {parent for name in names for parent in PurePosixPath(name).parents}:
        if (folder / parent).is_symlink() and parent.parts:
            raise InputError(
                f"{folder / parent}: is a link, which unpacking would follow; remove it, or name "
                "the linked dataset as 'local'"
            )


def _extract(content: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    size = sum_so_far = 0
    with content.open(member) as file, named(path), path.open("xb") as out:
        while piece := file.read(CHUNK_BYTES):
            out.write(piece)
            size += len(piece)
            sum_so_far = zlib.crc32(piece, sum_so_far)
    if (size, sum_so_far) != (member.file_size, member.CRC):
        raise zipfile.BadZipFile(f"{member.filename} is not what the archive's directory says")


def _move(scratch: Path, folder: Path) -> None:
    """Renames what is in the scratch folder; folders that exist already are filled up."""
    for path in sorted(scratch.iterdir()):
        try:
            path.rename(folder / path.name)
        except OSError:
            if not path.is_dir():
                raise
            (folder / path.name).mkdir(exist_ok=True)
            _move(path, folder / path.name)


def require_space(folder: Path, needed: int, what: object) -> None:
    """Raises InputError if fewer than `needed` bytes are free where `folder` lies."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{what}: needs {needed:,} bytes, but {folder} has {free:,} bytes free; "
            "make room or choose another disk"
        )
