"""Starts one container under bubblewrap and tells how it ended."""

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from trireme.sandbox.node.assembly import Assembled
from trireme.sandbox.node.bubblewrap import Sandboxed, options
from trireme.sandbox.node.logs import LogFile, Pump
from trireme.sandbox.node.process import Process, signal_process
from trireme.sandbox.node.streams import Descriptor, memory_file, pipe, readable

START_SECONDS = 30.0
"""Mounting takes some 25 ms; even on a busy machine a start that takes this long has failed."""

_EXEC_POLL_SECONDS = 0.005
"""The kernel announces no exec: the name of the process is watched until it is no longer bubblewrap's."""

_HANDLER_SECONDS = 2.0
_BLOCKED_SECONDS = 0.1
_MASKS = re.compile(rb"^Sig(Cgt|Blk):\t([0-9a-f]+)$", re.MULTILINE)
_TERM = 1 << (signal.SIGTERM - 1)

_DRAIN_SECONDS = 2.0
"""How long the output may take to arrive once the container has ended."""


class StartError(Exception):
    """The container did not start; the message is the runtime's."""


@dataclass(frozen=True, slots=True)
class Ended:
    """``exit_code`` is 128 + the signal's number where a signal ended the container."""

    exit_code: int
    start_failure: str = ""
    """Not empty when the container's command was never reached."""


class Runtime:
    """A started container."""

    def __init__(
        self,
        surroundings: Sandboxed,
        process: Process,
        log: LogFile,
        pumps: tuple[Pump, Pump],
        status: Descriptor,
    ) -> None:
        self.surroundings = surroundings
        self.container_id = secrets.token_hex(32)
        self._process = process
        self.log = log
        self._pumps = pumps
        self._status = status
        self.pid = 0
        """Of the container's PID 1, as the host sees it."""
        self._pidfd = -1
        self._began = time.monotonic()

    @classmethod
    async def start(cls, assembled: Assembled, log_path: Path) -> Self:
        """Returns when the container's command runs, or bubblewrap has failed to start it. Raises StartError."""
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise StartError("no bwrap in PATH: install bubblewrap (Debian: apt-get install bubblewrap)")
        runtime = cls._spawn(bwrap, assembled, log_path)
        try:
            async with asyncio.timeout(START_SECONDS):
                await runtime._reach_command()
        except BaseException as error:
            runtime._process.kill()
            runtime._close()
            if isinstance(error, TimeoutError):
                raise StartError(f"bubblewrap did not start it within {START_SECONDS:.0f} s") from error
            raise
        return runtime

    @classmethod
    def _spawn(cls, bwrap: str, assembled: Assembled, log_path: Path) -> Self:
        log = LogFile(log_path)
        pumps = Pump("stdout", log), Pump("stderr", log)
        status, theirs = pipe()
        words = options(assembled.surroundings)
        arguments = memory_file("bwrap-args", b"".join(os.fsencode(word) + b"\0" for word in words))
        descriptors = ("--args", str(arguments.number), "--json-status-fd", str(theirs.number))
        try:
            process = Process.spawn(
                (bwrap, *descriptors, "--", *assembled.command),
                stdout=pumps[0].writing,
                stderr=pumps[1].writing,
                pass_fds=(arguments.number, theirs.number),
            )
        finally:
            arguments.close()
            theirs.close()
            for pump in pumps:
                pump.started()
        return cls(assembled.surroundings, process, log, pumps, status)

    def signal(self, number: signal.Signals) -> None:
        """To the container's PID 1. The kernel ends all others of the container with it."""
        if self._pidfd >= 0 and self._process.exit_code is None:
            signal_process(self._pidfd, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self._pidfd < 0:
            self._process.kill()

    async def until_it_heeds_sigterm(self) -> None:
        """Wait until PID 1 has a handler for SIGTERM, until 2 s after its start at most.

        The kernel drops a signal that PID 1 does not handle yet. An interpreter takes some 20 ms to get there, and
        many times that on a machine that starts all of a cluster's pods at once. Who waits for the signal without a
        handler blocks it all the time; a shell only as it starts a program.
        """
        status, blocked_since = Path(f"/proc/{self.pid}/status"), None
        with contextlib.suppress(OSError):
            while (now := time.monotonic()) < self._began + _HANDLER_SECONDS:
                masks = {kind: int(mask, 16) & _TERM for kind, mask in _MASKS.findall(status.read_bytes())}
                blocked_since = (blocked_since or now) if masks.get(b"Blk") else None
                if masks.get(b"Cgt") or (blocked_since and now - blocked_since >= _BLOCKED_SECONDS):
                    return
                await asyncio.sleep(_EXEC_POLL_SECONDS)

    async def wait(self) -> Ended:
        """How it ended, once all of its output is in the log."""
        code = await self._process.wait()
        await asyncio.wait([pump.finished for pump in self._pumps], timeout=_DRAIN_SECONDS)
        for pump in self._pumps:
            pump.abandon()
        self._close()
        return Ended(128 - code if code < 0 else code, self._start_failure(code))

    def _start_failure(self, code: int) -> str:
        """bubblewrap's only words for a failure are one line on the container's stderr."""
        errors = self._pumps[1]
        line = (errors.first_line or b"").decode(errors="replace")
        if code != 1 or errors.lines != 1 or not line.startswith("bwrap: "):
            return ""
        return line.removeprefix("bwrap: ")

    def _close(self) -> None:
        """bubblewrap writes to the status pipe when the container ends: it must stay open until then."""
        self.log.close()
        self._status.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    async def _reach_command(self) -> None:
        self.pid = await _child_pid(self._status.number)
        if not self.pid:
            await self._process.wait()
            return
        with contextlib.suppress(ProcessLookupError):
            self._pidfd = os.pidfd_open(self.pid)
        comm = Path(f"/proc/{self.pid}/comm")
        with contextlib.suppress(OSError):
            while self._process.exit_code is None and comm.read_text() == "bwrap\n":  # noqa: ASYNC110
                await asyncio.sleep(_EXEC_POLL_SECONDS)


async def _child_pid(status: int) -> int:
    """From bubblewrap's first JSON document, which comes in pieces; 0 if it ended before writing one."""
    written = b""
    while b"\n" not in written:
        await readable(status)
        piece = os.read(status, 4096)
        if not piece:
            return 0
        written += piece
    return int(json.loads(written.partition(b"\n")[0])["child-pid"])
