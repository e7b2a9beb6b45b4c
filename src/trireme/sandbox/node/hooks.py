"""A container's postStart and preStop hooks."""

import asyncio

from trireme.sandbox.node.probes import Outcome, Target, probe
from trireme.sandbox.store.interface import Object

POST_START_SECONDS = 600.0
"""Kubernetes sets no bound; nothing of the sandbox waits for ever."""


async def run_hook(handler: Object, target: Target, seconds: float = POST_START_SECONDS) -> Outcome:
    """Carry out a LifecycleHandler: exec, httpGet or sleep. Cancel it to give it up."""
    if "sleep" in handler:
        await asyncio.sleep(handler["sleep"]["seconds"])
        return Outcome(True)
    try:
        return await probe(handler, target, seconds)
    except ValueError as error:
        return Outcome(False, f"invalid hook: {error}")
