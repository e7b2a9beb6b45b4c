"""Renders the complete my.cnf for one start of mariadbd. Pure.

Three layers, each winning over the one before: durable and consistent defaults (docs: safe by default), what
this start of this member needs, and the user's own text, of which :mod:`trireme.manifests.user_config` refuses
only what would break an invariant.
"""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import PurePosixPath

from trireme.base.errors import PermanentError
from trireme.manifests.user_config import read_user_config

SQL_PORT = 3306
GROUP_PORT = 4567
IST_PORT = 4568
SST_PORT = 4444

MIB = 1024 * 1024

MAKE_PRIMARY = "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'"
GIVE_VOTE = "SET GLOBAL wsrep_provider_options = 'pc.weight=1'"
"""To be executed on a member that was started without a vote, when it is synced. Idempotent."""
_SNAPSHOT_ISOLATION_SINCE = ((10, 6, 18), (10, 11, 8), (11, 0, 6), (11, 1, 5), (11, 2, 4), (11, 4, 2))
"""The first release with innodb_snapshot_isolation in each series (MDEV-35124); every later series has it."""

_PROVIDER_PLUGIN_SINCE = (11, 0)
"""From there on a plugin makes each provider option a variable, and then ``wsrep_provider_options`` cannot be set while
the server runs: no vote could be given. Its option shares the name of ``wsrep_provider``, so that 11.8.9 loads it."""

_SOCAT_RETRY = "retry=120,interval=0.25"
"""A donor connects again for 30 s while the joiner's receiver is not up yet, rather than fail at once."""

_FAILURE_DETECTION = {
    "evs.suspect_timeout": "PT2S",
    "evs.inactive_timeout": "PT6S",
    "evs.install_timeout": "PT6S",
    "evs.keepalive_period": "PT0.1S",
    "evs.inactive_check_period": "PT0.25S",
}
"""The survivors are Primary again 2.5 s (at most 4.3 s) after a kill, never stuck in 40 runs on two busy cores."""

_JOINING = {"evs.join_retrans_period": "PT0.1S", "gmcast.time_wait": "PT1S"}
"""To let a member in, the group stops writes for 0.32 s [0.21-0.39]; with keepalive 0.5 s and retransmission 0.2 s for
0.69 s [0.27-1.34] (n=10 each, in turn, two busy cores). Two members that join together are both in after 2.0-3.1 s
(n=5), 4.6-7.8 s (n=10) with the defaults of 1 s and 5 s: each rejects the other's second connection, and time_wait
keeps it out that long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """All that one start depends on. Addresses are IP addresses, without ports."""

    cluster: str
    """The name of the group: servers of another name do not connect."""
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
    votes: bool = True
    """False for a member that joins without data: it takes no part in the group's quorum (pc.weight = 0), so
    that its death in the state transfer cannot cost the others their Primary. Once synced, it is given its
    vote by :data:`GIVE_VOTE`."""
    donors: tuple[str, ...] = ()
    """Node names to prefer, best first; any other member may serve after them."""
    cpus: int = 1
    memory_bytes: int | None = None
    """The container's memory limit; None leaves the server's own defaults."""
    gcache_bytes: int = 128 * MIB
    user_text: str = ""
    """The user's own my.cnf; it wins over everything but the invariants."""


def render(config: ServerConfig) -> str:
    """The text of my.cnf. Raises PermanentError naming the line, the setting and why it is refused."""
    user = read_user_config(config.user_text)
    sections = [
        "# Written by trireme for this start of the server; changes are lost. Settings of your own: my.cnf",
        _section("mariadbd", "Where this server lives", _place(config)),
        _section("mariadbd", "Durable and consistent", _defaults(config)),
        _section("mariadbd", "Sized to the container", _sizes(config)),
        _section("mariadbd", "Membership", _membership(config, user.provider_options)),
        _section("sst", "State transfers", _transfers(config)),
    ]
    if user.text:
        sections.append(f"# The user's my.cnf\n[mariadbd]\n{user.text}\n")
    return "\n".join(sections)


def check_user_text(text: str) -> tuple[str, ...]:
    """Warnings about the user's my.cnf. Raises PermanentError for what :func:`render` would refuse."""
    return read_user_config(text).warnings


def _section(name: str, title: str, settings: dict[str, str]) -> str:
    lines = [f"{key} = {_value(key, value)}" if value else key for key, value in settings.items()]
    return "\n".join([f"# {title}", f"[{name}]", *lines, ""])


def _value(key: str, value: str) -> str:
    """Quoted where MariaDB would otherwise cut the value at ``#`` or ``;`` or read an escape."""
    if "\n" in value or "\r" in value or "\0" in value:
        raise PermanentError(f"{key}: {value[:40]!r} holds a line break, which a my.cnf cannot; change it")
    if any(character in value for character in "#;\"'\\ "):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value


def _place(config: ServerConfig) -> dict[str, str]:
    return {
        "datadir": str(config.data_dir),
        "socket": str(config.run_dir / "mysqld.sock"),
        "pid_file": str(config.run_dir / "mysqld.pid"),
        "tmpdir": str(config.tmp_dir),
        "bind_address": config.address if _loopback(config) else "*",
        "port": str(SQL_PORT),
        "skip_name_resolve": "ON",
    }


