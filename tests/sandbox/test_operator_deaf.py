"""An operator whose watches are dead: it says so, is not ready, is alive, and looks for itself meanwhile."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from msgspec import structs

from tests.sandbox.api_support import KUBECTLS, Kubectl, Laboratory, free_port
from tests.sandbox.test_operator_parts import resource
from trireme.adapters.cluster_api import ClusterApi
from trireme.adapters.kubeconfig import Access, find_access
from trireme.operator.kinds import WATCHED
from trireme.operator.main import Clients, Operator
from trireme.operator.metrics import Metrics
from trireme.operator.news import News
from trireme.operator.settings import Settings, read_settings
from trireme.sandbox.apiserver.faults import ApiFault, Mode, write_faults

CRD = Path(__file__).parents[2] / "deploy" / "operator" / "crd.yaml"
SOON = 40.0
"""Seconds; a watch counts as dead after 10, and that is looked at every 5."""


def settings(port: int) -> Settings:
    return read_settings(
        [],
        {
            "TRIREME_NAMESPACE": "default",
            "TRIREME_NAMESPACES": "default",
            "TRIREME_POD_NAME": "operator",
            "TRIREME_IMAGE": "trireme",
            "TRIREME_LISTEN": "127.0.0.1",
            "TRIREME_HTTP_PORT": str(port),
            "TRIREME_STEADY_SECONDS": "1",
            "TRIREME_LEASE_SECONDS": "3",
        },
    )


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


async def rounds(port: int) -> float:
    """Looks at clusters until now."""
    found = re.search(
        r'trireme_operator_rounds_total\{outcome="done"\} (\S+)', (await ask(port, "/metrics"))[1]
    )
    return float(found[1]) if found else 0.0


@pytest.fixture
def access(lab: Laboratory) -> Access:
    return find_access({}, file=lab.server.kubeconfig)


async def has(kubectl: Kubectl, *named: str) -> bool:
    return (await kubectl.run("get", *named)).code == 0


async def test_dead_watches_are_seen_and_done_without(lab: Laboratory, access: Access) -> None:
    """Seen on a real Kubernetes: every watch was dead for ever, and the pod was ready and said nothing."""
    kubectl, port = lab.kubectl(KUBECTLS[0]), free_port("127.0.0.1")
    await kubectl("apply", "-f", str(CRD))
    nowhere = f"https://127.0.0.1:{free_port('127.0.0.1')}"
    deaf = replace(access, cluster=structs.replace(access.cluster, server=nowhere))
    async with operating(settings(port), deaf, access):
        await until(lambda: answers(port, "/readyz", 200), "the clusters were listed: there are none")
        await kubectl("apply", "-f", "-", stdin=resource("demo"))

        async def not_ready() -> bool:
            status, why = await ask(port, "/readyz")
            return status == 503 and "nothing is heard of galeraclusters" in why and "onnect" in why

        await until(not_ready, "it is not ready, and says why")
        assert await ask(port, "/livez") == (200, "ok\n"), "a restart would mend nothing"
        assert 'trireme_operator_watches_up{kind="Pod"} 0.0' in (await ask(port, "/metrics"))[1]
        await until(lambda: has(kubectl, "service", "demo"), "a cluster that nobody told of is found")
        enough = await rounds(port) + 2

        async def settled() -> bool:
            return await rounds(port) > enough

        await until(settled, "its own writes are read")
        await kubectl("delete", "service", "demo")
        await until(lambda: has(kubectl, "service", "demo"), "what is gone is missed")


async def test_watches_that_come_back_are_heard_again(lab: Laboratory, access: Access) -> None:
    await lab.kubectl(KUBECTLS[0])("apply", "-f", str(CRD))
    news = News(access, ("default",), lambda *_: None)

    async def all_up() -> bool:
        return all(news.watches.up(kind) for kind in WATCHED)

    async def all_down() -> bool:
        return not any(news.watches.up(kind) for kind in WATCHED)

    news.start()
    try:
        await until(all_up, "all watches are open")
        assert news.watches.deaf() is None
        write_faults(lab.directory / "api", (ApiFault(Mode.REFUSE),))
        await until(all_down, "all of them are closed")
        write_faults(lab.directory / "api", ())
        await until(all_up, "all are open again")
        assert news.watches.deaf() is None
    finally:
        await asyncio.to_thread(news.stop)
