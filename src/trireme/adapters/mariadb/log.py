"""The events worth knowing in a mariadbd log. A parser only: lines in, values out."""

import re
from dataclasses import dataclass
from typing import Literal

TransferKind = Literal["sst", "ist"]
TransferRole = Literal["joiner", "donor"]

_MOST_MEMBERS = 256
"""A view block with more is not one; it bounds what a garbled log can make this parser keep."""


@dataclass(frozen=True, slots=True)
class ViewSeen:
    """A ``View:`` block. ``uuid:seqno`` is its id; ``members`` are node names in the view's own order.

    The id of a non-Primary view is the member's position at that time, not a view's number. A member that
    joins by IST is told past views too: ``own_index`` is -1 in those, as it was not in them.
    """

    uuid: str
    seqno: int
    primary: bool
    members: tuple[str, ...]
    own_index: int


@dataclass(frozen=True, slots=True)
class TransferSeen:
    """A step of a state transfer. ``peer`` is the other side's node name, '' where the log does not say."""

    kind: TransferKind
    role: TransferRole
    step: Literal["began", "completed", "failed"]
    peer: str
    detail: str


@dataclass(frozen=True, slots=True)
class FatalSeen:
    """A line after which the server gives up, with what a person can do about it."""

    line: str
    advice: str
    setting: bool = False
    """A setting is at fault: no other try ends differently before a person changes it."""


@dataclass(frozen=True, slots=True)
class ConnectionSeen:
    """The server opened its connection to the group, or closed it. Only the log tells the latter every time:
    after an IST that came short, ``wsrep_connected`` stays ON."""

    open: bool


LogEvent = ViewSeen | TransferSeen | FatalSeen | ConnectionSeen

_VIEW_BEGIN = re.compile(r"^View:$|WSREP: Recovered view from SST:$")
_VIEW_FIELD = re.compile(r"^  (id|status|own_index|members)(?:\(\d+\))?:(?: (.*))?$")
_VIEW_MEMBER = re.compile(r"^\t\d+: [0-9a-f-]{36}, (.*)$")

_CONNECTION = re.compile(r"WSREP: Shifting (?:(?P<opened>CLOSED -> OPEN)|\w+ -> CLOSED) ")

_TRANSFERS: tuple[
    tuple[re.Pattern[str], TransferKind, TransferRole, Literal["began", "completed", "failed"]], ...
] = (
    (re.compile(r"WSREP_SST: .*Proceeding with (?P<detail>SST)"), "sst", "joiner", "began"),
    (re.compile(r"mariabackup SST completed on (?P<detail>joiner)"), "sst", "joiner", "completed"),
    (
        re.compile(r"Process completed with error: (?P<detail>wsrep_sst_\w+ --role 'joiner')"),
        "sst",
        "joiner",
        "failed",
    ),
    (re.compile(r"Bypassing the SST for (?P<detail>IST)"), "ist", "donor", "began"),
    (re.compile(r"Streaming the backup to joiner at (?P<detail>\S+)"), "sst", "donor", "began"),
    (re.compile(r"mariabackup SST completed on (?P<detail>donor)"), "sst", "donor", "completed"),
    (
        re.compile(r"Process completed with error: (?P<detail>wsrep_sst_\w+ --role 'donor')"),
        "sst",
        "donor",
        "failed",
    ),
    (re.compile(r"Receiving IST: (?P<detail>\d+ writesets, seqnos \d+-\d+)"), "ist", "joiner", "began"),
    (re.compile(r"IST received: (?P<detail>\S+)"), "ist", "joiner", "completed"),
    (
        re.compile(r"State transfer to \S+ \((?P<peer>[^)]*)\) failed: (?P<detail>.*)"),
        "sst",
        "donor",
        "failed",
    ),
)

