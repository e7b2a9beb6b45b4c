"""What the resource's status says: the phase, the members, and conditions whose reasons explain. Plain JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trireme.api.names import PRIMARY, SECONDARY
from trireme.core.reconcile.actions import ClusterPhase, Decision
from trireme.core.reconcile.conditions import Condition, conditions
from trireme.core.reconcile.facts import has_settings, histories, synced, trouble, writer
from trireme.core.reconcile.seen import View

LONGEST_WHY = 1000
LONGEST_MESSAGE = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What of the status does not follow from the view: kept from before."""

    history: str | None = None
    primary: Mapping[str, Any] | None = None
    rebuild: Mapping[str, Any] | None = None
    image: str | None = None
    """What members get when the spec names no image (any more)."""
    generation: int = 0


def status(view: View, decision: Decision, told: Told, image: str, selector: str) -> dict[str, Any]:
    """The whole status but the times of its conditions."""
    ready = sum(pod.ready for pod in view.pods.values())
    now = writer(view)
    lived = histories(view)
    found: dict[str, Any] = {
        "observedGeneration": view.wanted.generation,
        "phase": decision.phase.value,
        "message": decision.why[:LONGEST_MESSAGE],
        "conditions": [_plain(each, view.wanted.generation) for each in conditions(view, decision)],
        "members": [_member(view, ordinal, now) for ordinal in sorted(view.pods)],
        "replicas": len(view.pods),
        "readyReplicas": ready,
        "membersReady": f"{ready}/{0 if decision.phase is ClusterPhase.HIBERNATED else view.wanted.replicas}",
        "selector": selector,
        "writer": f"{view.wanted.name}-{now}" if now is not None else None,
        "clusterUUID": lived.pop() if len(lived) == 1 else told.history,
        "version": _lowest_version(view),
        "image": image if image and _all_run(view) else told.image,
        "primary": _primary(decision, told),
        "rebuild": _rebuild(view, decision, told),
    }
    return {key: value for key, value in found.items() if value is not None}


def with_times(found: Mapping[str, Any], before: Sequence[Mapping[str, Any]], now: str) -> dict[str, Any]:
    """The status with the time since when each condition has its status. ``before``: the conditions until now."""
    earlier = {each["type"]: each for each in before}
    timed = []
    for each in found["conditions"]:
        old = earlier.get(each["type"], {})
        since = old.get("lastTransitionTime") if old.get("status") == each["status"] else now
        timed.append({**each, "lastTransitionTime": since or now})
    return {**found, "conditions": timed}


def _plain(condition: Condition, generation: int) -> dict[str, Any]:
    return {
        "type": condition.type.value,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message[:LONGEST_MESSAGE],
        "observedGeneration": generation,
    }


def _member(view: View, ordinal: int, now: int | None) -> dict[str, Any]:
    pod, report = view.pods[ordinal], view.reports.get(ordinal)
    server = report.server if report is not None else None
    serving = server is not None and server.primary
    found: dict[str, Any] = {
        "podIndex": ordinal,
        "name": pod.name,
        "role": (PRIMARY if ordinal == now else SECONDARY) if serving else "",
        "phase": report.phase.value if report is not None else ("Unreachable" if pod.running else "Starting"),
        "ready": synced(view, ordinal),
        "why": (report.why if report is not None else trouble(view, pod))[:LONGEST_WHY],
        "node": pod.node or None,
        "updated": has_settings(view, ordinal),
    }
    if report is not None and report.position is not None and report.position.known and not serving:
        found["position"] = str(report.position)
    if server is not None:
        found["version"] = server.version
        found["position"] = f"{server.uuid}:{server.last_committed}"
    return {key: value for key, value in found.items() if value is not None}


def _all_run(view: View) -> bool:
    """Every member serves with the settings of the spec. An image that nobody proved is none to come back to."""
    return all(
        ordinal in view.pods and synced(view, ordinal) and has_settings(view, ordinal)
        for ordinal in range(view.wanted.replicas)
    )


def _lowest_version(view: View) -> str | None:
    versions = {r.server.version for r in view.reports.values() if r.server is not None and r.server.version}
    return min(versions, key=version_key, default=None)


def version_key(version: str) -> tuple[int, ...]:
    """``10.11.19-MariaDB-…`` as numbers, to compare."""
    numbers = version.partition("-")[0].split(".")
    return tuple(int(each) for each in numbers if each.isdecimal())


def _primary(decision: Decision, told: Told) -> Mapping[str, Any] | None:
    if decision.primary_done is None:
        return told.primary
    return {"podIndex": decision.primary_done, "message": decision.why}


def _rebuild(view: View, decision: Decision, told: Told) -> Mapping[str, Any] | None:
    wanted = view.wanted.rebuild
    if decision.rebuild is None or wanted is None:
        return told.rebuild
    phase, message = decision.rebuild
    return {
        "request": wanted.request,
        "podIndex": wanted.ordinal,
        "phase": phase,
        "message": message[:LONGEST_WHY],
    }
