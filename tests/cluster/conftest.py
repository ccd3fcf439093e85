"""What the failure stories share: the account of faults, a cluster, and a study ready to train.

Each story says which fault it injects, shows that the fault happened, and states what was lost. The
account stands in the last lines of the run.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from loopback_slurm import Cluster, why_not
from training_story import TrainingStory

ACCOUNT = pytest.StashKey[list]()


@dataclass
class Fault:
    """One fault: what it was, what shows that it happened, what the user was told, what is lost."""

    name: str
    evidence: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    lost: int = 0
    survived: bool = False

    def happened(self, is_so: object, evidence: str) -> None:
        """Asserts that the fault really happened."""
        assert is_so, f"{self.name}: the fault did not happen: no {evidence}"
        self.evidence.append(evidence)

    def told(self, pattern: str, text: str) -> None:
        """Asserts that the user was told so, and keeps the sentence."""
        found = re.search(pattern, text)
        assert found, f"{self.name}: nothing like {pattern!r} in:\n{text[-6000:]}"
        self.said.append(found[0])


class Account:
    """All faults of a run of the tests."""

    def __init__(self, faults: list[Fault]):
        self.faults = faults

    @contextmanager
    def fault(self, name: str) -> Iterator[Fault]:
        """A fault that is injected in the block and survived if the block ends well."""
        fault = Fault(name)
        self.faults.append(fault)
        yield fault
        assert fault.evidence, f"{name}: nothing shows that the fault happened"
        fault.survived = not fault.lost


def pytest_configure(config) -> None:
    config.stash[ACCOUNT] = []


@pytest.fixture
def account(request) -> Account:
    return Account(request.config.stash[ACCOUNT])


def pytest_terminal_summary(terminalreporter, config) -> None:
    """The last lines of the run."""
    faults = config.stash.get(ACCOUNT, [])
    if not faults:
        return
    write = terminalreporter.write_line
    terminalreporter.section("failure stories")
    for fault in faults:
        state = "survived" if fault.survived else "LOST" if fault.lost else "NOT SURVIVED"
        write(f"{state}: {fault.name} [{'; '.join(fault.evidence) or 'did not happen'}]")
        for sentence in fault.said:
            write(f"    the user reads: {sentence}")
    injected = sum(bool(fault.evidence) for fault in faults)
    write(f"faults injected: {injected} of {len(faults)}, each seen to happen")
    write(f"faults survived: {sum(fault.survived for fault in faults)}")
    write(f"data lost: {sum(fault.lost for fault in faults)}")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Four nodes, the last two with a pretended GPU."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    # Not pytest's folder: the path of a socket must be short.
    base = Path(tempfile.mkdtemp(prefix="slurm-"))
    try:
        with ExitStack() as stack:
            try:
                running = stack.enter_context(Cluster(base, nodes=4, gpu_nodes=2))
            except (OSError, RuntimeError, TimeoutError) as error:
                pytest.skip(f"no Slurm comes up on this machine: {error}")
            yield running
    finally:
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """A study whose records are written and whose training has not begun."""
    folder = tmp_path_factory.mktemp("prepared") / "study"
    TrainingStory.prepare(folder)
    return folder


@pytest.fixture
def story(prepared, tmp_path) -> Iterator[TrainingStory]:
    """A copy of that study; what it started and left running ends with the test."""
    shutil.copytree(prepared, tmp_path / "study", symlinks=True)
    made = TrainingStory(tmp_path / "study")
    yield made
    made.end()
