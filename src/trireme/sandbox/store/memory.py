"""The sandbox's store: objects in memory, every commit in a journal, the semantics of Kubernetes' storage."""

import builtins
import logging
import random
import uuid
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trireme.sandbox.store.history import History, Watch
from trireme.sandbox.store.interface import (
    Change,
    ConflictError,
    ExistsError,
    Key,
    NotFoundError,
    Object,
)
from trireme.sandbox.store.journal import Entry, Journal
from trireme.sandbox.store.tree import copy_tree

log = logging.getLogger(__name__)

HISTORY_LIMIT = 4096
"""Changes remembered per resource for watches that resume."""

COMPACT_AFTER = 5000
"""Journal lines after which it is folded into the snapshot: about 10 MB, well under a second to read."""

NAME_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""What Kubernetes draws generateName's five characters from: no vowels, nothing that looks alike."""

WITHOUT_GENERATION = frozenset(
    {"configmaps", "secrets", "events", "serviceaccounts", "endpoints", "endpointslices", "leases", "nodes"}
    | {"namespaces", "services", "persistentvolumes", "persistentvolumeclaims", "storageclasses"}
    | {"roles", "rolebindings", "clusterroles", "clusterrolebindings", "controllerrevisions"}
)

FINISHED = ("Succeeded", "Failed")


