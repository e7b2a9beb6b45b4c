"""Writes what was seen and done: the status when it says something new, Events, metrics, the log."""

import hashlib
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from trireme.adapters.cluster_api import MERGE, ClusterApi, Object
from trireme.base.errors import TriremeError
from trireme.core.reconcile.actions import Action, Decision
from trireme.core.reconcile.events import Event, Reason, of_action, of_change
from trireme.core.reconcile.patience import Held, Refusals, refused, say
from trireme.core.reconcile.seen import View
from trireme.core.reconcile.status import status, with_times
from trireme.operator.act import MANAGER, Outcome
from trireme.operator.kinds import CLUSTER, EVENT
from trireme.operator.log import logger
from trireme.operator.metrics import Metrics
from trireme.operator.observe import Observer

POSITIONS_SECONDS = 30.0
"""Positions change with every commit: they alone are written no more often than this."""
SAME_EVENT_SECONDS = 600.0
"""The same Event is not written again so soon."""
CONDITION = {"True": 1, "False": 0}

log = logger("trireme.operator")


class Reporter:
    """For one cluster."""

    def __init__(
        self, api: ClusterApi, observer: Observer, metrics: Metrics, namespace: str, name: str
    ) -> None:
        self._api, self._observer, self._metrics = api, observer, metrics
        self._namespace, self._name = namespace, name
        self._wrote_at = float("-inf")
        self._said: dict[str, float] = {}
        self._held: Held = {}
        self._refusals: dict[str, Refusals] = {}
        self._logged = ""
        self._phase = ""

    async def status(self, view: View, decision: Decision) -> bool:
        """Write the status if it is worth it. Whether anything was written. Raises what the write raises."""
        plan = self._observer.plan
        assert plan is not None
        before: Mapping[str, Any] = self._observer.cluster.get("status") or {}
        found = status(view, decision, plan.told, plan.image, plan.selector)
        after = with_times(found, before.get("conditions") or (), _now())
        self._measure(view, after)
        self._log(decision)
        fresh = time.monotonic() - self._wrote_at < POSITIONS_SECONDS
        if after == before or (fresh and _without_positions(after) == _without_positions(before)):
            await self._say((), after)
            return False
        gone = {key: None for key in before if key not in after}
        written = await self._api.write(
            "PATCH",
            f"{CLUSTER.path(self._namespace, self._name)}/status",
            {"status": {**after, **gone}},
            content=MERGE,
            parameters=[("fieldManager", MANAGER)],
        )
        self._wrote_at = time.monotonic()
        self._observer.took(written)
        await self._say(of_change(before, after), after)
        return True

    async def _say(self, new: Iterable[Event], after: Mapping[str, Any]) -> None:
        events, self._held = say(new, self._held, after, time.monotonic())
        for event in events:
            await self.event(event)

    async def acted(self, action: Action, decision: Decision, outcome: Outcome) -> None:
        """Say what was done, or why not."""
        kind = type(action).__name__
        self._metrics.actions.labels(kind, "done" if outcome.done else "failed").inc()
        where = {"namespace": self._namespace, "cluster": self._name}
        if outcome.done:
            log.info("did", action=kind, what=_named(action), **where)
            self._refusals.pop(kind, None)
            event = of_action(action, decision)
        else:
            log.warning("was refused", action=kind, what=_named(action), why=outcome.why, **where)
            self._refusals[kind] = refused(self._refusals.get(kind), time.monotonic())
            lasts = self._refusals[kind].lasts
            event = Event(Reason.REFUSED, f"{kind} {_named(action)}: {outcome.why}") if lasts else None
        if event is not None:
            await self.event(event)

    async def event(self, event: Event) -> None:
        """Best effort: an Event that is lost harms nobody."""
        key = hashlib.sha256(f"{event.reason} {event.message}".encode()).hexdigest()[:16]
        now = time.monotonic()
        if now - self._said.get(key, float("-inf")) < SAME_EVENT_SECONDS:
            return
        self._said = {k: at for k, at in self._said.items() if now - at < SAME_EVENT_SECONDS} | {key: now}
        try:
            await self._api.write("POST", EVENT.collection(self._namespace), self._event(event, key))
        except TriremeError as error:
            log.warning("an Event was not written", reason=str(event.reason), error=str(error))

    def forget(self) -> None:
        """The cluster is gone: its metrics go."""
        for each in (self._metrics.ready, self._metrics.wanted):
            _remove(each, self._namespace, self._name)
        _remove(self._metrics.phase, self._namespace, self._name, self._phase)
        for condition in (self._observer.cluster.get("status") or {}).get("conditions") or ():
            _remove(self._metrics.condition, self._namespace, self._name, condition["type"])

    def _event(self, event: Event, key: str) -> Object:
        metadata = self._observer.cluster["metadata"]
        now = _now()
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{self._name}.{key}{time.time_ns():x}", "namespace": self._namespace},
            "involvedObject": {
                "apiVersion": CLUSTER.api_version,
                "kind": CLUSTER.name,
                "name": self._name,
                "namespace": self._namespace,
                "uid": metadata.get("uid", ""),
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
            "reason": event.reason.value,
            "message": event.message[:1000],
            "type": event.type,
            "source": {"component": MANAGER},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }

    def _measure(self, view: View, after: Mapping[str, Any]) -> None:
        by_cluster = (self._namespace, self._name)
        if self._phase not in ("", after["phase"]):
            _remove(self._metrics.phase, *by_cluster, self._phase)
        self._phase = after["phase"]
        self._metrics.phase.labels(*by_cluster, self._phase).set(1)
        self._metrics.ready.labels(*by_cluster).set(after["readyReplicas"])
        self._metrics.wanted.labels(*by_cluster).set(view.wanted.replicas)
        for each in after["conditions"]:
            self._metrics.condition.labels(*by_cluster, each["type"]).set(CONDITION.get(each["status"], -1))

    def _log(self, decision: Decision) -> None:
        said = f"{decision.phase}: {decision.why}"
        if said != self._logged:
            self._logged = said
            log.info(decision.why, phase=decision.phase.value, namespace=self._namespace, cluster=self._name)


def _remove(metric: Any, *labels: str) -> None:
    try:
        metric.remove(*labels)
    except KeyError:
        return


def _named(action: Action) -> str:
    """What an action is about, without its content."""
    named = {
        name: getattr(action, name)
        for name in ("pod", "claim", "replicas", "size", "ordinal", "writer", "to", "ref")
        if hasattr(action, name)
    }
    obj = getattr(action, "obj", None)
    if obj is not None:
        return f"{obj['kind']} {obj['metadata']['name']}: {getattr(action, 'why', '')}"
    return " ".join(f"{name}={value}" for name, value in named.items())


def _without_positions(found: Mapping[str, Any]) -> dict[str, Any]:
    members = [
        {key: value for key, value in each.items() if key not in ("position", "why")}
        for each in found.get("members") or ()
    ]
    return {**found, "members": members}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
