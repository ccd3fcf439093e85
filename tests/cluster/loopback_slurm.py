"""A real Slurm of several nodes on this machine, for tests: started from Debian's packages, stopped
by process id.

    python tests/cluster/loopback_slurm.py /tmp/mini     # runs until Ctrl-C; prints what to export

Needs root and `apt-get install --no-install-recommends slurm-wlm munge`. Everything lies below one
folder: the key, sockets, state, logs and ids of the processes. All daemons listen on loopback. The
last node has a GPU that is none, a device file as of /dev/null.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("srun", "scontrol", "squeue", "scancel", "sbatch", "sinfo", "sacct", "sacctmgr")
NODE_DOWN_S = 15  # without a sign of life a node is lost
CREDENTIAL_S = 20  # a job that is sent again waits as long
KILL_WAIT_S = 20  # between SIGTERM and SIGKILL at a time limit

CONF = """
ClusterName=mini
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={base}/munge/sock,cred_expire={credential_s}
StateSaveLocation={base}/state
SlurmdSpoolDir={base}/spool/%n
SlurmctldPidFile={base}/pid/slurmctld.pid
SlurmdPidFile={base}/pid/slurmd.%n.pid
SlurmctldLogFile={base}/log/slurmctld.log
SlurmdLogFile={base}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
{accounting}
JobCompType=jobcomp/filetxt
JobCompLoc={base}/log/jobcomp.txt
GresTypes=gpu
ReturnToService=2
MinJobAge=3600
SlurmdTimeout={node_down_s}
SlurmctldTimeout=15
InactiveLimit=0
KillWait={kill_wait_s}
JobRequeue=1
MessageTimeout=20
TreeWidth=65533
{nodes}
PartitionName=cpu Nodes=ALL Default=YES MaxTime=UNLIMITED DefaultTime=10 DefMemPerCPU=200 State=UP
PartitionName=gpu Nodes={gpu_nodes} MaxTime=UNLIMITED DefaultTime=10 DefMemPerCPU=200 State=UP
"""


def why_not() -> str | None:
    """Why no cluster can be started here; None if one can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "a loopback Slurm needs root"
    return why_missing(DAEMONS, "slurm-wlm munge")


def why_missing(programs: Sequence[str], packages: str) -> str | None:
    """Which of the programs are not installed, and what brings them; None if all are."""
    missing = [name for name in programs if not shutil.which(name, path=_search_path())]
    if not missing:
        return None
    return (
        f"{', '.join(missing)}: not installed; apt-get install --no-install-recommends {packages}"
    )


