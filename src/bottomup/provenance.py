"""Where a result comes from: the digest of the code that makes it, and the record of a run.

The digest covers the syntax trees, without comments and docstrings, of a script and of every
module of `bottomup` that it imports, directly or not. Plug-ins are looked up by name while a
program runs, so no import names them: whoever asks for a digest names those in use. `config`,
`study`, `schema`, `catalogue`, `devices`, `device_claims`, `job`, `locks`, `interruption`,
`finished`, `summaries`, `training_pictures` and this module decide what is run, on what, when and
what is seen of it, never what it computes, and are left out.
"""

import ast
import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[1]
EXCLUDED = frozenset(
    f"bottomup.{name}"
    for name in (
        *("catalogue", "config", "device_claims", "devices", "job", "provenance", "schema"),
        "study",
        *("finished", "interruption", "locks", "summaries", "training_pictures"),
    )
)
PACKAGES = (
    *("numpy", "tensorflow", "jax", "keras", "numba", "pycocotools", "scikit-image", "snakemake"),
)
OTHER_NAMES = {"tensorflow": "tensorflow-cpu"}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_digest(script: Path | str, plug_ins: Sequence[str] = (), source: Path = SOURCE) -> str:
    """Digest of everything that a script computes with.

    Args:
        script: A Python file.
        plug_ins: Full names of modules that the script looks up while it runs.
        source: The folder that holds the package `bottomup`.

    Returns:
        sha256, hexadecimal; comments, docstrings and blank lines do not change it.
    """
    digest = hashlib.sha256(_tree_dump(Path(script).read_text(encoding="utf-8")).encode())
    for module in closure(script, plug_ins, source):
        text = _module_file(module, source).read_text(encoding="utf-8")
        digest.update(f"\n{module}\n{_tree_dump(text)}".encode())
    return digest.hexdigest()


def values_digest(*values: Any) -> str:
    """sha256 of plain values, hexadecimal; the order of a mapping's keys does not change it."""
    return hashlib.sha256(repr([_ordered(value) for value in values]).encode()).hexdigest()


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return sorted((key, _ordered(inner)) for key, inner in value.items())
    return [_ordered(inner) for inner in value] if isinstance(value, list | tuple) else value


def closure(
    script: Path | str, plug_ins: Sequence[str] = (), source: Path = SOURCE
) -> tuple[str, ...]:
    """Names of the modules of `bottomup` that a script and its plug-ins import, sorted."""
    found: set[str] = set()
    waiting = {*plug_ins, *imports_of(Path(script), "__main__", source)}
    while waiting:
        module = waiting.pop()
        if module in found or module in EXCLUDED:
            continue
        found.add(module)
        waiting |= imports_of(_module_file(module, source), module, source)
    return tuple(sorted(found))


def imports_of(path: Path, module: str, source: Path = SOURCE) -> frozenset[str]:
    """Names of the modules of `bottomup` that one file imports, with their parent packages."""
    return _imports(path.read_text(encoding="utf-8"), module, path.stem == "__init__", source)


@cache
def _imports(text: str, module: str, is_package: bool, source: Path) -> frozenset[str]:
    named: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, is_package)
            named |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    named |= {parent for name in named for parent in _parents(name)}
    ours = {name for name in named if name.split(".")[0] == "bottomup"}
    return frozenset(name for name in ours if _module_file(name, source))


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    up = node.level - is_package
    package = module.split(".")[: len(module.split(".")) - up]
    return ".".join([*package, *([node.module] if node.module else [])])


def _parents(name: str) -> Iterable[str]:
    words = name.split(".")
    return (".".join(words[:end]) for end in range(1, len(words)))


def _module_file(module: str, source: Path) -> Path | None:
    base = source.joinpath(*module.split("."))
    files = (base / "__init__.py", base.with_name(f"{base.name}.py"))
    return next((file for file in files if file.is_file()), None)


@cache
def _tree_dump(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


def file_sha256(path: Path | str) -> str:
    """sha256 of a file, hexadecimal."""
    return file_digest(path, "sha256")


def file_digest(path: Path | str, kind: str) -> str:
    """`sha256` or `md5` of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(kind, usedforsecurity=False)
        ).hexdigest()


def run_record(
    inputs: Iterable[Path | str] = (),
    outputs: Iterable[Path | str] = (),
    seeds: Mapping[str, int] | None = None,
    device: str | Mapping | None = None,
) -> dict:
    """What a result depends on, as plain values for JSON.

    Args:
        inputs: Files that were read.
        outputs: Files that were made.
        seeds: Seeds by what they decide.
        device: What computed, by name or in words.

    Returns:
        Versions of Python and of the packages that compute (null where absent), the commit and
        whether the work tree differed from it (null outside git), platform, device, seeds, and
        sha256 of every input and output by path.
    """
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "git": git_state(SOURCE),
        "platform": platform.platform(),
        "device": device or platform.processor() or platform.machine(),
        "seeds": dict(seeds or {}),
        "inputs": {str(path): file_sha256(path) for path in inputs},
        "outputs": {str(path): file_sha256(path) for path in outputs},
    }


def git_state(folder: Path | str) -> dict[str, Any]:
    """The commit of a work tree and whether it has changes; nulls where there is no git.

    A container has no work tree; what it was built from is in its variable BOTTOMUP_COMMIT.
    """
    commit = _git(folder, "rev-parse", "HEAD") or os.environ.get("BOTTOMUP_COMMIT") or None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def _git(folder: Path | str, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return _version(OTHER_NAMES[package]) if package in OTHER_NAMES else None
