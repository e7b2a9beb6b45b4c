"""The child mariadbd: started, listened to, stopped in order. It never outlives the agent."""

import asyncio
import contextlib
import os
import signal
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from trireme.adapters.mariadb import reaper
from trireme.adapters.mariadb.binaries import SEARCH_PATH, Binaries
from trireme.adapters.mariadb.log import ConnectionSeen, LogEvent, LogParser
from trireme.base.errors import PermanentError, TemporaryError
from trireme.manifests.server_config import GROUP_PORT, IST_PORT, SQL_PORT, SST_PORT

SCRIPTS = Path(__file__).parent / "scripts"

_LEFTOVER_SECONDS = 5.0
_DRAIN_SECONDS = 2.0
_ENGINELESS_SECONDS = 2.0
"""mariadbd heeds no SIGTERM while it looks for its group or receives a state transfer. Its storage engine is
not started then: nothing can be lost by killing it."""
_LONGEST_LINE = 16 * 1024
_LAST_ERRORS = 10


@dataclass(frozen=True, slots=True)
class Exit:
    """How a server ended. ``code`` is the exit status, or minus the signal's number."""

    code: int
    asked: bool
    """It was asked to stop."""
    killed: bool
    """The deadline passed, and it was killed."""
    last_errors: tuple[str, ...]
    """Its last error lines, oldest first, at most ten."""

    @property
    def clean(self) -> bool:
        return self.code == 0


class Server:
    """One run of mariadbd. Make a new one for each start.

    ``on_line`` gets each line of its log without the line end, cut at 16 KiB; ``on_event`` what the lines mean.
    """

    def __init__(
        self,
        binaries: Binaries,
        config_file: Path,
        *,
        address: str,
        run_dir: Path,
        tmp_dir: Path,
        on_line: Callable[[str], None],
        on_event: Callable[[LogEvent], None],
    ) -> None:
        self._binaries = binaries
        self._config_file = config_file
        self._address = address
        self._run_dir = run_dir
        self._tmp_dir = tmp_dir
        self._on_line = on_line
        self._on_event = on_event
        self._parser = LogParser()
        self._errors: deque[str] = deque(maxlen=_LAST_ERRORS)
        self._process: asyncio.subprocess.Process | None = None
        self._life: asyncio.Task[Exit] | None = None
        self._engine_started = False
        self._asked = False
        self._killed = False
        self._left_group = False

    @property
    def pid(self) -> int | None:
        """None before the start and after the exit."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def left_group(self) -> bool:
        """It closed its connection to the group, and has not opened another."""
        return self._left_group

    async def start(self, *, new_cluster: bool = False) -> None:
        """Start it; returns when the process runs, not when it takes SQL.

        Raises PermanentError naming the address and port where something else already listens.
        """
        check_ports(self._address)
        arguments = [
            f"--defaults-file={self._config_file}",
            *(["--wsrep-new-cluster"] if new_cluster else []),
        ]
        for stale in ("mysqld.sock", "mysqld.pid"):
            (self._run_dir / stale).unlink(missing_ok=True)
        reaper.adopt_orphans()
        self._process, log = await spawn(self._binaries.server, arguments, self._tmp_dir)
        self._life = asyncio.create_task(self._live(self._process, log), name="mariadbd")

    async def wait(self) -> Exit:
        """Wait for the exit; the same value for every caller, at any time after the start."""
        assert self._life is not None, "not started"
        return await asyncio.shield(self._life)

    async def stop(self, deadline_seconds: float) -> Exit:
        """SIGTERM, and at the deadline SIGKILL to it and to all that it started. Idempotent.

        Where its storage engine has not started, the deadline is 2 s at most.
        """
        self._asked = True
        self._signal(signal.SIGTERM)
        if not self._engine_started:
            deadline_seconds = min(deadline_seconds, _ENGINELESS_SECONDS)
        try:
            async with asyncio.timeout(deadline_seconds):
                return await self.wait()
        except TimeoutError:
            self._killed = True
            self._signal(signal.SIGKILL)
            return await self.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _live(self, process: asyncio.subprocess.Process, log: asyncio.StreamReader) -> Exit:
        reading = asyncio.create_task(self._read(log))
        reaping = asyncio.create_task(reaper.reap_forever())
        code = await process.wait()
        reaping.cancel()
        await reaper.end_session(process.pid, _LEFTOVER_SECONDS)
        _, unfinished = await asyncio.wait([reading], timeout=_DRAIN_SECONDS)
        for task in unfinished:
            task.cancel()
        return Exit(code, self._asked, self._killed, tuple(self._errors))

    async def _read(self, log: asyncio.StreamReader) -> None:
        async for line in read_lines(log):
            self._on_line(line)
            if "InnoDB: " in line:
                self._engine_started = True
            if "[ERROR]" in line:
                self._errors.append(line)
            event = self._parser.feed(line)
            if isinstance(event, ConnectionSeen):
                self._left_group = not event.open
            if event is not None:
                self._on_event(event)


def check_ports(address: str) -> None:
    """Raise PermanentError where something already listens on a port that the server needs."""
    parsed = ip_address(address)
    family = socket.AF_INET6 if parsed.version == 6 else socket.AF_INET
    where = address if parsed.is_loopback else ""
    for port, purpose in ((SQL_PORT, "SQL"), (GROUP_PORT, "the group"), (IST_PORT, "IST"), (SST_PORT, "SST")):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((where, port))
                probe.listen(1)
            except OSError as error:
                raise PermanentError(
                    f"port {port} ({purpose}) of {where or 'this host'} cannot be listened on: {error.strerror}; "
                    f"find what holds it with 'ss -ltnp sport = :{port}' and end it"
                ) from error


async def spawn(
    server: Path, arguments: list[str], tmp_dir: Path
) -> tuple[asyncio.subprocess.Process, asyncio.StreamReader]:
    """Start mariadbd as the leader of a session, with stdout and stderr as one stream.

    The stream is a pipe of our own: asyncio's would delay ``wait`` until the server's own children close it.
    """
    environment = {"PATH": SEARCH_PATH, "TMPDIR": str(tmp_dir), "BASH_ENV": str(SCRIPTS / "transfer.bash")}
    environment |= {name: os.environ[name] for name in ("TZ",) if name in os.environ}
    read_end, write_end = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            server,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=write_end,
            stderr=write_end,
            env=environment,
            start_new_session=True,
            preexec_fn=reaper.die_with_parent,
        )
    except OSError as error:
        os.close(read_end)
        raise TemporaryError(f"{server} cannot be started: {error.strerror}") from error
    finally:
        os.close(write_end)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", buffering=0)
    )
    return process, reader


async def read_lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Lines without their ends. A line longer than 16 KiB comes in pieces: memory stays bounded."""
    rest = b""
    while chunk := await stream.read(_LONGEST_LINE):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
        if len(rest) >= _LONGEST_LINE:
            yield rest.decode(errors="replace")
            rest = b""
    if rest:
        yield rest.decode(errors="replace")
