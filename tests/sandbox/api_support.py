"""A real API server on a loopback address, the real kubectl, and a node whose containers are /bin/sh."""

import asyncio
import contextlib
import fcntl
import os
import pty
import shutil
import signal
import socket
import struct
import termios
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from trireme.sandbox.apiserver.node import NodeError
from trireme.sandbox.apiserver.server import ApiServer
from trireme.sandbox.store.interface import Object
from trireme.sandbox.store.memory import MemoryStore, open_store

COMMAND_SECONDS = 60.0
KUBECTLS = [
    Path(each)
    for each in (shutil.which("kubectl"), *os.environ.get("TRIREME_TEST_KUBECTLS", "").split(":"))
    if each
]
"""The machine's own kubectl, and those that the variable lists: 1.20 execs over SPDY, new ones over WebSocket."""


@dataclass
class ShellProcess:
    """A process without a container around it."""

    process: asyncio.subprocess.Process
    terminal: int | None = None
    reader: asyncio.StreamReader | None = None

    @property
    async def stdout(self) -> AsyncIterator[bytes]:
        source = self.reader or self.process.stdout
        assert source is not None
        while chunk := await source.read(65536):
            yield chunk

    @property
    async def stderr(self) -> AsyncIterator[bytes]:
        while self.process.stderr and (chunk := await self.process.stderr.read(65536)):
            yield chunk

    async def write(self, chunk: bytes) -> None:
        if self.terminal is not None:
            os.write(self.terminal, chunk)
        elif self.process.stdin is not None:
            with contextlib.suppress(ConnectionError):
                self.process.stdin.write(chunk)
                await self.process.stdin.drain()

    async def close_stdin(self) -> None:
        if self.terminal is not None:
            os.write(self.terminal, b"\x04")
        elif self.process.stdin is not None:
            self.process.stdin.close()

    def resize(self, *, width: int, height: int) -> None:
        if self.terminal is not None:
            fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    async def wait(self) -> int:
        code = await self.process.wait()
        return code if code >= 0 else 128 - code

    def kill(self) -> None:
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


@dataclass
class ShellNode:
    """Implements ``NodeAccess``. ``lines`` is every container's log; ``more`` rings when it grows or ends."""

    lines: list[str] = field(default_factory=list)
    ended: bool = False
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def log(self, line: str, *, last: bool = False) -> None:
        self.lines.append(line)
        self.ended = last
        self.more.set()

    async def logs(
        self,
        pod: Object,
        container: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: datetime | None = None,
        previous: bool = False,
        timestamps: bool = False,
    ) -> AsyncIterator[bytes]:
        if previous:
            raise NodeError(
                f'previous terminated container "{container}" in pod "{pod["metadata"]["name"]}" not found'
            )
        stamp = "2026-01-01T00:00:00.000000000Z " if timestamps else ""
        position = 0 if tail is None else max(0, len(self.lines) - tail)
        while True:
            for line in self.lines[position:]:
                yield f"{stamp}{line}\n".encode()
            position = len(self.lines)
            if not follow or self.ended:
                return
            self.more.clear()
            await self.more.wait()

    async def exec(
        self, pod: Object, container: str, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> ShellProcess:
        if container == "stopped":
            raise NodeError(f'container "{container}" is not running')
        pipe = asyncio.subprocess.PIPE
        if not tty:
            given = pipe if stdin else asyncio.subprocess.DEVNULL
            process = await asyncio.create_subprocess_exec(
                *command, stdin=given, stdout=pipe, stderr=pipe, start_new_session=True
            )
            return ShellProcess(process)
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        return ShellProcess(process, ours, _read_terminal(ours))


def _read_terminal(terminal: int) -> asyncio.StreamReader:
    """A terminal whose other end was closed gives EIO: that is its end of file."""
    reader, loop = asyncio.StreamReader(), asyncio.get_running_loop()

    def more() -> None:
        try:
            reader.feed_data(os.read(terminal, 65536))
        except OSError:
            loop.remove_reader(terminal)
            reader.feed_eof()

    loop.add_reader(terminal, more)
    return reader


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@dataclass
class Kubectl:
    """One kubectl binary against one server. Its caches are in a folder of the test's."""

    binary: Path
    kubeconfig: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig)}

    async def start(self, *arguments: str, stdin: bool = False) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            str(self.binary),
            *arguments,
            stdin=pipe if stdin else asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            env=self.environment,
        )

    async def run(self, *arguments: str, stdin: str = "") -> Result:
        process = await self.start(*arguments, stdin=True)
        try:
            out, err = await asyncio.wait_for(process.communicate(stdin.encode()), COMMAND_SECONDS)
        except TimeoutError:
            process.kill()
            raise AssertionError(f"kubectl {' '.join(arguments)} did not end") from None
        return Result(process.returncode or 0, out.decode(), err.decode())

    async def __call__(self, *arguments: str, stdin: str = "") -> str:
        """Standard output of a command that must succeed."""
        result = await self.run(*arguments, stdin=stdin)
        assert result.code == 0, f"kubectl {' '.join(arguments)}: {result.err}{result.out}"
        return result.out


@dataclass
class Laboratory:
    """A running server with its store, and what tests ask of it."""

    store: MemoryStore
    server: ApiServer
    node: ShellNode
    directory: Path

    def kubectl(self, binary: Path) -> Kubectl:
        home = self.directory / f"home-{binary.parts[1]}-{binary.name}"
        home.mkdir(exist_ok=True)
        return Kubectl(binary, self.server.kubeconfig, home)

    def put(self, group: str, resource: str, obj: Object) -> Object:
        """As a controller writes: straight into the store."""
        return self.store.create(group, resource, obj)


class Addresses:
    """Gives Services 127.x.1.1, 127.x.1.2, …"""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._count = 0

    def __call__(self, service: Object) -> str:
        asked = service["spec"].get("clusterIP")
        if asked:
            if not asked.startswith(self._prefix):
                raise ValueError(f"provided IP is not in the valid range {self._prefix}0/24")
            return str(asked)
        self._count += 1
        return f"{self._prefix}{self._count}"


@contextlib.asynccontextmanager
async def laboratory(directory: Path, *, port: int = 0) -> AsyncIterator[Laboratory]:
    """A server at an address of this process's own, with the namespaces default and kube-system."""
    address = f"127.240.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"
    port = port or free_port(address)
    store, node = open_store(directory / "store"), ShellNode()
    server = ApiServer(
        store,
        address=address,
        port=port,
        directory=directory / "api",
        node=node,
        allocate_cluster_ip=Addresses("127.240.1."),
    )
    await server.start()
    for name in ("default", "kube-system"):
        if not any(each["metadata"]["name"] == name for each in store.list("", "namespaces")):
            provide_namespace(store, name)
    try:
        yield Laboratory(store, server, node, directory)
    finally:
        await server.stop()
        store.close()


def provide_namespace(store: MemoryStore, name: str, **labels: str) -> None:
    """With the ServiceAccount that a controller would make."""
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }
    store.create("", "namespaces", {**body, "status": {"phase": "Active"}})
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": name},
    }
    store.create("", "serviceaccounts", account)


def free_port(address: str) -> int:
    with socket.create_server((address, 0)) as probe:
        return int(probe.getsockname()[1])


def pod(**spec: Any) -> Object:
    """What a client sends to create pod ``p``."""
    containers = [{"name": "c", "image": "trireme/trireme:0.1.0"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": containers, **spec},
    }
