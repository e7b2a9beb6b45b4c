"""Processes inside a running container: `kubectl exec`, exec probes and hooks."""

import contextlib
import fcntl
import json
import os
import struct
import sys
import termios
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from trireme.sandbox.node.process import Process
from trireme.sandbox.node.runtime import Runtime
from trireme.sandbox.node.streams import Descriptor, chunks, memory_file, pipe, write_all

_ENTER = Path(__file__).with_name("enter.py")
_END_OF_TRANSMISSION = b"\x04"


@dataclass(frozen=True, slots=True)
class _Channels:
    """The three standard streams, at our end and at the process's. On a terminal ours are one."""

    ours: tuple[Descriptor | None, Descriptor, Descriptor | None]
    theirs: tuple[Descriptor, Descriptor, Descriptor]

    @classmethod
    def terminal(cls) -> Self:
        ours, theirs = (Descriptor(number) for number in os.openpty())
        os.set_blocking(ours.number, False)
        return cls((ours, ours, None), (theirs, theirs, theirs))

    @classmethod
    def pipes(cls, *, stdin: bool) -> Self:
        their_input, our_input = pipe() if stdin else (Descriptor(os.open(os.devnull, os.O_RDONLY)), None)
        our_output, their_output = pipe()
        our_errors, their_errors = pipe()
        for ours in (our_input, our_output, our_errors):
            if ours is not None:
                os.set_blocking(ours.number, False)
        return cls((our_input, our_output, our_errors), (their_input, their_output, their_errors))


class Inside:
    """Implements the API server's ``ExecProcess``."""

    def __init__(self, process: Process, channels: _Channels, *, tty: bool) -> None:
        self._process = process
        self._stdin, self._stdout, self._stderr = channels.ours
        self._tty = tty

    @classmethod
    async def start(cls, runtime: Runtime, command: Sequence[str], *, stdin: bool, tty: bool) -> Self:
        """Raises FileNotFoundError or PermissionError for the command, OSError when the container is gone."""
        channels = _Channels.terminal() if tty else _Channels.pipes(stdin=stdin)
        reading, report = pipe()
        order = memory_file("order", _order(runtime, command, report.number, tty=tty))
        process = Process.spawn(
            (sys.executable, "-I", "-S", str(_ENTER), str(order.number)),
            stdin=channels.theirs[0].number,
            stdout=channels.theirs[1].number,
            stderr=channels.theirs[2].number,
            pass_fds=(order.number, report.number),
            env={},
        )
        for descriptor in (order, report, *channels.theirs):
            descriptor.close()
        try:
            await _raise_reported(reading, command[0])
        except BaseException:
            process.kill()
            raise
        return cls(process, channels, tty=tty)

    @property
    def stdout(self) -> AsyncIterator[bytes]:
        return chunks(self._stdout)

    @property
    def stderr(self) -> AsyncIterator[bytes]:
        return chunks(self._stderr) if self._stderr is not None else _nothing()

    async def write(self, chunk: bytes) -> None:
        if self._stdin is not None:
            with contextlib.suppress(OSError):
                await write_all(self._stdin, chunk)

    async def close_stdin(self) -> None:
        if self._tty:
            await self.write(_END_OF_TRANSMISSION)
        elif self._stdin is not None:
            self._stdin.close()
            self._stdin = None

    def resize(self, *, width: int, height: int) -> None:
        if self._tty:
            fcntl.ioctl(self._stdout.number, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    async def wait(self) -> int:
        code = await self._process.wait()
        return 128 - code if code < 0 else code

    def kill(self) -> None:
        self._process.kill()


def _order(runtime: Runtime, command: Sequence[str], report: int, *, tty: bool) -> bytes:
    surroundings = runtime.surroundings
    environment = {**({"TERM": "xterm"} if tty else {}), **surroundings.environment}
    return json.dumps(
        {
            "pid": runtime.pid,
            "command": list(command),
            "environment": environment,
            "directory": surroundings.working_directory,
            "tty": tty,
            "report": report,
        }
    ).encode()


async def _raise_reported(reading: Descriptor, program: str) -> None:
    """Returns once the command runs: the report's other end is closed by exec."""
    os.set_blocking(reading.number, False)
    written = b"".join([chunk async for chunk in chunks(reading)])
    if written:
        reported = json.loads(written)
        raise OSError(reported["errno"], reported["message"], program)


async def _nothing() -> AsyncIterator[bytes]:
    none: tuple[bytes, ...] = ()
    for chunk in none:
        yield chunk
