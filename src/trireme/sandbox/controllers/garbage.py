"""The garbage collector: what is owned goes with its owners, in the background, the foreground, or not at all."""

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from trireme.sandbox.controllers.events import Clock, Recorder
from trireme.sandbox.controllers.objects import keep, terminating, uid_of
from trireme.sandbox.controllers.runner import EVERYTHING, Names, Resource
from trireme.sandbox.controllers.writes import Delete, Replace, Write, apply
from trireme.sandbox.store.interface import Change, Key, NotFoundError, Object, Store

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Owned:
    """An object with the key that the store keeps it at."""

    key: Key
    obj: Object


def plan_garbage(subject: Owned, living: Collection[str], dependents: Sequence[Owned]) -> list[Write]:
    """``living`` are the uids of all objects, ``dependents`` those that name the subject as an owner."""
    finalizers = subject.obj["metadata"].get("finalizers") or []
    if terminating(subject.obj):
        if ORPHAN in finalizers:
            freed = [_without_owner(each, {uid_of(subject.obj)}) for each in dependents]
            return [*freed, _without_finalizer(subject, ORPHAN)]
        if FOREGROUND in finalizers:
            return _foreground(subject, dependents)
        return []
    references = subject.obj["metadata"].get("ownerReferences") or []
    gone = {reference["uid"] for reference in references if reference["uid"] not in living}
    if not gone:
        return []
    if len(gone) < len(references):
        return [_without_owner(subject, gone)]
    return [Delete(subject.key, uid_of(subject.obj))]


def _foreground(subject: Owned, dependents: Sequence[Owned]) -> list[Write]:
    """Delete the dependents; the owner goes when the last one that blocks it is gone."""
    blocking = [each for each in dependents if _blocks(each.obj, uid_of(subject.obj))]
    doomed: list[Write] = [
        Delete(each.key, uid_of(each.obj), "Foreground") for each in dependents if not terminating(each.obj)
    ]
    return doomed if blocking else [*doomed, _without_finalizer(subject, FOREGROUND)]


def _blocks(obj: Object, owner: str) -> bool:
    references = obj["metadata"].get("ownerReferences") or []
    return any(each["uid"] == owner and each.get("blockOwnerDeletion") for each in references)


def _without_owner(owned: Owned, owners: Collection[str]) -> Write:
    changed = copy.deepcopy(owned.obj)
    keep(changed, "ownerReferences", lambda each: each["uid"] not in owners)
    return Replace(owned.key.group, owned.key.resource, changed)


def _without_finalizer(owned: Owned, finalizer: str) -> Write:
    changed = copy.deepcopy(owned.obj)
    keep(changed, "finalizers", lambda each: each != finalizer)
    return Replace(owned.key.group, owned.key.resource, changed)


class GarbageCollector:
    name = "garbage-collector"

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._recorder = Recorder(store, "garbage-collector", clock)

    def sources(self) -> Mapping[Resource, Names]:
        return {EVERYTHING: self._concerned, ("", "events"): lambda _: ()}

    async def reconcile(self, key: Key) -> float | None:
        try:
            subject = Owned(key, self._store.get(key))
        except NotFoundError:
            return None
        everything = list(self._everything())
        living = {uid_of(each.obj) for each in everything}
        dependents = [each for each in everything if _owned_by(each.obj, uid_of(subject.obj))]
        apply(self._store, self._recorder, plan_garbage(subject, living, dependents))
        return None

    def _concerned(self, change: Change) -> Iterable[Key]:
        """The object itself; when it goes, also what it owned and the owners that waited for it."""
        if change.kind != "DELETED":
            return (change.key,)
        owners = {each["uid"] for each in change.new["metadata"].get("ownerReferences") or ()}
        uid = uid_of(change.new)
        return [
            each.key
            for each in self._everything()
            if _owned_by(each.obj, uid) or (uid_of(each.obj) in owners and terminating(each.obj))
        ]

    def _everything(self) -> Iterable[Owned]:
        for group, resource in self._store.resources():
            if resource != "events":
                for obj in self._store.list(group, resource):
                    metadata = obj["metadata"]
                    yield Owned(Key(group, resource, metadata.get("namespace", ""), metadata["name"]), obj)


def _owned_by(obj: Object, uid: str) -> bool:
    return any(each["uid"] == uid for each in obj["metadata"].get("ownerReferences") or ())
