"""The store as controllers see it: what they create is completed and admitted first, as if by the API server."""

import builtins
import copy
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from trireme.sandbox.store.interface import Change, Key, Object, Store

Complete = Callable[[str, str, Object], None]
"""Group, resource and object, which is changed in place. Raises RefusedError."""


@dataclass(frozen=True, slots=True)
class AdmittingStore:
    """Implements ``Store`` on top of another one; only ``create`` differs. It raises RefusedError as well."""

    store: Store
    complete: Complete

    @property
    def version(self) -> int:
        return self.store.version

    def get(self, key: Key) -> Object:
        return self.store.get(key)

    def list(self, group: str, resource: str, namespace: str | None = None) -> list[Object]:
        return self.store.list(group, resource, namespace)

    def resources(self) -> builtins.list[tuple[str, str]]:
        return self.store.resources()

    def create(self, group: str, resource: str, obj: Object, *, dry_run: bool = False) -> Object:
        whole = copy.deepcopy(obj)
        self.complete(group, resource, whole)
        return self.store.create(group, resource, whole, dry_run=dry_run)

    def update(
        self, group: str, resource: str, obj: Object, *, dry_run: bool = False, counts_status: bool = False
    ) -> Object:
        return self.store.update(group, resource, obj, dry_run=dry_run, counts_status=counts_status)

    def mutate(self, key: Key, change: Callable[[Object], None]) -> Object:
        return self.store.mutate(key, change)

    def delete(
        self,
        key: Key,
        *,
        grace_seconds: int | None = None,
        propagation: str = "Background",
        uid: str | None = None,
    ) -> Object:
        return self.store.delete(key, grace_seconds=grace_seconds, propagation=propagation, uid=uid)

    def watch(
        self, group: str, resource: str, namespace: str | None = None, *, since: int | None = None
    ) -> AsyncIterator[Change]:
        return self.store.watch(group, resource, namespace, since=since)

    def subscribe(self, wake: Callable[[Change], None]) -> Callable[[], None]:
        return self.store.subscribe(wake)
