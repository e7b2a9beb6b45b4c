"""A running container with the tasks that look after it: hooks, probes and its end."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from trireme.sandbox.node.hooks import run_hook
from trireme.sandbox.node.prober import Listener, probe_container
from trireme.sandbox.node.probes import Outcome, Target
from trireme.sandbox.node.runtime import Ended, Runtime
from trireme.sandbox.node.stopping import Stopper

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Witness:
    """Who is told what happens, in the event loop."""

    probes: Listener
    hook_failed: Callable[[str, str], None]
    """Name of the hook (postStart, preStop), and why."""
    ended: Callable[[Ended], None]


class Execution:
    """From the start of a container until nothing of it is left."""

    def __init__(self, target: Target, witness: Witness) -> None:
        self._target = target
        self._witness = witness
        self._hooks = target.spec.get("lifecycle") or {}
        self._exited = asyncio.Event()
        self._stopper: Stopper | None = None
        self._care = asyncio.create_task(self._look_after())
        self._care.add_done_callback(_log_failure)
        self._stopping: asyncio.Task[None] | None = None
        self._following = asyncio.create_task(self._follow())

    @property
    def runtime(self) -> Runtime:
        return self._target.runtime

    def stop(self, deadline: float) -> None:
        """Begin to end it in order, SIGKILL at ``deadline`` (the event loop's time)."""
        self._care.cancel()
        self._stopper = Stopper(self.runtime, self._exited, deadline)
        hook = self._pre_stop if "preStop" in self._hooks else None
        self._stopping = asyncio.create_task(self._stopper.run(hook))

    def hasten(self, deadline: float) -> None:
        if self._stopper is not None:
            self._stopper.hasten(deadline)

    async def kill(self) -> None:
        """At once; returns when it is gone."""
        self.runtime.kill()
        await self._exited.wait()

    async def _follow(self) -> None:
        how = await self.runtime.wait()
        self._care.cancel()
        self._exited.set()
        self._witness.ended(how)

    async def _look_after(self) -> None:
        if "postStart" in self._hooks:
            outcome = await run_hook(self._hooks["postStart"], self._target)
            if not outcome.ok:
                self._witness.hook_failed("postStart", outcome.output)
                return
        await probe_container(self._target, self._witness.probes)

    async def _pre_stop(self) -> None:
        outcome: Outcome = await run_hook(self._hooks["preStop"], self._target)
        if not outcome.ok:
            self._witness.hook_failed("preStop", outcome.output)


def _log_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("probing a container failed", exc_info=task.exception())
