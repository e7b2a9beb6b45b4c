"""Child processes followed by pidfd: no thread per child, and no signal ever hits a pid that was reused."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence

FileDescriptor = int


class Process:
    """A child in a session of its own. Made inside a running event loop."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        self._popen = popen
        self._pidfd = os.pidfd_open(popen.pid)
        loop = asyncio.get_running_loop()
        self._exit: asyncio.Future[int] = loop.create_future()
        loop.add_reader(self._pidfd, self._reap)

    @classmethod
    def spawn(
        cls,
        argv: Sequence[str],
        *,
        stdin: FileDescriptor = subprocess.DEVNULL,
        stdout: FileDescriptor = subprocess.DEVNULL,
        stderr: FileDescriptor = subprocess.DEVNULL,
        pass_fds: Iterable[FileDescriptor] = (),
        env: Mapping[str, str] | None = None,
    ) -> "Process":
        """Start ``argv``. Raises OSError when its first word cannot be executed."""
        popen = subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=tuple(pass_fds),
            env=env,
            start_new_session=True,
        )
        return cls(popen)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number if a signal ended it."""
        return self._exit.result() if self._exit.done() else None

    async def wait(self) -> int:
        """The exit code. Cancelling the wait leaves the process alone."""
        return await asyncio.shield(self._exit)

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        if not self._exit.done():
            signal_process(self._pidfd, signal.SIGKILL)

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._exit.set_result(self._popen.wait())


def signal_process(pidfd: FileDescriptor, number: signal.Signals) -> None:
    """Does nothing if the process has ended."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, number)