def _defaults(config: ServerConfig) -> dict[str, str]:
    settings = {
        "default_storage_engine": "InnoDB",
        "character_set_server": "utf8mb4",
        "binlog_format": "ROW",
        "sync_binlog": "1",
        "innodb_flush_log_at_trx_commit": "1",
        "innodb_doublewrite": "ON",
        "innodb_autoinc_lock_mode": "2",
        "local_infile": "OFF",
        "skip_symbolic_links": "",
    }
    if _has_snapshot_isolation(config.version):
        settings["innodb_snapshot_isolation"] = "ON"
    return settings | {"wsrep_sync_wait": "1"}


def _sizes(config: ServerConfig) -> dict[str, str]:
    settings = {"wsrep_slave_threads": str(max(2, min(2 * config.cpus, 16)))}
    if config.memory_bytes is not None:
        share = 2 if config.memory_bytes >= 1024 * MIB else 4
        pool = max(32, config.memory_bytes // share // MIB // 8 * 8)
        settings["innodb_buffer_pool_size"] = f"{pool}M"
        settings["innodb_log_file_size"] = f"{max(96, min(pool // 4, 2048))}M"
    return settings


def _membership(config: ServerConfig, user_options: dict[str, str]) -> dict[str, str]:
    options = _provider_options(config) | user_options
    settings = {
        "wsrep_on": "ON",
        "wsrep_provider": str(config.provider),
        "wsrep_cluster_name": config.cluster,
        "wsrep_cluster_address": "gcomm://" + ",".join(_host(peer) for peer in config.peers),
        "wsrep_node_name": config.node_name,
        "wsrep_node_address": _host(config.address),
        "wsrep_node_incoming_address": f"{_host(config.address)}:{SQL_PORT}",
        "wsrep_provider_options": ";".join(f"{key}={value}" for key, value in options.items()),
        "wsrep_notify_cmd": config.notify_command,
        "wsrep_sst_method": "mariabackup",
        "wsrep_sst_auth": f"{config.sst_user}:{config.sst_password}",
        "wsrep_sst_receive_address": f"{_host(config.address)}:{SST_PORT}",
    }
    if config.version[:2] >= _PROVIDER_PLUGIN_SINCE:
        settings["loose_plugin_wsrep_provider"] = "OFF"
    if config.donors:
        settings["wsrep_sst_donor"] = ",".join(config.donors) + ","
    return settings


def _provider_options(config: ServerConfig) -> dict[str, str]:
    everywhere = "::" if ip_address(config.address).version == 6 else "0.0.0.0"  # noqa: S104
    listen = config.address if _loopback(config) else everywhere
    own = _host(config.address)
    return {
        "gmcast.listen_addr": f"tcp://{_host(listen)}:{GROUP_PORT}",
        "ist.recv_addr": f"{own}:{IST_PORT}",
        "ist.recv_bind": f"{_host(listen)}:{IST_PORT}",
        "pc.recovery": "no",
        "pc.weight": "1" if config.votes else "0",
        "gcache.dir": str(config.data_dir),
        "gcache.size": f"{config.gcache_bytes // MIB}M",
        "gcache.recover": "yes",
        **_FAILURE_DETECTION,
        **_JOINING,
        # One writer: the interval need not shrink with more members, and short bursts need not stop it.
        "gcs.fc_single_primary": "yes",
        "gcs.fc_limit": "128",
    }


def arbitrator_options(address: str) -> str:
    """Provider options of an arbitrator at ``address``: it must see a loss as soon as the members do."""
    loopback = ip_address(address).is_loopback
    everywhere = "::" if ip_address(address).version == 6 else "0.0.0.0"  # noqa: S104
    options = {
        "gmcast.listen_addr": f"tcp://{_host(address if loopback else everywhere)}:{GROUP_PORT}",
        "pc.recovery": "no",
        **_FAILURE_DETECTION,
        **_JOINING,
    }
    return ";".join(f"{key}={value}" for key, value in options.items())


def _transfers(config: ServerConfig) -> dict[str, str]:
    bind = f"bind={_host(config.address)}," if _loopback(config) else ""
    return {
        "streamfmt": "mbstream",
        "transferfmt": "socat",
        "sockopt": f"{bind}{_SOCAT_RETRY}",
        # No limit: a joiner may wait for hours while the donor serves another. Galera tells it of a donor that fails.
        "sst_initial_timeout": "0",
        "sst_log_archive": "0",
        "time": "1",
    }


def _loopback(config: ServerConfig) -> bool:
    return ip_address(config.address).is_loopback


def _host(address: str) -> str:
    return f"[{address}]" if ip_address(address).version == 6 else address


def _has_snapshot_isolation(version: tuple[int, int, int]) -> bool:
    since = next((first for first in _SNAPSHOT_ISOLATION_SINCE if first[:2] == version[:2]), None)
    return version >= since if since is not None else version > _SNAPSHOT_ISOLATION_SINCE[-1]
