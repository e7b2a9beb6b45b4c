"""An operator whose watches are dead: it says so, is not ready, is alive, and looks for itself meanwhile."""

import asyncio
from dataclasses import replace

import pytest
from msgspec import structs

from tests.sandbox.api_support import KUBECTLS, Laboratory, free_port
from tests.sandbox.operator_support import CRD, answers, ask, has, operating, rounds, settings, until
from tests.sandbox.test_operator_parts import resource
from trireme.adapters.kubeconfig import Access, find_access
from trireme.operator.kinds import WATCHED
from trireme.operator.news import News
from trireme.sandbox.apiserver.faults import ApiFault, Mode, write_faults


@pytest.fixture
def access(lab: Laboratory) -> Access:
    return find_access({}, file=lab.server.kubeconfig)


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
