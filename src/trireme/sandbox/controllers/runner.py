"""Informer and work queue in one: changes name keys, and each is reconciled until it holds."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from trireme.sandbox.store.interface import (
    Change,
    ConflictError,
    ExistsError,
    Key,
    NotFoundError,
    RefusedError,
    Store,
)

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.01
LAST_RETRY_SECONDS = 30.0

Resource = tuple[str, str]
"""API group and lower-case plural."""

EVERYTHING: Resource = ("*", "*")
"""As a source: every resource that no other source of the controller names."""

Names = Callable[[Change], Iterable[Key]]
"""Which keys a change concerns."""


class Controller(Protocol):
    """One kind of work. Its state is in the store, so that any reconcile can be the first."""

    @property
    def name(self) -> str: ...

    def sources(self) -> Mapping[Resource, Names]:
        """What to watch; at the start each existing object is presented as ADDED."""
        ...

    async def reconcile(self, key: Key) -> float | None:
        """Bring ``key`` one step nearer. Returns the seconds until it must be looked at again, if so."""
        ...


class WorkQueue:
    """Keys with the time at which they are due; a key is in it at most once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due: dict[Key, float] = {}
        self._changed = asyncio.Event()

    def add(self, key: Key, delay: float = 0.0) -> None:
        """An earlier time wins over the one that is set."""
        due = self._clock() + delay
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            self._changed.set()

    async def take(self) -> Key:
        """Wait for the next due key and remove it."""
        while True:
            self._changed.clear()
            if not self._due:
                await self._changed.wait()
                continue
            key = min(self._due, key=self._due.__getitem__)
            wait = self._due[key] - self._clock()
            if wait <= 0:
                del self._due[key]
                return key
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue


class Runner:
    """Runs controllers over a store until it is cancelled."""

    def __init__(self, store: Store, controllers: Sequence[Controller]) -> None:
        self._store = store
        self._controllers = controllers

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for controller in self._controllers:
                group.create_task(self._drive(controller), name=f"controller {controller.name}")

    async def _drive(self, controller: Controller) -> None:
        queue = WorkQueue(asyncio.get_running_loop().time)
        sources = controller.sources()

        def wake(change: Change) -> None:
            names = _names(sources, change.key.group, change.key.resource)
            for key in names(change) if names else ():
                queue.add(key)

        stop = self._store.subscribe(wake)
        try:
            for group, resource in self._store.resources():
                for obj in self._store.list(group, resource):
                    wake(_as_added(group, resource, obj, self._store.version))
            await _work(controller, queue)
        finally:
            stop()


def _names(sources: Mapping[Resource, Names], group: str, resource: str) -> Names | None:
    return sources.get((group, resource)) or sources.get(EVERYTHING)


async def _work(controller: Controller, queue: WorkQueue) -> None:
    failures: dict[Key, int] = {}
    while True:
        key = await queue.take()
        try:
            again = await controller.reconcile(key)
        except (ConflictError, ExistsError, NotFoundError, RefusedError) as error:
            log.debug("%s: %s: %s, trying again", controller.name, key, error)
        except Exception:
            log.exception("%s: %s: trying again", controller.name, key)
        else:
            failures.pop(key, None)
            if again is not None:
                queue.add(key, again)
            # One key's own writes must not keep the other tasks of the loop from running.
            await asyncio.sleep(0)
            continue
        failures[key] = failures.get(key, 0) + 1
        queue.add(key, min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(failures[key], 20)))


def _as_added(group: str, resource: str, obj: dict[str, object], version: int) -> Change:
    metadata = obj["metadata"]
    assert isinstance(metadata, dict)
    key = Key(group, resource, metadata.get("namespace", ""), metadata["name"])
    return Change("ADDED", key, None, obj, version)


def itself(change: Change) -> Iterable[Key]:
    """The changed object is what is reconciled."""
    return (change.key,)


def controllers_key(group: str, resource: str, kind: str) -> Names:
    """The object of this kind that controls the changed one, before or after the change."""

    def names(change: Change) -> Iterable[Key]:
        found = set()
        for obj in (change.old, change.new):
            for reference in (obj or {}).get("metadata", {}).get("ownerReferences") or ():
                if reference.get("controller") and reference.get("kind") == kind:
                    found.add(Key(group, resource, change.key.namespace, reference["name"]))
        return found

    return names