def open_store(directory: Path) -> "MemoryStore":
    """The store kept in ``directory``, which is made if need be. Raises PermanentError when it is in use."""
    return MemoryStore(Journal(directory))


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MemoryStore:
    """Implements ``interface.Store``. All methods are for one thread, the event loop's."""

    def __init__(
        self,
        journal: Journal | None = None,
        *,
        now: Callable[[], datetime] = _utc_now,
        rng: random.Random | None = None,
        history_limit: int = HISTORY_LIMIT,
    ) -> None:
        self._journal = journal
        self._now = now
        self._rng = rng or random.Random()  # noqa: S311 - names, not secrets
        self._history_limit = history_limit
        self._objects: dict[tuple[str, str], dict[tuple[str, str], Object]] = {}
        self._histories: dict[tuple[str, str], History] = {}
        self._listeners: list[Callable[[Change], None]] = []
        self._untold: deque[Change] = deque()
        self._version = 0
        if journal is not None:
            self._load(journal)
        self._loaded_version = self._version

    @property
    def version(self) -> int:
        return self._version

    def get(self, key: Key) -> Object:
        found = self._objects.get((key.group, key.resource), {}).get((key.namespace, key.name))
        if found is None:
            raise NotFoundError(f'{_dotted(key)} "{key.name}" not found')
        return found

    def list(self, group: str, resource: str, namespace: str | None = None) -> list[Object]:
        rows = self._objects.get((group, resource), {})
        return [rows[place] for place in sorted(rows) if namespace in (None, place[0])]

    def resources(self) -> builtins.list[tuple[str, str]]:
        return sorted(self._objects)

    def create(self, group: str, resource: str, obj: Object, *, dry_run: bool = False) -> Object:
        state = copy_tree(obj)
        metadata = state.setdefault("metadata", {})
        if not metadata.get("name"):
            metadata["name"] = self._generate_name(group, resource, metadata)
        key = _key(group, resource, state)
        if (key.namespace, key.name) in self._objects.get((group, resource), {}):
            raise ExistsError(f'{_dotted(key)} "{key.name}" already exists')
        for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"):
            metadata.pop(field, None)
        metadata.setdefault("uid", str(uuid.UUID(int=self._rng.getrandbits(128), version=4)))
        metadata["creationTimestamp"] = self._timestamp()
        if _has_generation(group, resource):
            metadata["generation"] = 1
        return self._commit("ADDED", key, None, state, dry_run)

    def update(
        self, group: str, resource: str, obj: Object, *, dry_run: bool = False, counts_status: bool = False
    ) -> Object:
        key = _key(group, resource, obj)
        old = self.get(key)
        state = copy_tree(obj)
        _check_current(key, old["metadata"], state["metadata"])
        _keep_identity(old["metadata"], state["metadata"])
        if state == old:
            return old
        if _has_generation(group, resource):
            apart = ("metadata",) if counts_status else ("metadata", "status")
            grew = _desired(old, apart) != _desired(state, apart)
            state["metadata"]["generation"] = old["metadata"].get("generation", 1) + grew
        if _may_go(state["metadata"]):
            return self._commit("DELETED", key, old, state, dry_run)
        return self._commit("MODIFIED", key, old, state, dry_run)

    def mutate(self, key: Key, change: Callable[[Object], None]) -> Object:
        state = copy_tree(self.get(key))
        change(state)
        return self.update(key.group, key.resource, state)

    def delete(
        self,
        key: Key,
        *,
        grace_seconds: int | None = None,
        propagation: str = "Background",
        uid: str | None = None,
        dry_run: bool = False,
    ) -> Object:
        old = self.get(key)
        if uid is not None and uid != old["metadata"]["uid"]:
            raise ConflictError(
                f"Precondition failed: UID in precondition: {uid}, "
                f"UID in object meta: {old['metadata']['uid']}"
            )
        state = copy_tree(old)
        metadata = state["metadata"]
        _add_propagation_finalizer(metadata, propagation)
        grace = _grace(key, old, grace_seconds)
        if grace == 0 and not metadata.get("finalizers"):
            return self._commit("DELETED", key, old, state, dry_run)
        if "deletionTimestamp" not in metadata or grace < metadata.get("deletionGracePeriodSeconds", 0):
            metadata["deletionTimestamp"] = self._timestamp(timedelta(seconds=grace))
            metadata["deletionGracePeriodSeconds"] = grace
        if state == old:
            return old
        if "generation" in metadata:
            metadata["generation"] += 1
        return self._commit("MODIFIED", key, old, state, dry_run)

    def watch(
        self, group: str, resource: str, namespace: str | None = None, *, since: int | None = None
    ) -> Watch:
        history = self._history(group, resource)
        position = history.end if since is None else history.position_after(since)
        return Watch(history, position, namespace)

    def subscribe(self, wake: Callable[[Change], None]) -> Callable[[], None]:
        self._listeners.append(wake)
        return lambda: self._listeners.remove(wake)

    def close(self) -> None:
        """Fold the journal into the snapshot and let go of the directory."""
        if self._journal is not None:
            self._compact(self._journal)
            self._journal.close()
            self._journal = None

    def _commit(self, kind: str, key: Key, old: Object | None, state: Object, dry_run: bool) -> Object:
        """Journal first: what cannot be written did not happen. Listeners see the new state in place."""
        if dry_run:
            return state
        version = self._version + 1
        state["metadata"]["resourceVersion"] = str(version)
        removed = kind == "DELETED"
        if self._journal is not None:
            self._journal.append(Entry(version, key, None if removed else state))
        self._version = version
        self._place(key, None if removed else state)
        change = Change(kind, key, old, state, version)  # type: ignore[arg-type]
        self._history(key.group, key.resource).append(change)
        self._tell(change)
        if self._journal is not None and self._journal.length >= COMPACT_AFTER:
            self._compact(self._journal)
        return state

    def _tell(self, change: Change) -> None:
        """Every listener sees every change in the order of commits, even when a listener itself commits."""
        self._untold.append(change)
        if len(self._untold) > 1:
            return
        while self._untold:
            for wake in tuple(self._listeners):
                try:
                    wake(self._untold[0])
                except Exception:
                    log.exception("a listener failed on %s of %s", self._untold[0].kind, self._untold[0].key)
            self._untold.popleft()

    def _place(self, key: Key, state: Object | None) -> None:
        rows = self._objects.setdefault((key.group, key.resource), {})
        if state is None:
            rows.pop((key.namespace, key.name), None)
        else:
            rows[key.namespace, key.name] = state

    def _history(self, group: str, resource: str) -> History:
        history = self._histories.get((group, resource))
        if history is None:
            history = self._histories[group, resource] = History(self._loaded_version, self._history_limit)
        return history

    def _load(self, journal: Journal) -> None:
        for entry in journal.read():
            self._version = max(self._version, entry.version)
            self._place(entry.key, entry.state)

    def _compact(self, journal: Journal) -> None:
        rows = (
            Entry(int(state["metadata"]["resourceVersion"]), Key(group, resource, namespace, name), state)
            for (group, resource), objects in self._objects.items()
            for (namespace, name), state in objects.items()
        )
        journal.compact(self._version, rows)

    def _generate_name(self, group: str, resource: str, metadata: Object) -> str:
        prefix = str(metadata.get("generateName", ""))
        taken = self._objects.get((group, resource), {})
        while True:
            name = prefix + "".join(self._rng.choices(NAME_SUFFIX_ALPHABET, k=5))
            if (metadata.get("namespace", ""), name) not in taken:
                return name

    def _timestamp(self, later: timedelta = timedelta(0)) -> str:
        return (self._now() + later).strftime("%Y-%m-%dT%H:%M:%SZ")


