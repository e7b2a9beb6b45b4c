"""What the API server, the controllers and the node share: versioned objects, and watches on them."""

import asyncio
import builtins
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Object = dict[str, Any]
"""A Kubernetes object as JSON. Objects handed out by a store are never to be mutated: copy first."""


@dataclass(frozen=True, slots=True)
class Key:
    """Where an object lives. ``resource`` is the lower-case plural; '' means core group, or cluster-wide."""

    group: str
    resource: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """One committed write. ``old`` is None for ADDED, ``new`` is the last state for DELETED."""

    kind: Literal["ADDED", "MODIFIED", "DELETED"]
    key: Key
    old: Object | None
    new: Object
    version: int


class ConflictError(Exception):
    """The object changed since it was read (HTTP 409)."""


class NotFoundError(Exception):
    """No such object (HTTP 404)."""


class ExistsError(Exception):
    """An object of that name exists (HTTP 409, AlreadyExists)."""


class GoneError(Exception):
    """The resourceVersion asked for is older than what the store remembers (HTTP 410)."""


class RefusedError(Exception):
    """Admission does not let the object in (HTTP 403): what a client would be told, told to a controller."""


class Store(Protocol):
    """One writer at a time by being single-threaded asyncio code: no method but ``watch`` awaits."""

    @property
    def version(self) -> int: ...

    def get(self, key: Key) -> Object:
        """Raises NotFoundError."""
        ...

    def list(self, group: str, resource: str, namespace: str | None = None) -> list[Object]:
        """All objects of a resource, sorted by namespace and name; None means every namespace."""
        ...

    def resources(self) -> builtins.list[tuple[str, str]]:
        """Group and resource of everything that there was ever an object of, custom resources included."""
        ...

    def create(self, group: str, resource: str, obj: Object, *, dry_run: bool = False) -> Object:
        """Fills uid, creationTimestamp, resourceVersion, generation (1), resolves generateName.

        A uid that is given is kept: a Job's selector contains it before the Job exists. ``dry_run`` returns
        what would be committed. Raises ExistsError.
        """
        ...

    def update(
        self, group: str, resource: str, obj: Object, *, dry_run: bool = False, counts_status: bool = False
    ) -> Object:
        """Replace whole. If ``obj`` carries a resourceVersion it must be current, else ConflictError.

        generation grows when anything but metadata and status changed; ``counts_status``: the status too.
        If deletionTimestamp is set and the last finalizer is gone (and grace is over, for pods) the object
        is removed.
        """
        ...

    def mutate(self, key: Key, change: Callable[[Object], None]) -> Object:
        """Read, copy, ``change`` the copy in place, write back if it differs. The controllers' usual way."""
        ...

    def delete(
        self,
        key: Key,
        *,
        grace_seconds: int | None = None,
        propagation: str = "Background",
        uid: str | None = None,
    ) -> Object:
        """Kubernetes' delete: with finalizers, or a pod with a grace period on a node, sets deletionTimestamp
        (and deletionGracePeriodSeconds); otherwise removes. Returns the last state."""
        ...

    def watch(
        self, group: str, resource: str, namespace: str | None = None, *, since: int | None = None
    ) -> AsyncIterator[Change]:
        """Changes after version ``since`` (None: from now). GoneError when ``since`` is forgotten."""
        ...

    def subscribe(self, wake: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``wake`` synchronously after each commit (informers, controllers). Returns the way to stop."""
        ...


Queue = asyncio.Queue[Key]
