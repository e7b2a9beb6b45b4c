"""What the API server asks of the node that runs the pods: logs, and processes inside containers."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from trireme.sandbox.store.interface import Object


class NodeError(Exception):
    """The node cannot do it now (no such container yet, not running): HTTP 400 with this message."""


class ExecProcess(Protocol):
    """A process started inside a container. With a tty all output is ``stdout``."""

    @property
    def stdout(self) -> AsyncIterator[bytes]:
        """Chunks as they come, until the process and its heirs close the stream."""
        ...

    @property
    def stderr(self) -> AsyncIterator[bytes]: ...

    async def write(self, chunk: bytes) -> None:
        """To its standard input; waits while the process does not read, silent when it wants no more."""
        ...

    async def close_stdin(self) -> None:
        """End of file on standard input; on a tty, what Ctrl-D does."""
        ...

    def resize(self, *, width: int, height: int) -> None:
        """Columns and rows of the tty; ignored without one."""
        ...

    async def wait(self) -> int:
        """The exit code, 128 + signal when killed by one."""
        ...

    def kill(self) -> None:
        """End it now: its client went away. Harmless when it has ended."""
        ...


class NodeAccess(Protocol):
    """``pod`` is the object in the store; its uid tells instances of one name apart."""

    def logs(
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
        """Whole lines. ``since`` and ``tail`` (lines) select; ``follow`` goes on until the container ends.

        ``timestamps`` puts RFC 3339 with nanoseconds and a space before each line; ``previous`` reads the
        instance before the last restart. Raises NodeError on the first ``anext``, before any output.
        """
        ...

    async def exec(
        self, pod: Object, container: str, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> ExecProcess:
        """Start ``command`` in the container's namespaces, file system, user and environment.

        Raises NodeError when the container does not run, FileNotFoundError or PermissionError when the
        command cannot be started (kubectl then shows exit code 127 or 126).
        """
        ...