_FATAL: tuple[tuple[str, str], ...] = (
    (
        "It may not be safe to bootstrap the cluster",
        "grastate.dat says safe_to_bootstrap: 0; the agents elect who starts",
    ),
    ("failed to reach primary view", "no member that it was told to join is in a Primary; it is tried again"),
    (
        "Address already in use",
        "something else listens on one of the ports 3306, 4567, 4568, 4444 of this address",
    ),
    ("No space left on device", "the data volume is full: make it larger, or make room"),
    ("exceeds available storage space", "the data volume is full: make it larger, or make room"),
    ("Permission denied", "a file of the data directory belongs to another user: mend the volume's owner"),
    ("Database page corruption", "InnoDB found a corrupt page: the copy on this volume is damaged"),
    (
        "InnoDB: Plugin initialization aborted",
        "InnoDB could not start on this data directory; see the lines before",
    ),
    ("Cannot allocate memory", "the memory limit is too small for innodb_buffer_pool_size"),
    ("previous SST script still running", "marks of a broken state transfer were left in the data directory"),
    (
        "Access denied for user 'trireme_sst'",
        "the donor refused the SST user: the token of the Secret was changed",
    ),
    ("Inconsistency detected", "this member's data differs from the group's; it left, and takes a new copy"),
)


_PROGRAM = re.compile(r"^\S*(?:mariadbd|mysqld): ")
_SETTINGS: tuple[tuple[str, str], ...] = (
    ("Unknown suffix", "a value in my.cnf is not a number that the server understands"),
    (
        "unknown variable",
        "my.cnf has a setting that this MariaDB does not know: take it out, or write loose- before it",
    ),
    (
        "unknown option",
        "my.cnf has an option that this MariaDB does not know: take it out, or write loose- before it",
    ),
    ("Bad value for", "wsrep_provider_options in my.cnf has a value that Galera does not take"),
    (
        "Unrecognized parameter",
        "wsrep_provider_options in my.cnf has an option that this Galera does not know",
    ),
)


class LogParser:
    """Feed it every line in order; memory is bounded by one view block."""

    def __init__(self) -> None:
        self._view: dict[str, str] | None = None
        self._members: list[str] = []

    def feed(self, line: str) -> LogEvent | None:
        """The event that this line completes, if any."""
        if self._view is not None:
            return self._feed_view(line)
        if _VIEW_BEGIN.search(line):
            self._view, self._members = {}, []
            return None
        if "SST" in line or "IST" in line or "tate transfer" in line:
            return _transfer(line)
        if "ERROR" in line:
            return _fatal(line)
        if found := _CONNECTION.search(line):
            return ConnectionSeen(open=found["opened"] is not None)
        return None

    def _feed_view(self, line: str) -> ViewSeen | None:
        """A block ends with a line of equals signs or an empty one; other lines within are other threads'."""
        assert self._view is not None
        if member := _VIEW_MEMBER.match(line):
            if len(self._members) < _MOST_MEMBERS:
                self._members.append(member[1])
        elif entry := _VIEW_FIELD.match(line):
            self._view[entry[1]] = entry[2] or ""
        elif not line or line.startswith("======"):
            view, self._view = self._view, None
            return _view(view, tuple(self._members))
        return None


def _view(entries: dict[str, str], members: tuple[str, ...]) -> ViewSeen | None:
    uuid, _, seqno = entries.get("id", "").rpartition(":")
    try:
        return ViewSeen(
            uuid=uuid,
            seqno=int(seqno),
            primary=entries.get("status") == "primary",
            members=members,
            own_index=int(entries.get("own_index", "-1")),
        )
    except ValueError:
        return None


def _transfer(line: str) -> LogEvent | None:
    for pattern, kind, role, step in _TRANSFERS:
        if found := pattern.search(line):
            named = found.groupdict()
            return TransferSeen(kind, role, step, named.get("peer") or "", named.get("detail") or "")
    return _fatal(line) if "ERROR" in line else None


def _fatal(line: str) -> FatalSeen | None:
    for words, advice in _SETTINGS:
        if words in line:
            said = _PROGRAM.sub("", line.partition("[ERROR]")[2].strip())
            return FatalSeen(line, f"{said}: {advice}", setting=True)
    return next((FatalSeen(line, advice) for words, advice in _FATAL if words in line), None)