def _search_path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """Daemons of one cluster; `with` starts and stops it."""

    accounting = "AccountingStorageType=accounting_storage/none"

    def __init__(self, base: Path, nodes: int = 3, gpu_nodes: int = 1):
        """Only says where.

        Args:
            base: An empty folder with a short path (a socket's has at most 107 characters).
            nodes: How many; they are called node1, node2, ...
            gpu_nodes: How many of the last have a GPU.
        """
        self.base, self.host = Path(base), socket.gethostname().split(".")[0]
        self.nodes = [f"node{number}" for number in range(1, nodes + 1)]
        self.gpu_nodes = self.nodes[nodes - gpu_nodes :]
        self.slurmd: dict[str, subprocess.Popen] = {}
        self.others: list[subprocess.Popen] = []

    @property
    def environment(self) -> dict[str, str]:
        """What commands of Slurm, and what submits jobs, need in their environment."""
        path = f"{self.base}/bin:{_search_path()}"
        return os.environ | {"SLURM_CONF": str(self.base / "etc/slurm.conf"), "PATH": path}

    def __enter__(self) -> "Cluster":
        self._write_files()
        try:
            munge = self.base / "munge"
            self._start("munged", "--foreground", "--force", f"--key-file={munge}/key",
                        f"--socket={munge}/sock", f"--pid-file={self.base}/pid/munged.pid",
                        f"--seed-file={munge}/seed", f"--log-file={munge}/log")  # fmt: skip
            self._wait(lambda: (munge / "sock").exists(), "munge has no socket")
            self._start_accounting()
            self._start("slurmctld", "-D")
            for node in self.nodes:
                self.start_node(node)
            self._wait(lambda: len(self.idle_nodes()) == len(self.nodes), "not all nodes are idle")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.command("scancel", "--user=root", check=False)
        for process in [*self.slurmd.values(), *reversed(self.others)]:
            end(process)

    def start_node(self, node: str) -> None:
        """Starts the daemon of a node."""
        (self.base / "spool" / node).mkdir(parents=True, exist_ok=True)
        self.slurmd[node] = self._daemon("slurmd", "-D", "-N", node)

    def lose_node(self, node: str) -> int:
        """Kills the daemon of a node, whose jobs live on; returns its process id."""
        lost = self.slurmd.pop(node)
        lost.kill()
        lost.wait()
        return lost.pid

    def idle_nodes(self) -> set[str]:
        said = self.command("sinfo", "-h", "-N", "-t", "idle", "-o", "%N", check=False)
        return set(said.split())

    def state_of(self, node: str) -> str:
        return self.command("sinfo", "-h", "-N", "-n", node, "-o", "%T").split()[0]

    def jobs(self) -> list[dict[str, str]]:
        """All jobs that Slurm remembers, oldest first, by the words of `scontrol show job`."""
        said = self.command("scontrol", "-o", "show", "job")
        rows = [
            dict(word.partition("=")[::2] for word in line.split() if "=" in word)
            for line in said.splitlines()
            if line.startswith("JobId=")
        ]
        return sorted(rows, key=lambda row: int(row["JobId"]))

    def command(self, *words: str, check: bool = True) -> str:
        """What a command of Slurm says."""
        done = subprocess.run(
            words, env=self.environment, capture_output=True, text=True, timeout=60
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _start_accounting(self) -> None:
        """Whatever must run before the controller."""

    def _start(self, *words: str) -> None:
        self.others.append(self._daemon(*words))

    def _daemon(self, *words: str) -> subprocess.Popen:
        with (self.base / "log" / f"{words[0]}.out").open("a") as out:
            return subprocess.Popen(
                words, env=self.environment, stdout=out, stderr=out, start_new_session=True
            )

    def _wait(self, is_so, complaint: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                logs = sorted((self.base / "log").glob("*"))
                tails = "\n".join(f"{log.name}: {log.read_text()[-400:]}" for log in logs)
                raise RuntimeError(f"{complaint} after {seconds:g} s\n{tails}")
            time.sleep(0.1)

    def _write_files(self) -> None:
        for name in ("etc", "munge", "state", "spool", "log", "pid", "dev", "bin"):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        (self.base / "munge").chmod(0o700)
        key = self.base / "munge" / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        gpu = self.base / "dev" / "nvidia0"
        os.mknod(gpu, 0o600 | 0o020000, os.makedev(1, 3))
        lines = [
            f"NodeName={node} NodeHostname={self.host} NodeAddr=127.0.0.1 Port={free_port()} "
            f"CPUs=16 RealMemory=128000 State=UNKNOWN{' Gres=gpu:1' * (node in self.gpu_nodes)}"
            for node in self.nodes
        ]
        etc = self.base / "etc"
        conf = CONF.format(
            base=self.base, host=self.host, port=free_port(), nodes="\n".join(lines),
            gpu_nodes=",".join(self.gpu_nodes), node_down_s=NODE_DOWN_S,
            credential_s=CREDENTIAL_S, kill_wait_s=KILL_WAIT_S, accounting=self.accounting,
        )  # fmt: skip
        (etc / "slurm.conf").write_text(conf)
        gres = [f"NodeName={node} Name=gpu File={gpu}\n" for node in self.gpu_nodes]
        (etc / "gres.conf").write_text("".join(gres))
        (etc / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        # Inside a job the plugin takes SLURM_CONF out of the environment; this gives it back.
        for name in COMMANDS:
            wrapper = self.base / "bin" / name
            wrapper.write_text(
                f'#!/bin/sh\nSLURM_CONF={etc}/slurm.conf exec /usr/bin/{name} "$@"\n'
            )
            wrapper.chmod(0o755)


def end(process: subprocess.Popen) -> None:
    """Ends one process, politely at first."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> None:
    reason = why_not()
    if reason:
        sys.exit(f"no cluster here: {reason}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Cluster(Path(sys.argv[1])) as cluster:
        path, conf = cluster.environment["PATH"], cluster.environment["SLURM_CONF"]
        print(f"export SLURM_CONF={conf} PATH={path}", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("stopping", flush=True)


if __name__ == "__main__":
    main()
