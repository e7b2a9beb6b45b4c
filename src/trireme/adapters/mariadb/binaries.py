"""Finds the programs and the Galera provider of the MariaDB that is installed here."""

import asyncio
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from trireme.base.errors import PermanentError

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Given to the server too: mariadbd starts its transfer scripts, and they socat and mbstream, by PATH."""

PROVIDERS = (
    Path("/usr/lib/galera/libgalera_smm.so"),
    Path("/usr/lib/libgalera_smm.so"),
    Path("/usr/lib64/galera-4/libgalera_smm.so"),
    Path("/usr/lib64/galera/libgalera_smm.so"),
)
VERSION_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where each program is, and the server's version, such as (10, 11, 19)."""

    server: Path
    install_db: Path
    tzinfo: Path | None
    """Absent in some slim images: then no time zones are loaded."""
    provider: Path
    version: tuple[int, int, int]


async def find_binaries(path: str = SEARCH_PATH, providers: tuple[Path, ...] = PROVIDERS) -> Binaries:
    """Find what every later step needs. Raises PermanentError that says what to install."""
    server = _program(path, "mariadbd", "mysqld")
    transfer = ("wsrep_sst_mariabackup", "bash", "socat", "mbstream", "ps")
    missing = [name for name in transfer if shutil.which(name, path=path) is None]
    if missing:
        raise PermanentError(
            f"{', '.join(missing)} not found on {path}: state transfers need it; "
            "install the packages mariadb-backup, bash, socat and procps in the image"
        )
    return Binaries(
        server=server,
        install_db=_program(path, "mariadb-install-db", "mysql_install_db"),
        tzinfo=_optional(path, "mariadb-tzinfo-to-sql", "mysql_tzinfo_to_sql"),
        provider=_provider(providers),
        version=await _version(server),
    )


def _optional(path: str, *names: str) -> Path | None:
    found = (shutil.which(name, path=path) for name in names)
    return next((Path(name) for name in found if name), None)


def _program(path: str, *names: str) -> Path:
    found = _optional(path, *names)
    if found is None:
        raise PermanentError(
            f"{' or '.join(names)} not found on {path}: install mariadb-server in the image, "
            "or choose an image that has it"
        )
    return found


def _provider(candidates: tuple[Path, ...]) -> Path:
    for candidate in candidates:
        if candidate.exists():
            return candidate
    places = ", ".join(str(candidate) for candidate in candidates)
    raise PermanentError(f"no Galera provider (libgalera_smm.so) at {places}: install galera-4 in the image")


async def _version(server: Path) -> tuple[int, int, int]:
    process = await asyncio.create_subprocess_exec(
        server, "--no-defaults", "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(VERSION_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise PermanentError(f"{server} --version did not answer in {VERSION_SECONDS:.0f} s") from None
    text = output.decode(errors="replace")
    found = re.search(r"(\d+)\.(\d+)\.(\d+)-MariaDB", text)
    if found is None:
        raise PermanentError(f"{server} is not a MariaDB server: --version said {text.strip()[:200]!r}")
    return int(found[1]), int(found[2]), int(found[3])
