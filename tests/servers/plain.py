"""Agents as plain processes with real servers: tests choose when each starts, dies, and what DNS says.

Each agent runs under bubblewrap as uid 999, PID 1 of its own PID namespace as in a pod, at a loopback address of
its own. DNS is the sandbox's server over a store that the harness fills, so that faults can be switched.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import pymysql
import pymysql.cursors

from tests.servers import images
from tests.servers.proc import descendants
from trireme.sandbox.dns.faults import Fault, write_faults
from trireme.sandbox.dns.server import DnsServer
from trireme.sandbox.store.memory import open_store

IN_TURN = ((0, 1, 2), (1, 2, 0), (2, 0, 1))
"""Orders in which each of three members is the first once, and once the last; all others are the model's."""
FORM_SECONDS = 120.0
ROOT_PASSWORD = "root 'quoted\" \\ pässword"
USER_PASSWORD = "application-password"
TOKEN = "0123456789abcdef0123456789abcdef"
NAMESPACE = "default"


def wait_until(probe: Callable[[], Any], what: str, seconds: float = FORM_SECONDS) -> Any:
    """Ask ``probe`` until its answer is truthy; fail in words after ``seconds``. Errors count as not yet."""
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = probe()
        except Exception as error:
            last = error
        else:
            if last:
                return last
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}; last seen: {last!r}")


