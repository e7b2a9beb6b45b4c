"""Renders the complete my.cnf for one start of mariadbd. Pure."""

from dataclasses import dataclass, field
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """All that one start depends on. Addresses are IP addresses, without ports."""

    cluster: str
    node_name: str
    address: str
    peers: tuple[str, ...]
    """Addresses to join; empty to bootstrap."""
    data_dir: PurePosixPath
    run_dir: PurePosixPath
    tmp_dir: PurePosixPath
    provider: PurePosixPath
    notify_command: str
    sst_user: str
    sst_password: str = field(repr=False)
    version: tuple[int, int, int]
    donors: tuple[str, ...] = ()
    """Node names to prefer, best first; any other member may serve after them."""
    cpus: int = 1
    memory_bytes: int | None = None
    """The container's memory limit; None leaves the server's own defaults."""
    gcache_bytes: int = 128 * 1024 * 1024
    user_text: str = ""
    """The user's own my.cnf; it wins over everything but the invariants."""


def render(config: ServerConfig) -> str:
    """The text of my.cnf. Raises PermanentError naming the line, the setting and why it is refused."""
    raise NotImplementedError


def check_user_text(text: str) -> None:
    """Raise PermanentError, as :func:`render` would, without a membership at hand."""
    raise NotImplementedError
