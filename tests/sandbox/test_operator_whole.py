"""Operators as they are installed: with the rights of one namespace only, and two of them of which one acts."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import yaml

from tests.sandbox.api_support import KUBECTLS, Kubectl, Laboratory, free_port
from tests.sandbox.operator_support import (
    CRD,
    answers,
    environment,
    has,
    metric,
    operating,
    rounds,
    settings,
    until,
)
from tests.sandbox.test_operator_parts import resource
from trireme.adapters.kubeconfig import Access, User, find_access
from trireme.operator.kinds import WATCHED

NAMESPACED = CRD.parents[1] / "operator-overlays" / "namespaced"
OWN = "trireme-system"
TRIREME = str(Path(sys.executable).with_name("trireme"))


# --- one namespace -----------------------------------------------------------------------------------------------


async def with_rights_of_one_namespace(kubectl: Kubectl, access: Access) -> Access:
    """As deploy/operator-overlays/namespaced installs it, but for its Deployment."""
    built = await kubectl("kustomize", str(NAMESPACED))
    objects = [each for each in yaml.safe_load_all(built) if each["kind"] != "Deployment"]
    objects.sort(key=lambda each: each["kind"] != "Namespace")
    await kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))
    token = await kubectl("create", "token", "trireme-operator", "--namespace", OWN)
    return replace(access, user=User(token=token.strip()), namespace=OWN)


async def test_with_the_rights_of_one_namespace_it_keeps_that_one(lab: Laboratory) -> None:
    kubectl, port = lab.kubectl(KUBECTLS[0]), free_port("127.0.0.1")
    own = await with_rights_of_one_namespace(kubectl, find_access({}, file=lab.server.kubeconfig))
    await kubectl("apply", "-f", "-", stdin=resource("elsewhere"))
    async with operating(settings(port, namespace=OWN), own, own):

        async def hears() -> bool:
            return all(
                [
                    await metric(port, f'trireme_operator_watches_up{{kind="{kind.name}"}}') == 1.0
                    for kind in WATCHED
                ]
            )

        await until(hears, "it may watch all that it needs")
        assert await answers(port, "/readyz", 200)
        await kubectl("apply", "--namespace", OWN, "-f", "-", stdin=resource("demo"))
        await until(lambda: has(kubectl, "statefulset", "demo", "--namespace", OWN), "its own is kept")
        enough = await rounds(port) + 1

        async def looked() -> bool:
            return await rounds(port) > enough

        await until(looked, "it looks again")
        assert not await has(kubectl, "statefulset", "elsewhere")
        assert await metric(port, "trireme_operator_clusters") == 1.0


# --- two replicas ------------------------------------------------------------------------------------------------


@asynccontextmanager
async def process(lab: Laboratory, name: str, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """One that can be killed between two instructions."""
    started = await asyncio.create_subprocess_exec(
        TRIREME,
        "operator",
        env={**os.environ, **environment(port, name=name), "KUBECONFIG": str(lab.server.kubeconfig)},
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def acted(port: int) -> bool:
    return (await metric(port, 'trireme_operator_actions_total{action="Apply",outcome="done"}') or 0.0) > 0


async def test_one_of_two_acts_and_the_other_goes_on_when_it_is_killed(lab: Laboratory) -> None:
    kubectl = lab.kubectl(KUBECTLS[0])
    await kubectl("apply", "-f", str(CRD))
    one, two = free_port("127.0.0.1"), free_port("127.0.0.1")
    async with process(lab, "one", one) as first, process(lab, "two", two) as second:
        await until(lambda: answers(one, "/readyz", 200), "the first is there")
        await until(lambda: answers(two, "/readyz", 200), "the second is there")
        await kubectl("apply", "-f", "-", stdin=resource("demo"))
        await until(lambda: has(kubectl, "statefulset", "demo"), "the cluster is made")
        leads = [await metric(port, "trireme_operator_leads") == 1.0 for port in (one, two)]
        assert sorted(leads) == [False, True]
        leader, other, killed = (one, two, first) if leads[0] else (two, one, second)
        assert (await acted(leader), await acted(other)) == (True, False)
        killed.kill()
        await killed.wait()
        await kubectl("delete", "service", "demo")
        await until(lambda: has(kubectl, "service", "demo"), "the other one goes on")
        assert await acted(other)
