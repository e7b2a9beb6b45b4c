"""What the probes answer: by phase and evidence, never by elapsed time of the work itself."""

from dataclasses import dataclass

from trireme.api.report import Phase, Report

LOOP_STALL_SECONDS = 60.0
"""The agent's loop bounds every outside call at 10 s or less; a minute without a round means that it hangs."""


@dataclass(frozen=True, slots=True)
class Health:
    ok: bool
    why: str


def live(since_last_round: float) -> Health:
    """Live: the loop runs. A member that joins, recovers or waits is alive, however long it takes."""
    if since_last_round <= LOOP_STALL_SECONDS:
        return Health(True, "the agent's loop runs")
    return Health(False, f"the agent's loop made no round for {since_last_round:.0f} s")


def started(rounds: int) -> Health:
    return (
        Health(True, "the agent decides")
        if rounds
        else Health(False, "the agent has not decided anything yet")
    )


def ready(report: Report) -> Health:
    """Ready: Primary, Synced (or a donor, which mariabackup does not block), accepting SQL, and not leaving."""
    if report.leaving or report.phase is Phase.LEAVING:
        return Health(False, "leaving: " + report.why)
    if report.server is None or not report.server.serving or report.phase is Phase.BLOCKED:
        return Health(False, f"{report.phase}: {report.why}")
    return Health(True, report.why)


def role(report: Report) -> str:
    """``primary`` for the one writer, ``secondary`` for everyone else."""
    writes = report.writer is not None and report.writer.ordinal == report.ordinal and report.primary
    return "primary" if writes and not report.leaving and report.phase is not Phase.BLOCKED else "secondary"
