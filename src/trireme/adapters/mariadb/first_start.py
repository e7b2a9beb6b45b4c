"""A new data directory with its accounts. Only ever called on an empty directory (field failure 9)."""

import asyncio
import contextlib
import ctypes
import hashlib
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from trireme.adapters.mariadb import reaper
from trireme.adapters.mariadb.binaries import SEARCH_PATH, Binaries
from trireme.adapters.mariadb.datadir import DATA, UNFINISHED
from trireme.api.names import OWN_USERS, reserved_user
from trireme.base.durable import sync_directory
from trireme.base.errors import PermanentError, TemporaryError

SST_USER = f"{OWN_USERS}sst"
AGENT_USER = f"{OWN_USERS}agent"
UPGRADE_USER = f"{OWN_USERS}upgrade"

ZONES = Path("/usr/share/zoneinfo")
STEP_SECONDS = 300.0
"""For each of the three programs. They need 1.2 s together on two idle cores; a slow network volume, minutes."""

_SST_PRIVILEGES = "RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, REPLICA MONITOR, CONNECTION ADMIN"
"""What mariadb-backup --galera-info of 10.11 to 11.8 asks for, and to end statements that block its locks."""
_AGENT_PRIVILEGES = (
    "PROCESS, READ_ONLY ADMIN, CONNECTION ADMIN, BINLOG ADMIN, REPLICATION MASTER ADMIN, REPLICATION SLAVE ADMIN,"
    " CREATE USER, SUPER"
)
"""The ADMINs and SUPER are what SET GLOBAL needs, CREATE USER is for changed passwords; no privilege on any data."""
_UPGRADE_PRIVILEGES = "ALL PRIVILEGES"
_WITH_GRANTS = {UPGRADE_USER: " WITH GRANT OPTION"}
"""mariadb-upgrade changes any system table and grants to MariaDB's own accounts. It has an account of its own: root's
password may hold quotes, which it cannot pass on, or be another than the Secret's."""
_AGENT_READS = "mysql.global_priv"
"""The accounts' password hashes, to compare them with the Secret's."""
_UNSYNCED = (
    "--loose-innodb-flush-method=nosync",
    "--innodb-flush-log-at-trx-commit=0",
    "--skip-innodb-doublewrite",
)
"""Nothing is worth a flush before all is there: then the volume is flushed once."""
_HASH = re.compile(r"\*[0-9A-F]{40}")
_OUTPUT_LINES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts of a new cluster. Passwords never appear in repr, arguments, environment or log."""

    root_password: str = field(repr=False)
    database: str | None
    user: str | None
    password: str | None = field(repr=False)
    sst_password: str = field(repr=False)
    agent_password: str = field(repr=False)
    upgrade_password: str = field(repr=False)


async def initialize(
    binaries: Binaries, root: Path, accounts: Accounts, *, tmp_dir: Path, config_file: Path | None = None
) -> None:
    """Make ``root/data``, complete and flushed to disk, or leave none.

    It is built in ``root/data.new`` and renamed, so that a crash leaves nothing that looks like data. With
    ``config_file``, settings that shape the files (innodb_page_size, lower_case_table_names …) are heeded.
    Raises PermanentError (the directory is not empty or not writable, a name that cannot be) or TemporaryError
    (killed, disk full, too slow).
    """
    statements = account_statements(accounts)
    data, unfinished = root / DATA, root / UNFINISHED
    if data.exists() and any(data.iterdir()):
        raise PermanentError(f"{data} is not empty: a first start there could destroy data, and is refused")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    options = (
        f"--defaults-file={config_file}" if config_file else "--no-defaults",
        f"--datadir={unfinished}",
        f"--tmpdir={tmp_dir}",
        "--loose-wsrep-on=OFF",
        "--loose-wsrep-provider=none",
        *_UNSYNCED,
    )
    own = ("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
    await _run((str(binaries.install_db), *options, *own), tmp_dir)
    zones = await _time_zones(binaries, tmp_dir)
    script = b"\n".join([b"USE mysql;", zones, *(line.encode() for line in statements), b""])
    await _run((str(binaries.server), *options, "--bootstrap"), tmp_dir, script)
    _sync_file_system(unfinished)
    unfinished.rename(data)
    sync_directory(root)


def account_statements(accounts: Accounts) -> list[str]:
    """SQL for ``mariadbd --bootstrap``. Passwords are in it as hashes only.

    Raises PermanentError for a database or user name that MariaDB, or Trireme, does not allow.
    """
    lines = [
        "DELETE FROM global_priv WHERE User = '' OR User = 'root';",
        "DELETE FROM proxies_priv WHERE NOT (User = 'root' AND Host = 'localhost');",
        "DELETE FROM db WHERE Db LIKE 'test%';",
        "FLUSH PRIVILEGES;",
    ]
    for host in ("localhost", "%"):
        root = f"'root'@'{host}'"
        lines.append(f"CREATE USER {root} {_identified(accounts.root_password)};")
        lines.append(f"GRANT ALL PRIVILEGES ON *.* TO {root} WITH GRANT OPTION;")
    for user, password, privileges in (
        (SST_USER, accounts.sst_password, _SST_PRIVILEGES),
        (AGENT_USER, accounts.agent_password, _AGENT_PRIVILEGES),
        (UPGRADE_USER, accounts.upgrade_password, _UPGRADE_PRIVILEGES),
    ):
        lines.append(f"CREATE USER '{user}'@'localhost' {_identified(password)};")
        lines.append(f"GRANT {privileges} ON *.* TO '{user}'@'localhost'{_WITH_GRANTS.get(user, '')};")
    lines.append(f"GRANT SELECT ON {_AGENT_READS} TO '{AGENT_USER}'@'localhost';")
    return [*lines, *_application(accounts), "FLUSH PRIVILEGES;"]


def _application(accounts: Accounts) -> list[str]:
    lines = []
    if accounts.database:
        _check_name("TRIREME_DATABASE", accounts.database, 64)
        lines.append(f"CREATE DATABASE {_identifier(accounts.database)} CHARACTER SET utf8mb4;")
    if accounts.user:
        _check_name("TRIREME_USER", accounts.user, 128)
        if reserved_user(accounts.user):
            raise PermanentError(
                f"TRIREME_USER: {accounts.user} is Trireme's or MariaDB's own; choose another"
            )
        user = f"{_string(accounts.user)}@'%'"
        lines.append(f"CREATE USER {user} {_identified(accounts.password or '')};")
        if accounts.database:
            pattern = re.sub(r"([_%\\])", r"\\\1", accounts.database)
            lines.append(f"GRANT ALL PRIVILEGES ON {_identifier(pattern)}.* TO {user};")
    return lines


def _check_name(variable: str, name: str, longest: int) -> None:
    if len(name) > longest or not name.isprintable() or name != name.strip() or "/" in name:
        raise PermanentError(
            f"{variable}: {name!r} cannot be a name in MariaDB: at most {longest} printable characters, "
            "no slash, no blank at either end"
        )


def _identified(password: str) -> str:
    """The hash is made here: no quoting can go wrong, and no server log can show the password."""
    if not password:
        raise PermanentError("a password is empty: fill the cluster's Secret")
    stage = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    digest = hashlib.sha1(stage, usedforsecurity=False).hexdigest().upper()
    return f"IDENTIFIED VIA mysql_native_password USING '*{digest}'"


def _identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _string(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


async def _time_zones(binaries: Binaries, tmp_dir: Path) -> bytes:
    """SQL that fills the time zone tables; empty where the image has no zones or no tool for them."""
    if binaries.tzinfo is None or not ZONES.is_dir():
        return b""
    return await _run((str(binaries.tzinfo), "--skip-write-binlog", str(ZONES)), tmp_dir, merge=False)


async def _run(command: tuple[str, ...], tmp_dir: Path, stdin: bytes = b"", *, merge: bool = True) -> bytes:
    """Run one program to its end; its output. Raises TemporaryError with its last lines if it fails."""
    errors = asyncio.subprocess.STDOUT if merge else asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={"PATH": SEARCH_PATH, "TMPDIR": str(tmp_dir)},
            start_new_session=True,
            preexec_fn=reaper.die_with_parent,
        )
    except OSError as error:
        raise PermanentError(f"{command[0]} cannot be started: {error.strerror}") from error
    async with _ended(process):
        try:
            async with asyncio.timeout(STEP_SECONDS):
                output, _ = await process.communicate(stdin)
        except TimeoutError:
            raise TemporaryError(f"{command[0]} did not finish in {STEP_SECONDS:.0f} s") from None
    if process.returncode != 0:
        lines = output.decode(errors="replace").strip().splitlines()[-_OUTPUT_LINES:]
        said = _HASH.sub("*(hidden)", " | ".join(lines))
        raise TemporaryError(f"{command[0]} ended with {process.returncode}: {said}")
    return output


@contextlib.asynccontextmanager
async def _ended(process: asyncio.subprocess.Process) -> AsyncIterator[None]:
    """Whatever happens inside, such as a cancellation, neither the program nor its children stay."""
    try:
        yield
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _sync_file_system(inside: Path) -> None:
    """Flush the volume: cheaper than fsync on each of 300 small files."""
    descriptor = os.open(inside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            raise TemporaryError(f"{inside} cannot be flushed to disk: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(descriptor)
