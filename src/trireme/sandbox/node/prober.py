"""Probes a running container for as long as it runs, and says when a verdict changes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal

from trireme.sandbox.node.probes import Outcome, Target, probe
from trireme.sandbox.store.interface import Object

Kind = Literal["Startup", "Liveness", "Readiness"]
FIELDS: dict[Kind, str] = {
    "Startup": "startupProbe",
    "Liveness": "livenessProbe",
    "Readiness": "readinessProbe",
}

REPEAT_SECONDS = 30.0
"""How often the same failure is told again."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When to probe and what to make of it; seconds and counts."""

    initial_delay: float
    period: float
    timeout: float
    successes: int
    failures: int

    @classmethod
    def of(cls, spec: Object) -> "Rules":
        return cls(
            initial_delay=spec.get("initialDelaySeconds", 0),
            period=spec.get("periodSeconds") or 10,
            timeout=spec.get("timeoutSeconds") or 1,
            successes=spec.get("successThreshold") or 1,
            failures=spec.get("failureThreshold") or 3,
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """How often in a row a probe has ended the same way."""

    ok: bool = False
    count: int = 0

    def after(self, ok: bool) -> "Tally":
        return Tally(ok, self.count + 1 if ok == self.ok else 1)

    def verdict(self, rules: Rules) -> bool | None:
        """True or False once a threshold is reached, None before."""
        if self.count < (rules.successes if self.ok else rules.failures):
            return None
        return self.ok


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of it. Each is called in the event loop."""

    failed: Callable[[Kind, str], None]
    """Probes have begun to fail with this output, or still do."""
    judged: Callable[[Kind, bool], None]
    """A verdict: the first one, and each that differs from the one before."""


async def probe_container(target: Target, listener: Listener) -> None:
    """Until cancelled. The other probes begin when the startup probe has succeeded.

    A failed startup or liveness probe ends the container: nothing more is probed.
    """
    began = asyncio.get_running_loop().time()
    if target.spec.get(FIELDS["Startup"]) and not await anext(_verdicts("Startup", target, listener, began)):
        return
    kinds: tuple[Kind, ...] = ("Liveness", "Readiness")
    async with asyncio.TaskGroup() as group:
        for kind in kinds:
            if target.spec.get(FIELDS[kind]):
                group.create_task(_watch(kind, target, listener, began))


async def _watch(kind: Kind, target: Target, listener: Listener, began: float) -> None:
    async for verdict in _verdicts(kind, target, listener, began):
        if kind == "Liveness" and not verdict:
            return


async def _verdicts(kind: Kind, target: Target, listener: Listener, began: float) -> AsyncIterator[bool]:
    """The first verdict, and each that differs from the one before; the listener has heard it by then."""
    handler = target.spec[FIELDS[kind]]
    rules, tally, said = Rules.of(handler), Tally(), None
    complain = _Complaints(kind, listener)
    await _sleep_until(began + rules.initial_delay)
    while True:
        due = asyncio.get_running_loop().time() + rules.period
        outcome = await _once(handler, rules, target)
        complain.hear(outcome)
        tally = tally.after(outcome.ok)
        verdict = tally.verdict(rules)
        if verdict is not None and verdict != said:
            said = verdict
            listener.judged(kind, verdict)
            yield verdict
        await _sleep_until(due)


class _Complaints:
    """Passes a failure on when it is a new one, or has lasted: a probe may fail every second for hours."""

    def __init__(self, kind: Kind, listener: Listener) -> None:
        self._kind = kind
        self._listener = listener
        self._last = ""
        self._again_at = 0.0

    def hear(self, outcome: Outcome) -> None:
        now = asyncio.get_running_loop().time()
        if outcome.ok:
            self._last = ""
        elif outcome.output != self._last or now >= self._again_at:
            self._last, self._again_at = outcome.output, now + REPEAT_SECONDS
            self._listener.failed(self._kind, outcome.output)


async def _once(handler: Object, rules: Rules, target: Target) -> Outcome:
    try:
        return await probe(handler, target, rules.timeout)
    except ValueError as error:
        return Outcome(False, f"invalid probe: {error}")


async def _sleep_until(moment: float) -> None:
    """In the event loop's time; yields even if it has passed."""
    await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))
