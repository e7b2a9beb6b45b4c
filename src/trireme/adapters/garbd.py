"""The child garbd: started beside given members, listened to, ended in order."""

import asyncio
import contextlib
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from trireme.adapters.mariadb import reaper
from trireme.adapters.mariadb.binaries import SEARCH_PATH
from trireme.adapters.mariadb.process import read_lines
from trireme.base.errors import PermanentError, TemporaryError
from trireme.core.arbitration import Group

STOP_SECONDS = 10.0
"""garbd says goodbye to its group in less than a second."""
_COMPONENT = re.compile(r"New COMPONENT: primary = (yes|no), .*memb_num = (\d+)")
_STATE = re.compile(r"Shifting \w+ -> (\w+) ")


class Garbd:
    """One run. ``group`` is what its log said last; None before, and after it left."""

    def __init__(self, on_line: Callable[[str], None], on_change: Callable[[], None]) -> None:
        self._on_line = on_line
        self._on_change = on_change
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.group: Group | None = None
        self.last_error = ""
        self._synced = False

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(
        self, *, name: str, group: str, addresses: tuple[str, ...], options: str, work_dir: Path
    ) -> None:
        """Returns when the process runs. Raises PermanentError where garbd is not installed."""
        program = shutil.which("garbd", path=SEARCH_PATH)
        if program is None:
            raise PermanentError("garbd not found: install the package galera-arbitrator-4 in the image")
        hosts = ",".join(f"[{each}]:4567" if ":" in each else f"{each}:4567" for each in addresses)
        try:
            self._process = await asyncio.create_subprocess_exec(
                program,
                *("--address", f"gcomm://{hosts}", "--group", group, "--name", name, "--options", options),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd=work_dir,
                env={"PATH": SEARCH_PATH, "HOME": str(work_dir)},
                preexec_fn=reaper.die_with_parent,
            )
        except OSError as error:
            raise TemporaryError(f"{program} cannot be started: {error.strerror}") from error
        self.group, self._synced, self.last_error = None, False, ""
        self._reading = asyncio.create_task(self._read(self._process))

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL after STOP_SECONDS. Idempotent."""
        process = self._process
        if process is None or self._reading is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await asyncio.shield(self._reading)
                return
            except TimeoutError:
                continue

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in read_lines(process.stdout):
            self._on_line(line)
            if found := _COMPONENT.search(line):
                self._note(Group(found[1] == "yes", int(found[2]), self._synced))
            elif found := _STATE.search(line):
                self._synced = found[1] == "SYNCED"
                group = self.group
                self._note(Group(group.primary, group.size, self._synced) if group is not None else None)
            elif "ERROR" in line or "FATAL" in line:
                self.last_error = line.strip()
        await process.wait()
        self._synced = False
        self._note(None)

    def _note(self, group: Group | None) -> None:
        self.group = group
        self._on_change()
