"""The floor: three members made by hand, as a database administrator's script would.

The same programs and the same server configuration as Trireme's (rendered by the same function), without agents,
pods or Kubernetes. The script knows everything in advance: the addresses, who bootstraps, who joins whom.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pymysql

from bench.waiting import wait_for
from trireme.adapters.mariadb import reaper
from trireme.adapters.mariadb.binaries import SEARCH_PATH, Binaries, find_binaries
from trireme.adapters.mariadb.first_start import SST_USER, ZONES, Accounts, account_statements
from trireme.adapters.mariadb.process import SCRIPTS
from trireme.manifests.server_config import ServerConfig, render

ROOT_PASSWORD = "root"  # noqa: S105 - of a database that lives for seconds on a loopback address
SYNC_SECONDS = 120.0
END_SECONDS = 10.0
LOG_LINES = 15


@dataclass(frozen=True, slots=True)
class Milestones:
    """Seconds since the start of the script."""

    directory: float
    synced: tuple[float, ...]
    """Of each member, in the order in which they were started."""


class Member:
    """One mariadbd, its directory and its address."""

    def __init__(self, binaries: Binaries, home: Path, address: str, *, debian_sleep: bool, own: str) -> None:
        self.address = address
        self.data = home / "data"
        self.log = home / "log"
        self._binaries = binaries
        self._home = home
        self._debian_sleep = debian_sleep
        self._own = own
        self._process: subprocess.Popen[bytes] | None = None
        for folder in ("run", "tmp"):
            (home / folder).mkdir(parents=True)

    @property
    def socket(self) -> Path:
        return self._home / "run" / "mysqld.sock"

    def initialize(self) -> None:
        """System tables, time zones and accounts, with MariaDB's own tools and no further cleverness."""
        here = ("--no-defaults", f"--datadir={self.data}", f"--tmpdir={self._home / 'tmp'}", *_as_root())
        own = ("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
        self._run(str(self._binaries.install_db), *here, *own)
        zones = b""
        if self._binaries.tzinfo is not None and ZONES.is_dir():
            zones = self._run(str(self._binaries.tzinfo), "--skip-write-binlog", str(ZONES))
        accounts = Accounts(
            root_password=ROOT_PASSWORD,
            database="app",
            user="app",
            password=ROOT_PASSWORD,
            sst_password=ROOT_PASSWORD,
            agent_password=ROOT_PASSWORD,
            upgrade_password=ROOT_PASSWORD,
        )
        script = [b"USE mysql;", zones, *(line.encode() for line in account_statements(accounts)), b""]
        self._run(str(self._binaries.server), *here, "--bootstrap", stdin=b"\n".join(script))

    def configure(self, peers: tuple[str, ...]) -> None:
        self.data.mkdir(exist_ok=True)
        text = render(
            ServerConfig(
                cluster="recipe",
                node_name=self._home.name,
                address=self.address,
                peers=peers,
                data_dir=PurePosixPath(self.data),
                run_dir=PurePosixPath(self._home / "run"),
                tmp_dir=PurePosixPath(self._home / "tmp"),
                provider=PurePosixPath(self._binaries.provider),
                notify_command="none",
                sst_user=SST_USER,
                sst_password=ROOT_PASSWORD,
                version=self._binaries.version,
                cpus=len(os.sched_getaffinity(0)),
                user_text=self._own,
            )
        )
        lines = (line for line in text.splitlines() if not line.startswith("wsrep_notify_cmd"))
        (self._home / "my.cnf").write_text("\n".join(lines) + "\n")

    def start(self, *options: str) -> None:
        self.socket.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries.server, f"--defaults-file={self._home / 'my.cnf'}", *_as_root(), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                start_new_session=True,
            )

    def wait_synced(self) -> None:
        wait_for(self._synced, f"{self._home.name} is Synced; its log: {self.log}", SYNC_SECONDS)

    def recover(self) -> "subprocess.Popen[str]":
        """Begin ``--wsrep-recover``; its output has the position."""
        return subprocess.Popen(
            [
                self._binaries.server,
                f"--defaults-file={self._home / 'my.cnf'}",
                *_as_root(),
                "--wsrep-recover",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment(),
        )

    def mark_safe_to_bootstrap(self) -> None:
        """What Galera asks a person to do after a crash, once that person compared the positions."""
        state = self.data / "grastate.dat"
        state.write_text(state.read_text().replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1"))

    def kill(self) -> None:
        """kill -9 of the server and of all that it started."""
        if self._process is None:
            return
        session = self._process.pid
        self._process.kill()
        for process in reaper.processes():
            if process.session == session and process.state != "Z":
                os.kill(process.pid, signal.SIGKILL)
        self._process.wait(END_SECONDS)
        self._process = None

    def query(self, statement: str) -> list[tuple[object, ...]]:
        connection = pymysql.connect(
            unix_socket=str(self.socket),
            user="root",
            password=ROOT_PASSWORD,
            connect_timeout=5,
            read_timeout=30,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def _synced(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"mariadbd ended with {self._process.returncode}:\n{self._tail()}")
        try:
            rows = self.query("SHOW STATUS LIKE 'wsrep_local_state_comment'")
        except (pymysql.Error, OSError):
            return False
        return rows == [("wsrep_local_state_comment", "Synced")]

    def _run(self, *command: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            timeout=SYNC_SECONDS,
            env=self._environment(),
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
        return done.stdout

    def _environment(self) -> Mapping[str, str]:
        environment = {"PATH": SEARCH_PATH, "TMPDIR": str(self._home / "tmp")}
        if not self._debian_sleep:
            environment["BASH_ENV"] = str(SCRIPTS / "transfer.bash")
        return environment

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])


class Recipe:
    """The cluster. ``debian_sleep``: keep the 10 s for which Debian's transfer script makes every donor sleep.
    ``own``: the user's my.cnf."""

    def __init__(self, home: Path, net: int, *, debian_sleep: bool, members: int = 3, own: str = "") -> None:
        self._home = home
        binaries = asyncio.run(find_binaries())
        self.members = [
            Member(
                binaries, home / f"recipe-{n}", f"127.{net}.2.{10 + n}", debian_sleep=debian_sleep, own=own
            )
            for n in range(members)
        ]

    def __enter__(self) -> "Recipe":
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def form(self) -> Milestones:
        """From nothing to all Synced: the first bootstraps, each other one joins when the last is Synced."""
        begun, synced = time.monotonic(), []
        first, *others = self.members
        first.initialize()
        directory = time.monotonic() - begun
        first.configure(peers=())
        first.start("--wsrep-new-cluster")
        first.wait_synced()
        synced.append(time.monotonic() - begun)
        for member in others:
            member.configure(peers=(first.address,))
            member.start()
            member.wait_synced()
            synced.append(time.monotonic() - begun)
        return Milestones(directory, tuple(synced))


def _as_root() -> tuple[str, ...]:
    """mariadbd refuses to run as root unless it is told to."""
    return ("--user=root",) if os.getuid() == 0 else ()
