"""The agent's metrics in Prometheus' text format, made anew for each scrape.

The format is a few lines of text; prometheus-client would cost each pod 2 MB, and 6 MB more for the TLS it imports.
"""

import math
from collections.abc import Iterator, Mapping

from trireme.agent.member import Member
from trireme.api.names import PRIMARY
from trireme.api.report import Phase, Room, UpgradeState
from trireme.core import health

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_WORDS = {
    "ON": 1.0,
    "OFF": 0.0,
    "YES": 1.0,
    "NO": 0.0,
    "PRIMARY": 1.0,
    "NON-PRIMARY": 0.0,
    "DISCONNECTED": 0.0,
}
"""Words that exporters of MySQL status turn into numbers, so that existing Galera dashboards work."""


def render_metrics(member: Member) -> str:
    """All metrics of this member as of now."""
    status = member.status.raw if member.status is not None else {}
    return "".join([*_own(member), *_server(status)])


def _own(member: Member) -> Iterator[str]:
    report = member.report()
    yield _head("trireme_member_phase", "gauge", "1 for the phase that the member is in.")
    for phase in Phase:
        yield _sample("trireme_member_phase", float(report.phase is phase), phase=phase.value)
    writes = health.role(report) == PRIMARY
    yield _metric("trireme_member_ready", "gauge", "1 if it takes SQL with current data.", report.ready)
    yield _metric("trireme_member_writer", "gauge", "1 for the member that takes the writes.", writes)
    yield _metric("trireme_member_restarts_total", "counter", "Unasked ends of mariadbd.", member.restarts)
    words = "Ends of mariadbd by the kernel, for want of memory."
    yield _metric("trireme_member_memory_kills_total", "counter", words, member.memory_kills)
    words = "1 if it makes all writes wait for it (flow control), much of the last 30 s."
    yield _metric("trireme_member_slow", "gauge", words, member.slow)
    yield _metric(
        "trireme_member_rounds_total", "counter", "Decisions since the agent started.", member.rounds
    )
    unsettled = sum(not gap.settled for gap in report.gaps)
    words = "Times that the cluster went on without somebody's data, and nobody has settled it yet."
    yield _metric("trireme_member_gaps_open", "gauge", words, unsettled)
    if report.disk is not None:
        for what, amount in (("free", report.disk.free_bytes), ("size", report.disk.size_bytes)):
            yield _metric(f"trireme_member_volume_{what}_bytes", "gauge", f"Data volume: {what}.", amount)
        low = report.disk.room is Room.LOW
        yield _metric("trireme_member_volume_low", "gauge", "1 if its data volume is short of room.", low)
    if report.accounts is not None:
        words = "1 if the accounts' passwords are the Secret's; by the writer."
        yield _metric("trireme_accounts_in_step", "gauge", words, report.accounts.in_step)
    if report.upgrade is not None:
        due = report.upgrade.state is not UpgradeState.CURRENT
        words = "1 until the system tables are those of the server that runs."
        yield _metric("trireme_member_upgrade_due", "gauge", words, due)
    seqno = report.position.seqno if report.position is not None else -1
    yield _metric("trireme_member_seqno", "gauge", "Position; -1 where it is not known.", seqno)
    for way, count in (("received", member.received_bytes), ("sent", member.sent_bytes)):
        name = f"trireme_member_transfer_{way}_bytes"
        yield _metric(name, "gauge", f"Bytes {way} by the state transfer under way.", count or 0)
    yield _head("trireme_member_decision_info", "gauge", "The last decision, in words.")
    yield _sample("trireme_member_decision_info", 1.0, phase=report.phase.value, why=report.why)


def _server(status: Mapping[str, str]) -> Iterator[str]:
    for name, text in sorted(status.items()):
        number = _number(text)
        if number is not None:
            yield _metric(f"mysql_global_status_{name.lower()}", "untyped", f"Server status {name}.", number)


def _metric(name: str, kind: str, words: str, value: float) -> str:
    return _head(name, kind, words) + _sample(name, float(value))


def _head(name: str, kind: str, words: str) -> str:
    return f"# HELP {name} {words}\n# TYPE {name} {kind}\n"


def _sample(name: str, value: float, **labels: str) -> str:
    pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    number = int(value) if value.is_integer() else value
    return f"{name}{{{pairs}}} {number}\n" if pairs else f"{name} {number}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(text: str) -> float | None:
    word = text.strip().upper()
    if word in _WORDS:
        return _WORDS[word]
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
