"""The pins, the conda environments made of them, and the set-up of `.venv`."""

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parent.parent
REQUIREMENTS = REPOSITORY / "requirements"
ROLES = ("cpu", "gpu", "gpu_jax", "dev")
ENVIRONMENTS = sorted((REPOSITORY / "envs").glob("*.yaml"))
TESTED = re.search(r'^TESTED="(.*)"$', (REQUIREMENTS / "set_up.sh").read_text(), re.M)[1].split()
SCRIPT = importlib.util.spec_from_file_location(
    "write_environments", REPOSITORY / "envs" / "write_environments.py"
)
write_environments = importlib.util.module_from_spec(SCRIPT)
SCRIPT.loader.exec_module(write_environments)


def pinned(role):
    """Requirement and the number of its hashes, from requirements/<role>.txt."""
    text = (REQUIREMENTS / f"{role}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    return [(Requirement(e.split("\\")[0].strip()), e.count("--hash=sha256:")) for e in entries]


def asked(role):
    lines = (REQUIREMENTS / f"{role}.in").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def dependencies(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]


@pytest.mark.parametrize("role", ROLES)
def test_every_pin_is_exact_and_hashed(role):
    for requirement, hashes in pinned(role):
        assert re.fullmatch(r"==[^*]+", str(requirement.specifier)), requirement
        assert hashes >= 1, requirement


@pytest.mark.parametrize("role", ROLES)
def test_pins_name_no_address(role):
    assert "://" not in (REQUIREMENTS / f"{role}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("role", ROLES)
def test_everything_asked_for_is_pinned(role):
    names = {canonicalize_name(requirement.name) for requirement, _ in pinned(role)}
    assert {canonicalize_name(requirement.name) for requirement in asked(role)} <= names


@pytest.mark.parametrize("role", ["gpu", "gpu_jax", "dev"])
def test_roles_agree_on_versions(role):
    base = {(r.name, str(r.specifier)) for r, _ in pinned("cpu")}
    names = {name for name, _ in base}
    assert {(r.name, str(r.specifier)) for r, _ in pinned(role) if r.name in names} <= base


def test_both_backends_are_tested_at_the_versions_of_the_gpu():
    versions = {role: {r.name: str(r.specifier) for r, _ in pinned(role)} for role in ROLES}
    for name in ("jax", "jaxlib"):
        assert versions["gpu_jax"][name] == versions["dev"][name]
    assert versions["gpu"]["tensorflow"] == versions["cpu"]["tensorflow-cpu"]


@pytest.mark.parametrize(("role", "other"), [("gpu", "jax"), ("gpu_jax", "tensorflow")])
def test_a_gpu_environment_has_the_cuda_wheels_of_one_backend(role, other):
    names = {requirement.name for requirement, _ in pinned(role)}
    assert {"nvidia-cudnn-cu12", "nvidia-cublas-cu12"} <= names
    on_linux = {"sys_platform": "linux", "platform_machine": "x86_64"}
    installed = {r.name for r, _ in pinned(role) if not r.marker or r.marker.evaluate(on_linux)}
    assert other not in installed  # on the GPU; JAX's environment reads records with tensorflow-cpu


def test_every_import_is_asked_for():
    files = [*(REPOSITORY / "src").rglob("*.py"), *(REPOSITORY / "workflow").rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    modules = {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
    modules |= {n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module}
    roots = {module.split(".")[0] for module in modules} - sys.stdlib_module_names - {"bottomup"}
    wanted = [*asked("cpu"), *asked("gpu_jax")]  # JAX is imported where it is the backend
    names = {canonicalize_name(requirement.name) for requirement in wanted}
    known = packages_distributions()
    missing = [r for r in roots if not names & {canonicalize_name(d) for d in known.get(r, [r])}]
    assert not missing, "add it to requirements/cpu.in and run `make pins`"


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_holds_exactly_the_pins(path):
    lines = next(entry["pip"] for entry in dependencies(path) if isinstance(entry, dict))
    assert [Requirement(line) for line in lines] == [r for r, _ in pinned(path.stem)]


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_is_written_by_make_pins(path):
    assert path.read_text(encoding="utf-8") == write_environments.environment(path.stem)


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_takes_python_and_pip_from_conda_forge(path):
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(values) == {"channels", "dependencies"}
    assert values["channels"] == ["conda-forge", "nodefaults"]
    specs = [entry for entry in dependencies(path) if isinstance(entry, str)]
    assert [spec.split()[0] for spec in specs] == ["python", "pip"]
    assert specs[0].split("=")[1] in TESTED


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_conda_reads_the_specs(path):
    rattler = pytest.importorskip("rattler", reason="py-rattler, conda's parser, is not installed")
    for entry in dependencies(path):
        if isinstance(entry, str):
            assert rattler.MatchSpec(entry, strict=True).version


def test_declared_python_versions_are_the_tested():
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.11,<3.14"' in text
    assert TESTED == ["3.11", "3.12", "3.13"]


@pytest.fixture
def checkout(tmp_path):
    """A folder with the set-up and its pins, and Pythons that only say their version."""
    shutil.copytree(REQUIREMENTS, tmp_path / "requirements")
    return tmp_path


def pretended_python(path, version):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'#!/bin/sh\n[ "$1" = -m ] && echo "$*" >>{path.parent}/calls\n'
        f'case "$2" in *version_info*) echo {version};; esac\n'
    )
    path.chmod(0o755)
    return path


def set_up(checkout, python, **environment):
    return subprocess.run(
        ["sh", "requirements/set_up.sh"],
        cwd=checkout,
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(python)} | environment,
        capture_output=True,
        text=True,
    )


def test_untested_python_is_refused_with_the_tested_versions(checkout):
    done = set_up(checkout, pretended_python(checkout / "python3.10", "3.10"))
    assert done.returncode == 1
    assert "tested with Python 3.11 3.12 3.13" in done.stderr
    assert "is 3.10" in done.stderr
    assert not (checkout / ".venv").exists()


def test_missing_python_is_refused(checkout):
    done = set_up(checkout, "/none/python")
    assert done.returncode == 1
    assert "/none/python here is not found" in done.stderr


def test_set_up_is_done_once(checkout):
    python = pretended_python(checkout / ".venv/bin/python", "3.11")
    assert "set-up 2/3" in set_up(checkout, python).stdout
    assert "--require-hashes" in (checkout / ".venv/bin/calls").read_text()
    again = set_up(checkout, python)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_changed_pins_are_installed(checkout):
    python = pretended_python(checkout / ".venv/bin/python", "3.11")
    set_up(checkout, python)
    with (checkout / "requirements/cpu.txt").open("a") as file:
        file.write("# changed\n")
    assert "set-up 2/3" in set_up(checkout, python).stdout


def test_moved_checkout_is_made_anew(checkout):
    python = pretended_python(checkout / "python", "3.11")
    pretended_python(checkout / ".venv/bin/python", "3.11")
    (checkout / ".venv/pins.cksum").write_text("1 2 cpu /elsewhere\n")
    assert "set-up 1/3" in set_up(checkout, python).stdout


def test_failed_installation_is_not_taken_for_done(checkout):
    python = pretended_python(checkout / ".venv/bin/python", "3.11")
    python.write_text(python.read_text() + '[ "$3" = install ] && exit 1\nexit 0\n')
    assert set_up(checkout, python).returncode != 0
    assert not (checkout / ".venv/pins.cksum").exists()


def test_role_lasts_until_told_otherwise(checkout):
    python = pretended_python(checkout / "python", "3.11")
    pretended_python(checkout / ".venv/bin/python", "3.11")
    assert "for the gpu" in set_up(checkout, python, ROLE="gpu").stdout
    assert "requirements/gpu.txt" in (checkout / ".venv/bin/calls").read_text()
    assert set_up(checkout, python).stdout == ""
    assert "for the gpu_jax" in set_up(checkout, python, ROLE="gpu_jax").stdout
    assert "requirements/gpu_jax.txt" in (checkout / ".venv/bin/calls").read_text()
    assert set_up(checkout, python).stdout == ""
    assert "set-up 1/3" in set_up(checkout, python, ROLE="cpu").stdout


def instructions(path):
    """Instructions of a container file with their arguments, continued lines joined."""
    lines = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8")).splitlines()
    return [line.split(None, 1) for line in lines if line and not line.startswith("#")]


def test_the_container_installs_the_pins_and_copies_what_exists():
    found = instructions(REPOSITORY / "Containerfile")
    known = {"FROM", "ARG", "ENV", "RUN", "WORKDIR", "COPY", "VOLUME", "ENTRYPOINT", "CMD"}
    assert {word for word, _ in found} <= known
    assert [word for word, _ in found].count("FROM") == 1
    base = next(rest for word, rest in found if word == "FROM")
    assert re.search(r"python:(\d+\.\d+)-slim", base)[1] in TESTED
    copied = [rest.split()[0] for word, rest in found if word == "COPY"]
    assert all((REPOSITORY / name).exists() for name in copied)
    runs = " ".join(rest for word, rest in found if word == "RUN")
    assert 'pip install --no-deps --require-hashes -r "requirements/${ROLE}.txt"' in runs
    for word, rest in found:
        if word in ("ENTRYPOINT", "CMD"):
            assert isinstance(ast.literal_eval(rest), list)


def test_what_a_container_does_not_need_stays_out():
    ignored = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".venv", ".git", "resources", "results/*"} <= set(ignored)
