"""One cluster's loop: observe -> decide -> act -> report, woken by news, and by the clock as a backstop."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from trireme.adapters.cluster_api import ClusterApi
from trireme.base.errors import TriremeError
from trireme.core.reconcile.actions import (
    Action,
    Apply,
    AskVariables,
    ClusterPhase,
    Decision,
    Expand,
    Label,
    Prune,
)
from trireme.core.reconcile.decide import decide
from trireme.operator.act import Actor
from trireme.operator.kinds import CLUSTER, Kind
from trireme.operator.leader import Leader
from trireme.operator.log import logger
from trireme.operator.metrics import Metrics
from trireme.operator.observe import READ_AGAIN_SECONDS, Observer
from trireme.operator.report import Reporter

LEAST_PAUSE_SECONDS = 0.2
"""Between two looks, however much news there is."""
DEAF_AGE_SECONDS = 3.0
"""How old a look's picture of Kubernetes' objects may be while no news comes."""
FAILED_SECONDS = (1.0, 30.0)
"""Pause after a look or an action that failed: the first, and the longest."""
LATE_KINDS = frozenset({"RoleBinding", "StatefulSet", "Deployment"})
"""What names a Role, a ServiceAccount, a ConfigMap."""
QUIET = (Apply, Prune, Expand, Label, AskVariables)
"""Actions that interrupt nothing: done at the same time, before the others."""
STEADY = (ClusterPhase.RUNNING, ClusterPhase.HIBERNATED, ClusterPhase.SUSPENDED, ClusterPhase.BLOCKED)

log = logger("trireme.operator")


@dataclass(frozen=True, slots=True)
class Parts:
    """What all loops share. ``turns`` bounds how many look at the same time."""

    api: ClusterApi
    leader: Leader
    metrics: Metrics
    turns: asyncio.Semaphore
    steady_seconds: float
    deaf: Callable[[], bool]
    """No news comes: everything is read again at every look."""


class Loop:
    def __init__(self, parts: Parts, observer: Observer, identity: tuple[str, str]) -> None:
        self._parts = parts
        self._observer = observer
        self._identity = identity
        self._actor = Actor(parts.api, observer, *identity)
        self._reporter = Reporter(parts.api, observer, parts.metrics, *identity)
        self._wake = asyncio.Event()
        self._failures = 0

    def wake(self, kind: Kind | None, version: str = "") -> None:
        """Something of this kind changed (None: anything may have). Our own last write is no news."""
        if kind is CLUSTER and version and version == self._version():
            return
        self._observer.dirty(*([kind] if kind is not None else []))
        self._wake.set()

    def _version(self) -> str:
        return str((self._observer.cluster.get("metadata") or {}).get("resourceVersion", ""))

    async def run(self) -> None:
        """Until the resource is gone."""
        while True:
            self._wake.clear()
            async with self._parts.turns:
                pause = await self._look()
            if pause is None:
                self._reporter.forget()
                return
            await asyncio.sleep(LEAST_PAUSE_SECONDS)
            try:
                async with asyncio.timeout(max(0.0, pause - LEAST_PAUSE_SECONDS)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self) -> float | None:
        """One round. Seconds until the next; None where the resource is gone."""
        if not self._parts.leader.leads():
            return self._parts.steady_seconds
        began = time.monotonic()
        try:
            pause = await self._round()
        except TriremeError as error:
            return self._failed(str(error))
        except Exception as error:
            log.exception("a look failed", **self._where(), error=repr(error))
            return self._failed(repr(error))
        finally:
            self._parts.metrics.round_seconds.observe(time.monotonic() - began)
        self._parts.metrics.rounds.labels("done").inc()
        return pause

    def _failed(self, why: str) -> float:
        """Nothing was decided: the cluster runs on as it was."""
        self._parts.metrics.rounds.labels("failed").inc()
        pause = self._pause()
        log.warning("looks again later", **self._where(), why=why, seconds=pause)
        return pause

    def _pause(self) -> float:
        """After one more failure. Grows up to a bound."""
        first, longest = FAILED_SECONDS
        self._failures = min(self._failures + 1, 10)
        return min(first * 2.0 ** (self._failures - 1), longest)

    async def _round(self) -> float | None:
        age = DEAF_AGE_SECONDS if self._parts.deaf() else READ_AGAIN_SECONDS
        view = await self._observer.observe(time.monotonic(), age)
        if view is None:
            return None
        decision = decide(view)
        wrote = await self._reporter.status(view, decision) if _first_reported(decision) else False
        refused = await self._act(decision)
        if not _first_reported(decision):
            wrote = await self._reporter.status(view, decision)
        if refused:
            return self._pause()
        self._failures = 0
        if decision.actions or (wrote and _first_reported(decision)):
            return LEAST_PAUSE_SECONDS
        again = decision.wake_at - view.now
        return self._parts.steady_seconds if decision.phase in STEADY else again

    async def _act(self, decision: Decision) -> bool:
        """Whether any action was refused. After a refusal nothing that interrupts is done in this round."""
        refused = False
        for quiet in quiet_actions(decision):
            outcomes = await asyncio.gather(*(self._do(action, decision) for action in quiet))
            refused = refused or not all(outcomes)
        for action in decision.actions:
            if isinstance(action, QUIET):
                continue
            if refused or not self._parts.leader.leads():
                return refused
            refused = not await self._do(action, decision)
        return refused

    async def _do(self, action: Action, decision: Decision) -> bool:
        outcome = await self._actor.act(action)
        await self._reporter.acted(action, decision, outcome)
        return outcome.done

    def _where(self) -> dict[str, str]:
        return {"namespace": self._identity[0], "cluster": self._identity[1]}


def _first_reported(decision: Decision) -> bool:
    """What the status remembers is written before anything is done on it: whoever comes next must find it."""
    return decision.primary_done is not None or decision.rebuild is not None


def quiet_actions(decision: Decision) -> tuple[list[Action], list[Action]]:
    """What may be done at the same time, and then what must find that. The API server judges a RoleBinding by the Role
    that it names, and refuses it where that is not there yet; it refuses pods whose ServiceAccount is not."""
    quiet = [action for action in decision.actions if isinstance(action, QUIET)]
    late = [isinstance(each, Apply) and each.obj.get("kind") in LATE_KINDS for each in quiet]
    return (
        [each for each, is_late in zip(quiet, late, strict=True) if not is_late],
        [each for each, is_late in zip(quiet, late, strict=True) if is_late],
    )
