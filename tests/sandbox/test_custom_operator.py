"""A real operator, made with kopf, on the sandbox's API: what it needs, it has."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.sandbox.api_client import MERGE, Client
from tests.sandbox.api_support import Laboratory
from tests.sandbox.custom_support import WIDGETS, create, define
from tests.sandbox.workloads import clock
from trireme.sandbox.apiserver.faults import ApiFault, Mode, write_faults
from trireme.sandbox.controllers.garbage import GarbageCollector
from trireme.sandbox.controllers.objects import owner_reference
from trireme.sandbox.controllers.runner import Runner
from trireme.sandbox.store.interface import Object

W = f"{WIDGETS}/w"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
SECONDS = 30.0

OPERATOR = """
import kopf

@kopf.on.startup()
def configure(settings, **_):
    settings.persistence.finalizer = "example.dev/operator"
    settings.networking.error_backoffs = [0.2] * 100

@kopf.on.create("example.dev", "v1alpha1", "widgets")
@kopf.on.update("example.dev", "v1alpha1", "widgets", field="spec.replicas")
def follow(spec, body, patch, **_):
    patch.status["replicas"] = spec["replicas"]
    kopf.event(body, type="Normal", reason="Followed", message=f"{spec['replicas']} replicas")

@kopf.on.delete("example.dev", "v1alpha1", "widgets")
def part(**_):
    pass
"""


@pytest_asyncio.fixture
async def client(lab: Laboratory) -> AsyncIterator[Client]:
    async with Client(lab) as ready:
        await define(ready)
        yield ready


@contextlib.asynccontextmanager
async def operator(lab: Laboratory, folder: Path) -> AsyncIterator[None]:
    """Its process, with what it says in operator.log."""
    program, log = folder / "operator.py", folder / "operator.log"
    program.write_text(OPERATOR)
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "kopf", "run", "--all-namespaces", "--standalone", str(program)),
            env={**os.environ, "KUBECONFIG": str(lab.server.kubeconfig)},
            stdout=output,
            stderr=output,
        )
        try:
            yield
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(f"{error}\n{log.read_text()}") from error
        finally:
            process.terminate()
            await process.wait()


async def until(client: Client, path: str, holds: Callable[[Any], bool]) -> Object:
    """The answer of which ``holds`` is true; a missing object is None. A server that is away is waited for."""
    found: Any = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    answer = await client.ask("GET", path)
                    found = None if answer.code == 404 else answer.body
                    if answer.code < 500 and holds(found):
                        return dict(found or {})
                await asyncio.sleep(0.1)
    raise AssertionError(f"{path} is still {found}")


def follows(replicas: int) -> Callable[[Any], bool]:
    return lambda obj: bool(obj) and obj.get("status") == {"replicas": replicas}


async def test_kopf_lists_watches_patches_and_lets_go(
    lab: Laboratory, client: Client, tmp_path: Path
) -> None:
    await create(client)
    async with operator(lab, tmp_path):
        seen = await until(client, W, follows(3))
        assert seen["metadata"]["finalizers"] == ["example.dev/operator"]
        assert seen["metadata"]["generation"] == 1
        await client.ask("PATCH", W, {"spec": {"replicas": 4}}, media=MERGE)
        await until(client, W, follows(4))
        events = "/api/v1/namespaces/default/events"
        await until(client, events, lambda body: any(e["reason"] == "Followed" for e in body["items"]))
        await client.ask("DELETE", W)
        await until(client, W, lambda obj: obj is None)


@pytest.mark.parametrize("mode", [Mode.ERROR, Mode.REFUSE])
async def test_kopf_comes_through_an_outage(
    lab: Laboratory, client: Client, tmp_path: Path, mode: Mode
) -> None:
    """A change that was made while the server was away is handled when it is back."""
    await create(client)
    async with operator(lab, tmp_path):
        await until(client, W, follows(3))
        write_faults(lab.directory / "api", (ApiFault(mode),))
        await asyncio.sleep(1)
        key = next(iter(lab.store.list("example.dev", "widgets")))
        lab.store.update("example.dev", "widgets", {**key, "spec": {**key["spec"], "replicas": 5}})
        await asyncio.sleep(1)
        write_faults(lab.directory / "api", ())
        await until(client, W, follows(5))


@pytest.mark.parametrize("propagation", ["Background", "Foreground", "Orphan"])
async def test_what_a_custom_resource_owns(lab: Laboratory, client: Client, propagation: str) -> None:
    owner = (await create(client)).body
    child = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "ownerReferences": [owner_reference(owner)]},
    }
    assert (await client.ask("POST", CONFIG_MAPS, child)).code == 201
    running = asyncio.create_task(Runner(lab.store, [GarbageCollector(lab.store, clock)]).run())
    try:
        await client.ask("DELETE", W, {"propagationPolicy": propagation})
        await until(client, W, lambda obj: obj is None)
        if propagation == "Orphan":
            left = await until(client, f"{CONFIG_MAPS}/c", lambda obj: obj is not None)
            assert not left["metadata"].get("ownerReferences")
        else:
            await until(client, f"{CONFIG_MAPS}/c", lambda obj: obj is None)
    finally:
        running.cancel()
