"""``mariadb-upgrade`` on the running server, for this member alone.

It switches its own connections to ``SQL_LOG_BIN=0, WSREP_ON=OFF``: each member's system tables are its own business,
and changes of them in total order would stop the whole group.
"""

import asyncio
import contextlib
import os
import shutil
import signal
from collections import deque
from pathlib import Path

from trireme.adapters.mariadb import reaper
from trireme.adapters.mariadb.binaries import SEARCH_PATH
from trireme.adapters.mariadb.first_start import UPGRADE_USER
from trireme.adapters.mariadb.process import read_lines
from trireme.base.durable import write_durably
from trireme.base.errors import PermanentError, TemporaryError

UPGRADE_SECONDS = 6 * 3600.0
"""It looks at every table; a look takes milliseconds, unless the table must be repaired."""
_LINES = 5


async def run_upgrade(run_dir: Path, socket: Path, password: str) -> None:
    """Run it to its end. ``password``: letters and digits only, as mariadb-upgrade quotes it wrongly for its helpers.
    It writes the data's mark last, so that a run that broke off is begun anew.

    Raises PermanentError where the program is missing, TemporaryError with its last words where it failed.
    """
    program = shutil.which("mariadb-upgrade", path=SEARCH_PATH) or shutil.which(
        "mysql_upgrade", path=SEARCH_PATH
    )
    if program is None:
        raise PermanentError("mariadb-upgrade not found: install the package mariadb-client in the image")
    options = run_dir / "upgrade.cnf"
    text = f'[client]\nuser={UPGRADE_USER}\npassword={password}\nsocket="{socket}"\n'
    write_durably(options, text.encode(), mode=0o600)
    try:
        await _run(program, f"--defaults-file={options}", "--skip-write-binlog", "--silent")
    finally:
        options.unlink(missing_ok=True)


async def _run(program: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": SEARCH_PATH},
        start_new_session=True,
        preexec_fn=reaper.die_with_parent,
    )
    said: deque[str] = deque(maxlen=_LINES)
    try:
        async with asyncio.timeout(UPGRADE_SECONDS):
            assert process.stdout is not None
            async for line in read_lines(process.stdout):
                said.append(line.strip())
            await process.wait()
    except TimeoutError:
        raise TemporaryError(f"{program} did not finish in {UPGRADE_SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode != 0:
        raise TemporaryError(
            f"{program} ended with {process.returncode}: {' | '.join(said) or 'it said nothing'}"
        )