class Agent:
    """One member: its volume, its address, and the process while there is one."""

    def __init__(self, cluster: "PlainCluster", ordinal: int) -> None:
        self.cluster = cluster
        self.ordinal = ordinal
        self.name = f"demo-{ordinal}"
        self.address = f"127.{cluster.net}.1.{10 + ordinal}"
        self.home = cluster.home / self.name
        self.volume = self.home / "volume"
        self.log = self.home / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.env: dict[str, str] = {}
        self.hidden: list[str] = []
        """Programs that this member's image does not have."""
        self.image: Path | None = None
        """The root of another image, to run in; None for this machine's own programs."""
        for folder in ("volume", "run", "tmp", "secret", "config"):
            (self.home / folder).mkdir(parents=True)
        self.secrets(**{"root-password": ROOT_PASSWORD, "password": USER_PASSWORD, "token": TOKEN})

    def secrets(self, **values: str) -> None:
        for key, value in values.items():
            (self.home / "secret" / key).write_text(value)

    def my_cnf(self, text: str) -> None:
        (self.home / "config" / "my.cnf").write_text(text)

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "TRIREME_CLUSTER": "demo",
            "TRIREME_MEMBERS": str(self.cluster.declared),
            "TRIREME_NAMESPACE": NAMESPACE,
            "TRIREME_POD_NAME": self.name,
            "TRIREME_POD_IP": self.address,
            "TRIREME_SERVICE": "demo-internal",
            "TRIREME_DATABASE": "app",
            "TRIREME_USER": "app",
            "TRIREME_GRACE_SECONDS": "60",
            "TRIREME_DATA_ROOT": str(self.volume),
            "TRIREME_RUN_DIR": str(self.home / "run"),
            "TRIREME_SECRET_DIR": str(self.home / "secret"),
            "TRIREME_CONFIG_DIR": str(self.home / "config"),
            "TRIREME_NAMESERVERS": self.cluster.nameserver,
            "TMPDIR": str(self.home / "tmp"),
            **self.env,
        }

    def start(self, *, uid: int = 999) -> "Agent":
        """Start the agent; its address is in DNS from now on, as a pod's is."""
        assert self.process is None, f"{self.name} runs already"
        command = [
            "bwrap",
            "--clearenv",
            *images.root(self.image, self.home),
            "--proc",
            "/proc",
            "--unshare-user",
            "--uid",
            str(uid),
        ]
        command += ["--gid", "0", "--unshare-pid", "--as-pid-1", "--die-with-parent"]
        for path in self.hidden:
            command += ["--ro-bind", "/dev/null", path]
        for key, value in self.environment().items():
            command += ["--setenv", key, value]
        program = images.PROGRAM if self.image else Path(sys.executable).with_name("trireme")
        command += ["--", str(program), "agent"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.cluster.publish()
        return self

    def crash(self) -> None:
        """kill -9 of everything in the pod at once: what a power loss or a lost node looks like to the others."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        wait_until(lambda: not self._listening(), f"{self.name}'s port is free", 10)
        self.process = None

    def stop(self, seconds: float = 60) -> int:
        """SIGTERM, and wait for the end in order. Returns the exit status."""
        self.terminate()
        return self.join(seconds)

    def terminate(self) -> None:
        os.kill(self.agent_pid(), signal.SIGTERM)

    def join(self, seconds: float = 60) -> int:
        assert self.process is not None
        status = self.process.wait(seconds)
        self.process = None
        return status

    def signal_server(self, number: int) -> None:
        os.kill(self.server_pid(), number)

    def agent_pid(self) -> int:
        assert self.process is not None
        return wait_until(lambda: descendants(self.process.pid, "agent"), f"{self.name}'s agent", 10)[0]  # type: ignore[union-attr,no-any-return]

    def server_pid(self) -> int:
        assert self.process is not None
        return descendants(self.process.pid, "mariadbd")[0]

    def forget_volume(self) -> None:
        """The volume is lost, and an empty one takes its place."""
        assert self.process is None
        shutil.rmtree(self.volume)
        self.volume.mkdir()

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(f"http://{self.address}:8080{path}", timeout=3) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def status(self) -> dict[str, Any]:
        return msgspec.json.decode(self.get("/status")[1])  # type: ignore[no-any-return]

    def phase(self) -> str:
        try:
            return str(self.status()["phase"])
        except OSError:
            return "silent"

    def takes_writes(self) -> bool:
        """Soon answered: clients ask it before each connection, and a frozen agent shall not hold them up."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:8080/primary", timeout=0.5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def wait_phase(self, *phases: str, seconds: float = FORM_SECONDS) -> None:
        try:
            wait_until(lambda: self.phase() in phases, f"{self.name} is {' or '.join(phases)}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None

    def wait_why(self, words: str, seconds: float = 30) -> None:
        wait_until(lambda: words in self.status()["why"], f"{self.name} says {words!r}", seconds)

    def tail(self, lines: int = 40) -> str:
        return f"--- {self.name}\n" + "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def sql(
        self, *statements: str, user: str = "root", password: str = ROOT_PASSWORD
    ) -> list[tuple[Any, ...]]:
        """Run statements over TCP; the last one's rows."""
        with self.connect(user, password) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    @contextmanager
    def connect(
        self, user: str = "root", password: str = ROOT_PASSWORD, **more: Any
    ) -> Iterator["pymysql.Connection[pymysql.cursors.Cursor]"]:
        connection = pymysql.connect(
            host=self.address,
            port=3306,
            user=user,
            password=password.encode(),
            connect_timeout=5,
            read_timeout=30,
            autocommit=True,
            **more,
        )
        try:
            yield connection
        finally:
            connection.close()

    def _listening(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((self.address, 3306)) == 0 or probe.connect_ex((self.address, 8080)) == 0


class PlainCluster:
    """``members`` volumes and addresses; nothing runs until a test starts it."""

    def __init__(self, members: int, declared: int | None = None) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="tri-"))
        self.net = _free_net()
        self.declared = declared or members
        self._dns = _Dns(self.home / "dns", f"127.{self.net}.0.10")
        self.members = [Agent(self, ordinal) for ordinal in range(members)]

    def __enter__(self) -> "PlainCluster":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            for member in self.members:
                sys.stderr.write(member.tail(80) + "\n" if member.log.exists() else "")
        self.close()

    def close(self) -> None:
        for member in self.members:
            if member.process is not None:
                member.process.kill()
                member.process.wait(10)
        self._dns.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def __getitem__(self, ordinal: int) -> Agent:
        return self.members[ordinal]

    def grow(self) -> Agent:
        self.members.append(Agent(self, len(self.members)))
        return self.members[-1]

    @property
    def nameserver(self) -> str:
        return self._dns.nameserver

    def fault(self, *faults: Fault) -> None:
        """Make DNS late, wrong or silent; none makes it truthful again."""
        write_faults(self.home / "dns", faults)

    def publish(self) -> None:
        self._dns.publish({m.name: m.address for m in self.members if m.process is not None})

    def start(self, order: Sequence[int] | None = None) -> "PlainCluster":
        for ordinal in order if order is not None else range(len(self.members)):
            self[ordinal].start()
        return self

    def wait_synced(self, *ordinals: int, seconds: float = FORM_SECONDS) -> None:
        """All (or these) are Synced, in one Primary of one history that counts all of them."""
        wanted = [self[o] for o in ordinals] or self.members
        for member in wanted:
            member.wait_phase("Synced", seconds=seconds)
        size = len(wanted)
        wait_until(
            lambda: all(m.status()["server"]["size"] == size for m in wanted), f"a Primary of {size}", 30
        )
        assert len(self.histories(wanted)) == 1

    def histories(self, members: Sequence[Agent] | None = None) -> set[str]:
        return {m.status()["server"]["uuid"] for m in members or self.members if m.process is not None}

    def views(self) -> set[tuple[int, ...]]:
        """The members of the last views that the living members remember; one, when all remember the same."""
        views = [m.status()["last_view"] for m in self.members if m.process is not None]
        assert len({(view["uuid"], view["seqno"]) for view in views}) == 1, views
        return {tuple(view["members"]) for view in views}

    def writer(self) -> Agent:
        """The one writer, once all agree."""

        def agreed() -> Agent | None:
            living = [m for m in self.members if m.process is not None]
            claims = {(m.status()["writer"] or {}).get("ordinal") for m in living}
            writers = [m for m in living if m.get("/primary")[0] == 200]
            return writers[0] if len(writers) == 1 and claims == {writers[0].ordinal} else None

        found = wait_until(agreed, "the members agree on one writer", 30)
        assert isinstance(found, Agent)
        return found


