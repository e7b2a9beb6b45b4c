"""A whole operator against the real API server of the sandbox: no node, so no pod ever runs."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.sandbox.api_support import Kubectl
from trireme.adapters.cluster_api import ClusterApi
from trireme.adapters.kubeconfig import Access
from trireme.operator.main import Clients, Operator
from trireme.operator.metrics import Metrics
from trireme.operator.settings import Settings, read_settings

CRD = Path(__file__).parents[2] / "deploy" / "operator" / "crd.yaml"
SOON = 40.0
"""Seconds; a watch counts as dead after 10, and that is looked at every 5."""


LEASE_SECONDS = 3


def environment(port: int, *, name: str = "operator", namespace: str = "default") -> dict[str, str]:
    """Of an operator for its own namespace that looks every second."""
    return {
        "TRIREME_NAMESPACE": namespace,
        "TRIREME_NAMESPACES": namespace,
        "TRIREME_POD_NAME": name,
        "TRIREME_IMAGE": "trireme",
        "TRIREME_LISTEN": "127.0.0.1",
        "TRIREME_HTTP_PORT": str(port),
        "TRIREME_STEADY_SECONDS": "1",
        "TRIREME_LEASE_SECONDS": str(LEASE_SECONDS),
    }


def settings(port: int, *, namespace: str = "default") -> Settings:
    return read_settings([], environment(port, namespace=namespace))


@asynccontextmanager
async def operating(told: Settings, news_from: Access, access: Access) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with ClusterApi(access) as api, aiohttp.ClientSession() as agents:
        task = asyncio.create_task(Operator(told, news_from, Clients(api, agents), Metrics()).run(stop))
        try:
            yield
        finally:
            stop.set()
            await task


async def until(probe: Callable[[], Awaitable[bool]], what: str) -> None:
    began = time.monotonic()
    while not await probe():
        assert time.monotonic() - began < SOON, what
        await asyncio.sleep(0.1)


async def ask(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                return answer.status, await answer.text()
        except aiohttp.ClientConnectionError:
            return 0, ""


async def answers(port: int, path: str, status: int) -> bool:
    return (await ask(port, path))[0] == status


async def metric(port: int, name: str) -> float | None:
    """The value of a metric with its labels; None where there is none, or nobody answers."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", (await ask(port, "/metrics"))[1], re.MULTILINE)
    return float(found[1]) if found else None


async def rounds(port: int) -> float:
    """Looks at clusters until now."""
    return await metric(port, 'trireme_operator_rounds_total{outcome="done"}') or 0.0


async def has(kubectl: Kubectl, *named: str) -> bool:
    return (await kubectl.run("get", *named)).code == 0
