"""Objects as a person would write them, and a stand-in for the node that makes pods run or go."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from trireme.sandbox.controllers.objects import terminating, timestamp
from trireme.sandbox.controllers.runner import Controller, Runner
from trireme.sandbox.store.interface import Change, Key, Object, Store

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def clock() -> datetime:
    return datetime.now(UTC)


def template(labels: dict[str, str], **spec: Any) -> Object:
    containers = [{"name": "main", "image": "trireme", "ports": [{"name": "mysql", "containerPort": 3306}]}]
    return {"metadata": {"labels": labels}, "spec": {"containers": containers, **spec}}


def stateful_set(name: str = "demo", *, uid: str = "set-uid", claims: bool = False, **spec: Any) -> Object:
    labels = {"app": name}
    data = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": "default", "uid": uid, "generation": 1},
        "spec": {
            "replicas": 3,
            "serviceName": f"{name}-internal",
            "selector": {"matchLabels": labels},
            "template": template(labels),
            **({"volumeClaimTemplates": [data]} if claims else {}),
            **spec,
        },
    }


def service(name: str, selector: dict[str, str], *, headless: bool = False, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default", "uid": f"{name}-uid"},
        "spec": {
            "selector": selector,
            "ports": [{"name": "mysql", "port": 3306, "targetPort": "mysql"}],
            **({"clusterIP": "None"} if headless else {}),
            **spec,
        },
    }


def running(pod: Object, address: str, *, ready: bool = True, since: datetime = NOW) -> Object:
    """The same pod, as the node would report it once it runs."""
    state = {"type": "Ready", "status": str(ready), "lastTransitionTime": timestamp(since)}
    return {**pod, "status": {"phase": "Running", "podIP": address, "conditions": [state]}}


class StandInNode:
    """Runs every pod at once and ends every terminating one at once. ``unready`` names pods never ready."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._count = 0
        self.unready: set[str] = set()
        self.held: set[str] = set()
        """Pods that do not end although they were told to."""
        self._changed: asyncio.Queue[Key] = asyncio.Queue()
        self._stop = store.subscribe(self._notice)

    def _notice(self, change: Change) -> None:
        if change.key.resource == "pods" and change.kind != "DELETED":
            self._changed.put_nowait(change.key)

    async def run(self) -> None:
        while True:
            key = await self._changed.get()
            pods = [pod for pod in self._store.list("", "pods", key.namespace) if _named(pod, key.name)]
            for pod in pods:
                self._serve(key, pod)

    def _serve(self, key: Key, pod: Object) -> None:
        if terminating(pod):
            if key.name not in self.held:
                self._store.delete(key, grace_seconds=0)
            return
        if (pod.get("status") or {}).get("podIP"):
            return
        self._count += 1
        address = f"127.99.16.{self._count}"
        ready = key.name not in self.unready

        def run(obj: Object) -> None:
            obj["spec"]["nodeName"] = "sandbox"
            obj["status"] = running(obj, address, ready=ready, since=clock())["status"]

        self._store.mutate(key, run)


def _named(pod: Object, name: str) -> bool:
    return bool(pod["metadata"]["name"] == name)


@contextlib.asynccontextmanager
async def cluster(store: Store, controllers: Sequence[Controller]) -> AsyncIterator[StandInNode]:
    """The controllers and the stand-in node at work until the block ends."""
    node = StandInNode(store)
    tasks = [asyncio.create_task(Runner(store, controllers).run()), asyncio.create_task(node.run())]
    try:
        yield node
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


async def until(store: Store, holds: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for a condition of the store, asked again after each change. Raises TimeoutError."""
    changed = asyncio.Event()
    stop = store.subscribe(lambda _: changed.set())
    try:
        async with asyncio.timeout(seconds):
            while not holds():
                await changed.wait()
                changed.clear()
    finally:
        stop()


def names(store: Store, resource: str, group: str = "") -> list[str]:
    return [obj["metadata"]["name"] for obj in store.list(group, resource)]
