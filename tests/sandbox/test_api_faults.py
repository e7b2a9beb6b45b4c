"""An API server that is slow, failing, silent or away, as its clients meet it."""

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from tests.sandbox.api_client import Client
from tests.sandbox.api_support import Kubectl, Laboratory
from trireme.sandbox.apiserver.faults import ApiFault, Mode, write_faults

PODS = "/api/v1/namespaces/default/pods"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
SOON = 5.0
"""Seconds in which a switched fault must show."""


@pytest_asyncio.fixture
async def client(lab: Laboratory) -> AsyncIterator[Client]:
    async with Client(lab) as ready:
        yield ready


def switch(lab: Laboratory, *faults: ApiFault) -> None:
    write_faults(lab.directory / "api", faults)


async def until_refused(client: Client, how: type[aiohttp.ClientError] = aiohttp.ClientError) -> None:
    async with asyncio.timeout(SOON):
        while True:
            try:
                await client.ask("GET", PODS)
            except how:
                return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


async def test_error(lab: Laboratory, client: Client) -> None:
    switch(lab, ApiFault(Mode.ERROR))
    answer = await client.ask("GET", PODS)
    assert (answer.code, answer.body["reason"]) == (500, "InternalError")
    switch(lab, ApiFault(Mode.ERROR, code=503))
    answer = await client.ask("GET", PODS)
    assert (answer.code, answer.body["reason"]) == (503, "ServiceUnavailable")
    assert answer.message == "the server is currently unable to handle the request"
    switch(lab)
    assert (await client.ask("GET", PODS)).code == 200


async def test_slow(lab: Laboratory, client: Client) -> None:
    switch(lab, ApiFault(Mode.SLOW, seconds=0.5))
    start = time.monotonic()
    assert (await client.ask("GET", PODS)).code == 200
    assert time.monotonic() - start >= 0.5


async def test_pause_and_go_on(lab: Laboratory, client: Client) -> None:
    switch(lab, ApiFault(Mode.PAUSE))
    asked = asyncio.ensure_future(client.ask("GET", PODS))
    done, _ = await asyncio.wait({asked}, timeout=0.5)
    assert not done, "an answer came from a server that is paused"
    switch(lab)
    assert (await asyncio.wait_for(asked, SOON)).code == 200


async def test_a_watch_stands_still_while_the_server_is_paused(lab: Laboratory, client: Client) -> None:
    events = client.watch(f"{CONFIG_MAPS}?resourceVersion={lab.store.version}")
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.1)
    switch(lab, ApiFault(Mode.PAUSE))
    await asyncio.sleep(0.3)
    lab.put("", "configmaps", {"metadata": {"name": "c", "namespace": "default"}})
    done, _ = await asyncio.wait({waiting}, timeout=0.5)
    assert not done, "an event came from a server that is paused"
    switch(lab)
    assert (await asyncio.wait_for(waiting, SOON))["type"] == "ADDED"
    await events.aclose()


@pytest.mark.parametrize("mode", [Mode.ERROR, Mode.REFUSE])
async def test_a_watch_breaks(lab: Laboratory, client: Client, mode: Mode) -> None:
    events = client.watch(CONFIG_MAPS)
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.2)
    switch(lab, ApiFault(mode))
    with pytest.raises((aiohttp.ClientError, StopAsyncIteration)):
        await asyncio.wait_for(waiting, SOON)


async def test_refuse_and_come_back(lab: Laboratory, client: Client) -> None:
    assert (await client.ask("GET", PODS)).code == 200
    switch(lab, ApiFault(Mode.REFUSE))
    await until_refused(client, aiohttp.ClientConnectorError)
    switch(lab)
    async with asyncio.timeout(SOON):
        while True:
            try:
                assert (await client.ask("GET", PODS)).code == 200
                return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("mode", [Mode.ERROR, Mode.REFUSE])
async def test_only_some_users(lab: Laboratory, client: Client, mode: Mode) -> None:
    switch(lab, ApiFault(mode, users="system:serviceaccount:default:*"))
    async with Client(lab, lab.server.mint_token("default", "default")) as weak:
        if mode is Mode.ERROR:
            assert (await weak.ask("GET", PODS)).code == 500
        else:
            await until_refused(weak)
    assert (await client.ask("GET", PODS)).code == 200


async def test_a_file_that_cannot_be_read_changes_nothing(lab: Laboratory, client: Client) -> None:
    (lab.directory / "api" / "api-faults.json").write_text("{")
    assert (await client.ask("GET", PODS)).code == 200


async def test_kubectl_says_what_it_meets(lab: Laboratory, kubectl: Kubectl) -> None:
    await kubectl("get", "pods")
    switch(lab, ApiFault(Mode.ERROR, code=503))
    failed = await kubectl.run("get", "pods")
    assert failed.code == 1 and "currently unable to handle the request" in failed.err
    switch(lab, ApiFault(Mode.PAUSE))
    failed = await kubectl.run("get", "pods", "--request-timeout=1s")
    assert failed.code == 1 and (
        "deadline" in failed.err or "Timeout" in failed.err or "timeout" in failed.err
    )
    switch(lab)
    await kubectl("get", "pods")
