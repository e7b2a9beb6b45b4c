"""The operator's parts against a real API server: the Lease, the news, and actions on a picture that is old."""

import asyncio
import pwd
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Never

import aiohttp
import pytest
import pytest_asyncio

from tests.sandbox.api_support import KUBECTLS, Laboratory
from trireme.adapters.cluster_api import ClusterApi
from trireme.adapters.kubeconfig import Access, find_access
from trireme.core.reconcile.actions import Apply, DeletePod, DeleteVolume, Prune, Scale
from trireme.manifests.cluster import Options
from trireme.operator.act import Actor
from trireme.operator.kinds import CLUSTER, POD, Kind
from trireme.operator.leader import NAME, Leader
from trireme.operator.news import News
from trireme.operator.observe import Classes, Observer

LEASE_SECONDS = 3.0
CRD = Path(__file__).parents[2] / "deploy" / "operator" / "crd.yaml"


@pytest_asyncio.fixture
async def access(lab: Laboratory) -> Access:
    return find_access({}, file=lab.server.kubeconfig)


@pytest_asyncio.fixture
async def api(access: Access) -> AsyncIterator[ClusterApi]:
    async with ClusterApi(access) as ready:
        yield ready


@asynccontextmanager
async def running(leader: Leader) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(leader.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(probe: Any, what: str, seconds: float = 20) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    while not probe():
        assert time.monotonic() - began < seconds, what
        await asyncio.sleep(0.02)
    return time.monotonic() - began


# --- the Lease ---------------------------------------------------------------------------------------------------


async def test_one_leads_and_who_gives_up_is_succeeded_soon(api: ClusterApi) -> None:
    first, second = (Leader(api, "default", name, LEASE_SECONDS) for name in ("a", "b"))
    async with running(first):
        await until(first.leads, "the first leads")
        async with running(second):
            await asyncio.sleep(LEASE_SECONDS)
            assert (first.leads(), second.leads()) == (True, False)
    third = Leader(api, "default", "c", LEASE_SECONDS)
    async with running(third):
        assert await until(third.leads, "the third leads") < LEASE_SECONDS / 2, "the Lease was given up"


async def test_a_leader_that_cannot_renew_stops_before_another_begins(
    lab: Laboratory, access: Access
) -> None:
    gone = ClusterApi(access)
    async with ClusterApi(access) as api:
        first, second = (
            Leader(gone, "default", "a", LEASE_SECONDS),
            Leader(api, "default", "b", LEASE_SECONDS),
        )
        task = asyncio.create_task(first.run())
        await until(first.leads, "the first leads")
        async with running(second):
            await asyncio.sleep(LEASE_SECONDS / 2)
            await gone.__aexit__(None, None, None)
            while not second.leads():
                stopped = not first.leads()
                await asyncio.sleep(0.02)
            assert stopped, "the first had stopped already"
            lease = lab.store.list("coordination.k8s.io", "leases", "default")[0]
            assert lease["metadata"]["name"] == NAME
            assert lease["spec"]["holderIdentity"] == "b"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# --- news --------------------------------------------------------------------------------------------------------


async def test_news_of_a_cluster_and_of_what_it_owns_wake_its_loop(
    lab: Laboratory, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the uid of a pod, which has no name: every watch ended at once on a real Kubernetes."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nameless)
    kubectl = lab.kubectl(KUBECTLS[0])
    await kubectl("apply", "-f", str(CRD))
    heard: list[tuple[str, str, str]] = []

    def wake(namespace: str, name: str, kind: Kind, version: str) -> None:
        heard.append((namespace, name, kind.name))

    news = News(access, ("default",), wake)
    news.start()
    try:
        await kubectl("apply", "-f", "-", stdin=resource("demo"))
        await until(lambda: ("default", "demo", CLUSTER.name) in heard, "the resource is heard of")
        lab.put("", "pods", pod("demo-0", cluster="demo"))
        lab.put("", "pods", pod("stranger", cluster=None))
        await until(lambda: ("default", "demo", POD.name) in heard, "its pod is heard of")
        assert {name for _, name, _ in heard} == {"demo"}
    finally:
        await asyncio.to_thread(news.stop)


def nameless(uid: int) -> Never:
    raise KeyError(f"getpwuid(): uid not found: {uid}")


def resource(name: str) -> str:
    return (
        '{"apiVersion":"trireme.dev/v1alpha1","kind":"GaleraCluster","metadata":{"name":"' + name + '"},'
        '"spec":{"storage":{"size":"1Gi"}}}'
    )


def pod(name: str, cluster: str | None) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": "trireme", "app.kubernetes.io/instance": cluster} if cluster else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "spec": {"containers": [{"name": "mariadb", "image": "trireme"}]},
        "status": {"phase": "Pending"},
    }


async def test_everything_is_read_again_now_and_then_however_often_it_looks(
    lab: Laboratory, api: ClusterApi
) -> None:
    """For news that never came. Each look used to count as a reading of everything, so it never was read again."""
    kubectl = lab.kubectl(KUBECTLS[0])
    await kubectl("apply", "-f", str(CRD))
    await kubectl("apply", "-f", "-", stdin=resource("demo"))
    async with aiohttp.ClientSession() as session:
        observer = Observer(api, Classes(api), session, ("default", "demo"), Options(image="i"))

        async def members(now: float) -> int:
            view = await observer.observe(now)
            assert view is not None
            return view.wanted.replicas

        assert await members(0.0) == 3
        await kubectl("scale", "galera", "demo", "--replicas=5")
        assert [await members(now) for now in (30.0, 120.0, 239.0)] == [3, 3, 3], "no news, no reading"
        assert await members(301.0) == 5


# --- actions on an old picture -----------------------------------------------------------------------------------


async def test_what_has_another_uid_by_now_is_left_alone(lab: Laboratory, api: ClusterApi) -> None:
    lab.put("", "pods", pod("demo-0", cluster="demo"))
    kubectl = lab.kubectl(KUBECTLS[0])
    await kubectl("create", "configmap", "kept")
    async with aiohttp.ClientSession() as session:
        observer = Observer(api, Classes(api), session, ("default", "demo"), Options(image="i"))
        actor = Actor(api, observer, "default", "demo")
        old = "00000000-0000-0000-0000-000000000000"
        for action in (
            DeletePod("demo-0", old),
            DeletePod("demo-9", old),
            DeleteVolume("data-demo-0", old),
            Scale(old, 0),
            Prune(("ConfigMap", "kept"), "v1", old),
        ):
            assert (await actor.act(action)).done, action
    assert [each["metadata"]["name"] for each in lab.store.list("", "pods", "default")] == ["demo-0"]
    assert await kubectl("get", "configmap", "kept", "-o", "name") == "configmap/kept\n"


async def test_a_refused_apply_says_why_and_a_better_one_forgets_it(api: ClusterApi) -> None:
    async with aiohttp.ClientSession() as session:
        observer = Observer(api, Classes(api), session, ("default", "demo"), Options(image="i"))
        actor = Actor(api, observer, "default", "demo")
        good = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}}
        outcome = await actor.act(Apply({**good, "data": {"not allowed!": "b"}}, "it is missing"))
        assert not outcome.done
        assert "not allowed!" in outcome.why
        assert "not allowed!" in observer.unapplied["ConfigMap", "c"][1]
        assert (await actor.act(Apply(good, "it is missing"))).done
        assert observer.unapplied == {}
