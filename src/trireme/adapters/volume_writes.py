"""Whether the data volume takes writes. A disk that died, or a file system that went read-only for that, still lists and
reads; a server that recovers on it hangs, or ends with words that name a file and not the cause."""

import asyncio
import errno
import os
from contextlib import suppress
from pathlib import Path

from trireme.base.errors import PermanentError, TemporaryError

PROBE = "writable"
PROBE_SECONDS = 10.0
"""A disk that needs longer for one small write is of no use to a server; the loop's other calls have this bound, too."""
_SAID_ELSEWHERE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM)
"""Want of room (a full member still takes part in an election), and a volume that is another user's."""


class VolumeProbe:
    """At most one write is under way: on a disk that hangs its thread waits for as long as the disk does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._write: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Write, flush and remove a small file.

        Raises PermanentError where the volume refuses (it is a person who mends that), TemporaryError where it does not
        answer.
        """
        if self._write is None or self._write.done():
            self._write = asyncio.create_task(asyncio.to_thread(_write, self._folder))
        try:
            await asyncio.wait_for(asyncio.shield(self._write), PROBE_SECONDS)
        except TimeoutError as error:
            raise TemporaryError(
                f"the data volume has not taken a small write for {PROBE_SECONDS:.0f} s: does its disk hang?"
            ) from error
        except OSError as error:
            if error.errno in _SAID_ELSEWHERE:
                return
            raise PermanentError(
                f"the data volume takes no writes ({error.strerror}): mend it, and delete this pod where it must be "
                "mounted anew; if it is lost, delete its PVC and this pod, and the others give a copy of the data"
            ) from error


def _write(folder: Path) -> None:
    path = folder / PROBE
    try:
        with path.open("wb") as file:
            file.write(b"\n")
            file.flush()
            os.fsync(file.fileno())
    finally:
        with suppress(OSError):
            path.unlink()