class _Dns:
    """The sandbox's DNS server in a thread of its own, over a store with one headless Service."""

    def __init__(self, folder: Path, address: str) -> None:
        folder.mkdir()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._store = open_store(folder / "store")
        self._server = DnsServer(self._store, address, folder)
        self._call(self._server.start)
        self.nameserver = f"{address}:{self._server.port}"
        ports = [{"name": "galera", "port": 4567, "protocol": "TCP"}]
        spec = {"clusterIP": "None", "ports": ports, "publishNotReadyAddresses": True}
        self._in_loop(
            lambda: self._store.create("", "services", _object("Service", "v1", "demo-internal", spec=spec))
        )
        slice_ = _object("EndpointSlice", "discovery.k8s.io/v1", "demo-internal", endpoints=[], ports=ports)
        slice_["metadata"]["labels"] = {"kubernetes.io/service-name": "demo-internal"}
        self._slice = slice_
        self._in_loop(lambda: self._store.create("discovery.k8s.io", "endpointslices", slice_))

    def publish(self, hosts: dict[str, str]) -> None:
        endpoints = [
            {"addresses": [address], "hostname": name, "conditions": {"ready": True}}
            for name, address in hosts.items()
        ]
        new = {**self._slice, "endpoints": endpoints}
        self._in_loop(lambda: self._store.update("discovery.k8s.io", "endpointslices", new))

    def close(self) -> None:
        self._call(self._server.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _call(self, work: Callable[[], Any]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(10)

    def _in_loop(self, work: Callable[[], Any]) -> None:
        async def run() -> None:
            work()

        self._call(run)


def _object(kind: str, version: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, **more}


def _free_net() -> int:
    """A second octet whose loopback addresses nobody uses: tests may run side by side."""
    nets = [128 + (os.getpid() + offset) % 100 for offset in range(100)]
    return next(net for net in nets if _is_free(f"127.{net}.0.10"))


def _is_free(address: str) -> bool:
    """No name server of another cluster is there, at either of the ports that it may have chosen."""
    for port in (53, 10053):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, port))
            except PermissionError:
                continue
            except OSError:
                return False
    return True
