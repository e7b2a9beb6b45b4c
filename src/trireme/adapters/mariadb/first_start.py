"""A new data directory with its accounts. Only ever called on an empty directory (field failure 9)."""

from dataclasses import dataclass, field
from pathlib import Path

from trireme.adapters.mariadb.binaries import Binaries

SST_USER = "trireme_sst"
AGENT_USER = "trireme_agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts of a new cluster. Passwords never appear in repr, arguments, environment or log."""

    root_password: str = field(repr=False)
    database: str | None
    user: str | None
    password: str | None = field(repr=False)
    sst_password: str = field(repr=False)
    agent_password: str = field(repr=False)


async def initialize(binaries: Binaries, root: Path, accounts: Accounts, *, tmp_dir: Path) -> None:
    """Make ``root/data``, complete and flushed to disk, or leave none.

    It is built in ``root/data.new`` and renamed, so that a crash leaves nothing that looks like data.
    Raises PermanentError (directory not empty or not writable, a password that cannot be quoted) or
    TemporaryError (killed, disk full).
    """
    raise NotImplementedError
