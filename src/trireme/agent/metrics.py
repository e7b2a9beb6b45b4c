"""The agent's metrics, in Prometheus' text format, made anew for each scrape."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from trireme.agent.member import Member
from trireme.api.names import PRIMARY
from trireme.api.report import Phase
from trireme.core import health

_STATES = {
    "ON": 1.0,
    "OFF": 0.0,
    "YES": 1.0,
    "NO": 0.0,
    "PRIMARY": 1.0,
    "NON-PRIMARY": 0.0,
    "DISCONNECTED": 0.0,
}
"""Words that exporters of MySQL status turn into numbers, so that existing Galera dashboards work."""


def render_metrics(member: Member) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(member))
    return generate_latest(registry)


class _Snapshot(Collector):
    def __init__(self, member: Member) -> None:
        self._member = member

    def collect(self) -> Iterator[Metric]:
        yield from self._own()
        status = self._member.status
        for name, text in sorted((status.raw if status is not None else {}).items()):
            number = _number(text)
            if number is not None:
                yield GaugeMetricFamily(
                    f"mysql_global_status_{name.lower()}", f"Server status {name}.", number
                )

    def _own(self) -> Iterator[Metric]:
        member, report = self._member, self._member.report()
        phases = GaugeMetricFamily("trireme_member_phase", "1 for the member's phase.", labels=["phase"])
        for phase in Phase:
            phases.add_metric([phase.value], float(report.phase is phase))
        yield phases
        writes = float(health.role(report) == PRIMARY)
        yield GaugeMetricFamily(
            "trireme_member_ready", "1 if it takes SQL with current data.", float(report.ready)
        )
        yield GaugeMetricFamily("trireme_member_writer", "1 for the member that takes the writes.", writes)
        yield CounterMetricFamily("trireme_member_restarts", "Unasked ends of mariadbd.", member.restarts)
        yield CounterMetricFamily(
            "trireme_member_rounds", "Decisions since the agent started.", member.rounds
        )
        seqno = report.position.seqno if report.position is not None else -1
        yield GaugeMetricFamily("trireme_member_seqno", "Position, -1 where it is not known.", seqno)
        received = report.received_bytes or 0
        yield GaugeMetricFamily(
            "trireme_member_transfer_received_bytes", "State transfer under way.", received
        )
        decision = InfoMetricFamily("trireme_member_decision", "The last decision, in words.")
        decision.add_metric([], {"phase": report.phase.value, "why": report.why})
        yield decision


def _number(text: str) -> float | None:
    word = text.strip().upper()
    if word in _STATES:
        return _STATES[word]
    try:
        return float(text)
    except ValueError:
        return None
