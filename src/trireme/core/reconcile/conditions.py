"""Each aspect of a cluster, whether it holds, and why: the words of docs/operator.md."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from trireme.core import pace
from trireme.core.cluster_conditions import describe_gap
from trireme.core.reconcile.actions import ClusterPhase, Decision
from trireme.core.reconcile.facts import (
    declared,
    histories,
    is_slow,
    led_elsewhere,
    podless,
    primaries,
    served_by,
    serves,
    synced,
    trouble,
    without_vote,
    writer,
)
from trireme.core.reconcile.roll import outdated
from trireme.core.reconcile.seen import View


class Aspect(StrEnum):
    """The types of conditions."""

    READY = "Ready"
    """Clients that write are led to a writer that serves."""
    HEALTHY = "Healthy"
    """Every member is Synced, and the arbitrator, where one is wanted, has its vote."""
    PROGRESSING = "Progressing"
    """The operator is changing something and gets on with it."""
    RECOVERING = "Recovering"
    """No Primary lives, and there was one: the members find out who has the newest data."""
    DATA_AT_RISK = "DataAtRisk"
    """Something of the data is, or may be, lost; or one more failure may lose some."""
    ACCEPTED = "Accepted"
    """The settings can be used."""
    UPDATED = "Updated"
    """Every member runs with the settings of the spec."""
    PASSWORDS_IN_STEP = "PasswordsInStep"
    """The accounts have the passwords of the Secret."""
    STORAGE_RESIZED = "StorageResized"
    """Every volume has the size of the spec."""


@dataclass(frozen=True, slots=True)
class Condition:
    type: Aspect
    status: str
    """True, False or Unknown."""
    reason: str
    message: str


CHANGING = (
    ClusterPhase.FORMING,
    ClusterPhase.RECOVERING,
    ClusterPhase.SCALING,
    ClusterPhase.UPDATING,
    ClusterPhase.UPGRADING,
    ClusterPhase.SWITCHING_OVER,
    ClusterPhase.REBUILDING,
    ClusterPhase.HIBERNATING,
    ClusterPhase.DELETING,
)


def conditions(view: View, decision: Decision) -> Iterator[Condition]:
    """All of them, in the same order every time."""
    yield _ready(view, decision)
    yield _healthy(view, decision)
    yield _progressing(decision)
    yield _recovering(view, decision)
    yield _at_risk(view, decision)
    yield _accepted(view, decision)
    yield _updated(view)
    yield _passwords(view)
    yield _storage(view)


def _ready(view: View, decision: Decision) -> Condition:
    if decision.phase is ClusterPhase.HIBERNATED:
        return Condition(Aspect.READY, "False", "Hibernated", decision.why)
    now = writer(view)
    if now is not None and now == served_by(view):
        return Condition(Aspect.READY, "True", "WriterServes", f"member {now} takes the writes")
    if now is not None and now in view.pods and now in view.reports:
        said = led_elsewhere(view, now) or f"member {now} is not ready yet"
        return Condition(Aspect.READY, "False", "WriterMoves", said)
    served = [pod.ordinal for pod in view.pods.values() if pod.role == "primary" and pod.ready]
    if served and served[0] not in view.reports:
        said = trouble(view, view.pods[served[0]])
        return Condition(Aspect.READY, "Unknown", "AgentUnreachable", said)
    return Condition(Aspect.READY, "False", "NoWriter", decision.why)


def _healthy(view: View, decision: Decision) -> Condition:
    if decision.phase is ClusterPhase.HIBERNATED:
        return Condition(Aspect.HEALTHY, "False", "Hibernated", decision.why)
    away = [o for o in sorted({*declared(view), *view.pods}) if not synced(view, o)]
    if not away and view.pods and view.arbitrator_away:
        return Condition(Aspect.HEALTHY, "False", "ArbitratorAway", without_vote(view))
    if not away and view.pods:
        well = f"all {len(view.pods)} members are Synced"
        slow = [o for o in sorted(view.reports) if is_slow(view, o)]
        if slow:
            return Condition(Aspect.HEALTHY, "True", "SlowMember", f"{well}; member {slow[0]} {pace.WORDS}")
        return Condition(Aspect.HEALTHY, "True", "AllSynced", well)
    quiet = [o for o in away if o in view.pods and view.pods[o].ready and o not in view.reports]
    if away and len(quiet) == len(away):
        return Condition(Aspect.HEALTHY, "Unknown", "AgentUnreachable", trouble(view, view.pods[quiet[0]]))
    said = [trouble(view, view.pods[o]) if o in view.pods else podless(view, o) for o in away]
    return Condition(Aspect.HEALTHY, "False", "MembersAway", "; ".join(said) or "there are no members yet")


def _progressing(decision: Decision) -> Condition:
    if decision.stuck:
        reason = "UpdateStuck" if decision.phase is ClusterPhase.UPDATING else "Stuck"
        return Condition(Aspect.PROGRESSING, "False", reason, decision.why)
    if decision.phase in CHANGING:
        return Condition(Aspect.PROGRESSING, "True", decision.phase.value, decision.why)
    return Condition(Aspect.PROGRESSING, "False", decision.phase.value, decision.why)


def _recovering(view: View, decision: Decision) -> Condition:
    recovering = view.wanted.history is not None and not primaries(view) and bool(view.pods)
    if decision.phase is ClusterPhase.UNKNOWN:
        return Condition(Aspect.RECOVERING, "Unknown", "AgentUnreachable", decision.why)
    if recovering and decision.phase not in (ClusterPhase.HIBERNATING, ClusterPhase.DELETING):
        return Condition(Aspect.RECOVERING, "True", "NoPrimary", decision.why)
    return Condition(Aspect.RECOVERING, "False", "Primary" if primaries(view) else "NotStarted", "")


def _at_risk(view: View, decision: Decision) -> Condition:
    if len(histories(view)) > 1:
        said = "Primaries of different histories live: " + ", ".join(sorted(histories(view)))
        return Condition(Aspect.DATA_AT_RISK, "True", "SplitHistory", said)
    gaps = sorted(
        {describe_gap(gap) for report in view.reports.values() for gap in report.gaps if not gap.settled}
    )
    if gaps:
        return Condition(Aspect.DATA_AT_RISK, "True", "CommitsMayBeMissing", "; ".join(gaps))
    if view.reports.keys() < view.pods.keys():
        return Condition(Aspect.DATA_AT_RISK, "Unknown", "AgentUnreachable", "not every member answers")
    copies = [o for o in view.pods if serves(view, o)]
    if (
        decision.phase is not ClusterPhase.FORMING
        and primaries(view)
        and len(copies) < 2 <= view.wanted.replicas
    ):
        said = "only one member has the current data: nothing may befall it until another has"
        return Condition(Aspect.DATA_AT_RISK, "True", "OneCopy", said)
    return Condition(Aspect.DATA_AT_RISK, "False", "Safe", "")


def _accepted(view: View, decision: Decision) -> Condition:
    if view.wanted.refusal is not None:
        return Condition(Aspect.ACCEPTED, "False", "Refused", view.wanted.refusal)
    if decision.foreign:
        return Condition(Aspect.ACCEPTED, "False", "NameTaken", "; ".join(decision.foreign))
    if decision.unapplied:
        return Condition(Aspect.ACCEPTED, "False", "NotApplied", "; ".join(decision.unapplied))
    return Condition(Aspect.ACCEPTED, "True", "Valid", "")


def _updated(view: View) -> Condition:
    left = outdated(view)
    if not left:
        return Condition(Aspect.UPDATED, "True", "AllUpdated", "")
    names = ", ".join(map(str, sorted(left)))
    return Condition(Aspect.UPDATED, "False", "SettingsDiffer", f"member {names} runs with earlier settings")


def _passwords(view: View) -> Condition:
    now = writer(view)
    report = view.reports.get(now) if now is not None else None
    if report is None or report.accounts is None:
        return Condition(Aspect.PASSWORDS_IN_STEP, "Unknown", "NotSaid", "the writer has not said")
    if report.accounts.in_step:
        return Condition(Aspect.PASSWORDS_IN_STEP, "True", "InStep", "")
    return Condition(Aspect.PASSWORDS_IN_STEP, "False", "BeingChanged", report.accounts.why)


def _storage(view: View) -> Condition:
    size = view.wanted.size
    small = [v for v in view.volumes.values() if size is not None and v.capacity and v.capacity < size]
    if not small:
        return Condition(Aspect.STORAGE_RESIZED, "True", "AllResized", "")
    stays = [v for v in small if not v.expandable]
    if stays and not view.wanted.replace_to_grow:
        said = f"{stays[0].name} stays: its class cannot grow it, and storage.replaceToGrow is false"
        return Condition(Aspect.STORAGE_RESIZED, "False", "CannotGrow", said)
    names = ", ".join(sorted(volume.name for volume in small))
    return Condition(Aspect.STORAGE_RESIZED, "False", "Growing", f"{names} grow to {size} bytes")