def _key(group: str, resource: str, obj: Object) -> Key:
    metadata = obj["metadata"]
    return Key(group, resource, metadata.get("namespace", ""), metadata["name"])


def _dotted(key: Key) -> str:
    return f"{key.resource}.{key.group}" if key.group else key.resource


def _check_current(key: Key, old: Object, new: Object) -> None:
    stale = new.get("resourceVersion") not in (None, "", old["resourceVersion"])
    if stale:
        raise ConflictError(
            f'Operation cannot be fulfilled on {_dotted(key)} "{key.name}": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )
    if new.get("uid") not in (None, "", old["uid"]):
        raise ConflictError(
            f'Operation cannot be fulfilled on {_dotted(key)} "{key.name}": Precondition failed: '
            f"UID in precondition: {new['uid']}, UID in object meta: {old['uid']}"
        )


def _keep_identity(old: Object, new: Object) -> None:
    """The fields that only the store writes stay as they are, whatever the writer sent."""
    for field in (
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "resourceVersion",
    ):
        if field in old:
            new[field] = old[field]
        else:
            new.pop(field, None)


def _has_generation(group: str, resource: str) -> bool:
    """Custom resources always have one, whatever their name."""
    is_custom = "." in group and not group.endswith(".k8s.io")
    return is_custom or resource not in WITHOUT_GENERATION


def _desired(obj: Object, apart: tuple[str, ...]) -> Object:
    """``apart`` from these fields. A version's name is no wish of anybody's."""
    return {field: value for field, value in obj.items() if field not in ("apiVersion", *apart)}


def _may_go(metadata: Object) -> bool:
    grace_over = metadata.get("deletionGracePeriodSeconds", 0) == 0
    return "deletionTimestamp" in metadata and grace_over and not metadata.get("finalizers")


def _add_propagation_finalizer(metadata: Object, propagation: str) -> None:
    """The garbage collector takes the finalizer away when the dependents are gone, or are let go."""
    finalizer = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(propagation)
    if finalizer is not None and finalizer not in metadata.get("finalizers", ()):
        metadata.setdefault("finalizers", []).append(finalizer)


def _grace(key: Key, obj: Object, asked: int | None) -> int:
    """Seconds. Only a pod that runs on a node has any to spend."""
    if (key.group, key.resource) != ("", "pods"):
        return 0
    spec = obj.get("spec", {})
    if not spec.get("nodeName") or obj.get("status", {}).get("phase") in FINISHED:
        return 0
    return int(spec.get("terminationGracePeriodSeconds", 30)) if asked is None else max(0, asked)
