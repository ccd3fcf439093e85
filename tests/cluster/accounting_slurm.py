"""The same Slurm with accounting: its database daemon, and a database for it, on loopback."""

import subprocess
from pathlib import Path

from loopback_slurm import Cluster, free_port, why_missing

DAEMONS = ("slurmdbd", "mariadbd", "mariadb-install-db")
CONF = """
AuthType=auth/munge
AuthInfo=socket={base}/munge/sock
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
LogFile={base}/log/slurmdbd.log
PidFile={base}/pid/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=root
StorageLoc=slurm_acct
"""


def why_no_accounting() -> str | None:
    """Why there is no accounting here; None if there can be."""
    return why_missing(DAEMONS, "slurmdbd mariadb-server")


class AccountingCluster(Cluster):
    """A cluster that remembers what its jobs used."""

    def __init__(self, base: Path, nodes: int = 2, gpu_nodes: int = 1):
        super().__init__(base, nodes, gpu_nodes)
        self.port, self.database_port = free_port(), free_port()

    @property
    def accounting(self) -> str:
        return (
            "AccountingStorageType=accounting_storage/slurmdbd\n"
            f"AccountingStorageHost=127.0.0.1\nAccountingStoragePort={self.port}\n"
            # What asks the daemon takes the socket of munge from here.
            f"AccountingStoragePass={self.base}/munge/sock\nAccountingStoreFlags=job_comment"
        )

    def _start_accounting(self) -> None:
        data = self.base / "database"
        made = subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=root"],
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise RuntimeError(f"no database: {made.stdout}{made.stderr}")
        # It holds nothing but these jobs, listens on loopback, and goes with its folder.
        self._start("mariadbd", "--no-defaults", "--user=root", f"--datadir={data}",
                    "--skip-grant-tables", "--bind-address=127.0.0.1",
                    f"--port={self.database_port}", f"--socket={self.base}/db.sock",
                    f"--pid-file={self.base}/pid/mariadbd.pid")  # fmt: skip
        self._wait(lambda: (self.base / "db.sock").exists(), "the database has no socket")
        conf = self.base / "etc" / "slurmdbd.conf"
        conf.write_text(
            CONF.format(
                base=self.base, host=self.host, port=self.port, database_port=self.database_port
            )
        )
        conf.chmod(0o600)
        self._start("slurmdbd", "-D")
        self._wait(self._knows_cluster, "slurmdbd does not answer")

    def _knows_cluster(self) -> bool:
        self.command("sacctmgr", "-i", "add", "cluster", "mini", check=False)
        return "mini" in self.command("sacctmgr", "-nP", "show", "cluster", check=False)
