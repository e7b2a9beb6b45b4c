"""The user's own my.cnf: what it says, and what of it would break an invariant. Pure.

The text is read as MariaDB reads it (``mysys/my_default.c``): the last line wins, ``-`` and ``_`` are one
character, options may be abbreviated, and ``loose-``, ``skip-``, ``enable-`` … may precede them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from trireme.base.errors import PermanentError

LONGEST_LINE = 4000
"""MariaDB reads 4096 bytes at a time and takes the rest of a longer line for the next one."""

_SERVER_SECTION = re.compile(r"(mysqld|mariadbd|mariadb|server|client-server|galera)(-\d+(\.\d+)?)?")
_PREFIXES = ("loose_", "skip_", "disable_", "enable_", "maximum_")
_YES = frozenset({"", "1", "on", "yes", "true"})
OPTIONS = "wsrep_provider_options"

_OWN = "Trireme sets it for each start from what it knows of the cluster"
_SUPERVISION = "Trireme reaches and supervises the server by it"
_REFUSED: dict[str, tuple[str, frozenset[str]]] = {
    "datadir": (_SUPERVISION, frozenset()),
    "socket": (_SUPERVISION, frozenset()),
    "pid_file": (_SUPERVISION, frozenset()),
    "port": ("the Services and the other members expect 3306", frozenset({"3306"})),
    "log_error": ("the server's log goes to the container's log, where Trireme reads it", frozenset()),
    "user": ("the server runs as the container's user", frozenset()),
    "bootstrap": ("it is for making system tables; Trireme does that on the first start", frozenset()),
    "wsrep_on": ("a member that does not replicate loses what is written to it", _YES),
    "wsrep_provider": ("Trireme finds the provider of the installed MariaDB", frozenset()),
    "plugin_wsrep_provider": (
        "with it, Trireme could give no vote and make no Primary while the server runs",
        frozenset({"off", "0", "false", "no"}),
    ),
    "wsrep_cluster_address": ("two members could start two clusters (invariant 1); " + _OWN, frozenset()),
    "wsrep_cluster_name": (_OWN, frozenset()),
    "wsrep_new_cluster": ("two members could start two clusters (invariant 1)", frozenset()),
    "wsrep_start_position": ("it makes the server lie about its data (invariant 3)", frozenset()),
    "wsrep_recover": ("Trireme asks for the position by itself", frozenset()),
    "wsrep_data_home_dir": (_SUPERVISION, frozenset()),
    "wsrep_node_name": (_OWN, frozenset()),
    "wsrep_node_address": (_OWN, frozenset()),
    "wsrep_node_incoming_address": (_OWN, frozenset()),
    "wsrep_sst_receive_address": (_OWN, frozenset()),
    "wsrep_sst_auth": ("Trireme makes these credentials and keeps them secret", frozenset()),
    "wsrep_notify_cmd": ("Trireme records each view by it (invariant 4)", frozenset()),
    "wsrep_sst_method": (
        "only mariabackup keeps the donor readable: rsync blocks it, and fails in containers; mysqldump and "
        "clone are not resumed after a crash (invariant 8)",
        frozenset({"mariabackup"}),
    ),
}
_OPTION_VARIABLE = "wsrep_provider_"
"""Of MariaDB 11: provider options as variables, which are not judged here."""
_AS_OPTION = f"write it as an option in {OPTIONS}, where Trireme can check it"
_REFUSED_OPTIONS: dict[str, str] = {
    "pc.ignore_sb": "both halves of a split cluster would take writes (invariant 1)",
    "pc.ignore_quorum": "both halves of a split cluster would take writes (invariant 1)",
    "pc.npvo": "of two Primary Components the newer would win, and the other's data be lost (invariant 2)",
    "pc.recovery": "Galera would elect beside Trireme (invariant 7)",
    "pc.weight": "Trireme gives each member one vote, and none to a member whose data has not arrived",
    "pc.bootstrap": "two members could start two clusters (invariant 1)",
    "pc.wait_prim": "Trireme decides when a member starts alone",
    "evs.auto_evict": "members that are only slow would be shut out until restarted",
    "evs.evict": "members would be shut out until restarted",
    "gmcast.group": _OWN,
    "gmcast.listen_addr": _OWN,
    "gmcast.isolate": "the member would leave its cluster",
    "ist.recv_addr": _OWN,
    "ist.recv_bind": _OWN,
    "base_dir": _SUPERVISION,
    "base_host": _OWN,
    "base_port": _OWN,
    "gcache.dir": "the cache must lie on the member's volume to serve a restart",
    "gcache.name": "the cache must be found again after a restart",
}
_WARNED: dict[str, tuple[frozenset[str], str]] = {
    "innodb_force_recovery": (
        frozenset({"0"}),
        "the storage engine skips part of its recovery: take it out as soon as the data is saved elsewhere",
    ),
    "innodb_flush_log_at_trx_commit": (
        frozenset({"1"}),
        "committed transactions can be lost when members crash in quick succession (MDEV-38974)",
    ),
    "innodb_doublewrite": (_YES, "a crash can leave torn pages that make the member's data useless"),
    "binlog_format": (frozenset({"row"}), "Galera replicates rows only"),
    "innodb_autoinc_lock_mode": (frozenset({"2"}), "other modes deadlock parallel appliers"),
    "grant_tables": (_YES, "anyone who reaches the port may do anything"),
}


@dataclass(frozen=True, slots=True)
class UserConfig:
    """``text`` is what to append to the rendered file, without the provider options, which are merged."""

    text: str
    provider_options: dict[str, str]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Setting:
    line: int
    written: str
    name: str
    value: str


def read_user_config(text: str) -> UserConfig:
    """Read and check. Raises PermanentError naming the line, the setting, and why it is refused."""
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    options: dict[str, str] = {}
    warnings: list[str] = []
    for setting in _server_settings(lines):
        _refuse(setting)
        if setting.name == OPTIONS:
            options.update(_provider_options(setting))
            lines[setting.line - 1] = f"# merged into {OPTIONS} above: {lines[setting.line - 1].strip()}"
        elif (warning := _warning(setting)) is not None:
            warnings.append(warning)
    return UserConfig("\n".join(lines).strip("\n"), options, tuple(warnings))


def _server_settings(lines: list[str]) -> Iterator[_Setting]:
    """Settings that mariadbd reads. Lines before the first section count: they are appended to [mariadbd]."""
    for_server = True
    for number, line in enumerate(lines, 1):
        if len(line.encode()) > LONGEST_LINE or "\0" in line:
            raise PermanentError(
                f"my.cnf line {number}: longer than {LONGEST_LINE} bytes, or not text; shorten it"
            )
        content = line.strip(" \t\r\v\f")
        if not content or content[0] in "#;":
            continue
        if content.startswith("!"):
            raise PermanentError(
                f"my.cnf line {number}: {content.split()[0]} is refused, because what it includes cannot be "
                "checked; put the settings here"
            )
        if content.startswith("["):
            section = content[1:].partition("]")[0].strip().lower()
            for_server = _SERVER_SECTION.fullmatch(section) is not None
        elif for_server:
            yield _parse_setting(number, content)


def _parse_setting(number: int, content: str) -> _Setting:
    key, _, value = content.partition("=")
    written = key.partition("#")[0].strip()
    name = written.lower().lstrip("-").replace("-", "_")
    value = _unquote(value)
    while prefix := next((prefix for prefix in _PREFIXES if name.startswith(prefix)), None):
        name = name.removeprefix(prefix)
        if prefix in ("skip_", "disable_"):
            value = "OFF"
    return _Setting(number, written, name, value)


def _unquote(value: str) -> str:
    """The value without its end comment and quotes; escapes stay, as none matters to what is judged here."""
    value = value.strip(" \t\r\v\f")
    if value[:1] in ("'", '"'):
        closing = re.match(rf"{value[0]}((?:\\.|[^\\])*?){value[0]}", value)
        return closing[1] if closing else value
    return value.partition("#")[0].strip()


def why_refused(name: str, value: str) -> str | None:
    """The reason why a variable may not have this value, wherever it is set; None where it may."""
    if name == OPTIONS:
        keys = (pair.partition("=")[0].strip().lower() for pair in value.split(";"))
        return next((f"{key}: {_REFUSED_OPTIONS[key]}" for key in keys if key in _REFUSED_OPTIONS), None)
    if name.startswith(_OPTION_VARIABLE) and not OPTIONS.startswith(name):
        return _AS_OPTION
    why, allowed = _REFUSED.get(name, ("", frozenset()))
    return why if why and value.lower() not in allowed else None


def _refuse(setting: _Setting) -> None:
    why = why_refused(setting.name, setting.value) if setting.name != OPTIONS else None
    if why is not None:
        raise PermanentError(f"my.cnf line {setting.line}: {setting.written} is refused: {why}; take it out")
    if setting.name not in _REFUSED and setting.name != OPTIONS:
        full = next((name for name in (*_REFUSED, OPTIONS) if name.startswith(setting.name)), None)
        if full is not None:
            raise PermanentError(
                f"my.cnf line {setting.line}: {setting.written} would be taken for {full}: spell the setting out"
            )


def _provider_options(setting: _Setting) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in setting.value.split(";"):
        key, _, value = (part.strip() for part in pair.partition("="))
        if not key:
            continue
        if key.lower() in _REFUSED_OPTIONS:
            raise PermanentError(
                f"my.cnf line {setting.line}: {setting.written}: {key} is refused: "
                f"{_REFUSED_OPTIONS[key.lower()]}; take it out"
            )
        options[key] = value
    return options


def _warning(setting: _Setting) -> str | None:
    harmless, why = _WARNED.get(setting.name, (frozenset(), ""))
    if not why or setting.value.lower() in harmless:
        return None
    return f"my.cnf line {setting.line}: {setting.written}={setting.value}: {why}"
