"""Every Event that the operator writes: its reason, whether it warns, and when. docs/operator.md lists the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trireme.core.reconcile.actions import (
    Action,
    Apply,
    AskRebuild,
    AskSwitchover,
    AskVariables,
    ClusterPhase,
    Decision,
    DeletePod,
    DeleteVolume,
    Evict,
    Expand,
    Label,
    Prune,
    Recreate,
    Scale,
)


class Reason(StrEnum):
    """The closed catalogue."""

    DRIFT_REPAIRED = "DriftRepaired"
    """Somebody changed an object of the cluster; it is as it was."""
    MEMBER_RESTARTS = "MemberRestarts"
    """A member's pod is replaced, for the sentence's reason."""
    SCALED = "Scaled"
    """The number of members changes."""
    VOLUME_GROWS = "VolumeGrows"
    VOLUME_DELETED = "VolumeDeleted"
    SWITCHOVER_ASKED = "SwitchoverAsked"
    REBUILD_ASKED = "RebuildAsked"
    VARIABLES_SET = "VariablesSet"
    WRITER_CHANGED = "WriterChanged"
    """Another member takes the writes, planned or not."""
    READY = "Ready"
    """Clients that write are served, after a time when they were not."""
    NOT_READY = "NotReady"
    RECOVERING = "Recovering"
    """All members lost the Primary and find out who has the newest data."""
    RECOVERED = "Recovered"
    DATA_AT_RISK = "DataAtRisk"
    SLOW_MEMBER = "SlowMember"
    """All are Synced, and one of them makes all writes wait for it."""
    UPDATE_STUCK = "UpdateStuck"
    """An update stopped; the sentence says where and why."""
    BLOCKED = "Blocked"
    """It needs a person; the sentence says for what."""
    REFUSED = "Refused"
    """An API server, or an agent, refused an action."""


WARNINGS = frozenset(
    {
        Reason.NOT_READY,
        Reason.RECOVERING,
        Reason.DATA_AT_RISK,
        Reason.SLOW_MEMBER,
        Reason.UPDATE_STUCK,
        Reason.BLOCKED,
        Reason.REFUSED,
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    reason: Reason
    message: str

    @property
    def type(self) -> str:
        return "Warning" if self.reason in WARNINGS else "Normal"


def of_action(action: Action, decision: Decision) -> Event | None:
    """What was just done, for those who watch."""
    match action:
        case Apply():
            if not action.why.startswith("somebody"):
                return None
            what = f"{action.obj['kind']} {action.obj['metadata']['name']}"
            return Event(Reason.DRIFT_REPAIRED, f"{what}: {action.why}; it is as it was")
        case Evict() | DeletePod():
            return Event(Reason.MEMBER_RESTARTS, decision.why)
        case Scale():
            return Event(Reason.SCALED, decision.why)
        case Expand():
            return Event(Reason.VOLUME_GROWS, f"{action.claim} grows to {action.size} bytes")
        case DeleteVolume():
            return Event(Reason.VOLUME_DELETED, f"{action.claim}: {decision.why}")
        case AskSwitchover():
            return Event(Reason.SWITCHOVER_ASKED, decision.why)
        case AskRebuild():
            return Event(Reason.REBUILD_ASKED, decision.why)
        case AskVariables():
            names = ", ".join(sorted(action.values))
            return Event(Reason.VARIABLES_SET, f"member {action.ordinal}: {names}")
        case Prune() | Recreate() | Label():
            return None


def of_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Event]:
    """What became different from one status to the next."""
    if not before.get("conditions"):
        return
    old, new = by_type(before), by_type(after)
    if after.get("writer") and before.get("writer") and after["writer"] != before["writer"]:
        yield Event(Reason.WRITER_CHANGED, f"{after['writer']} takes the writes; it was {before['writer']}")
    for aspect, when, reason in (
        ("Ready", "True", Reason.READY),
        ("Ready", "False", Reason.NOT_READY),
        ("Recovering", "True", Reason.RECOVERING),
        ("DataAtRisk", "True", Reason.DATA_AT_RISK),
    ):
        if _turned(old, new, aspect, when):
            yield Event(reason, new[aspect]["message"] or aspect)
    if old.get("Recovering", {}).get("status") == "True" and _turned(old, new, "Recovering", "False"):
        yield Event(Reason.RECOVERED, after.get("message", ""))
    healthy, was = new.get("Healthy", {}), old.get("Healthy", {})
    if healthy.get("reason") == "SlowMember" != was.get("reason"):
        yield Event(Reason.SLOW_MEMBER, healthy["message"])
    stuck, was = new.get("Progressing", {}), old.get("Progressing", {})
    if stuck.get("reason") in ("UpdateStuck", "Stuck") and stuck.get("reason") != was.get("reason"):
        update = stuck["reason"] == "UpdateStuck"
        yield Event(Reason.UPDATE_STUCK if update else Reason.BLOCKED, stuck["message"])
    elif after.get("phase") == ClusterPhase.BLOCKED and before.get("phase") != ClusterPhase.BLOCKED:
        yield Event(Reason.BLOCKED, after.get("message", ""))


def by_type(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The conditions of a status."""
    return {each["type"]: each for each in status.get("conditions") or ()}


def _turned(old: Mapping[str, Any], new: Mapping[str, Any], aspect: str, status: str) -> bool:
    now = new.get(aspect, {}).get("status")
    return bool(now == status and old.get(aspect, {}).get("status") != status)
