"""What a controller may do to the store, as values: a decision returns them, one place applies them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, assert_never

from trireme.sandbox.controllers.events import Recorder
from trireme.sandbox.controllers.objects import controller_of, namespace_of
from trireme.sandbox.store.interface import Key, NotFoundError, Object, RefusedError, Store

EventType = Literal["Normal", "Warning"]


@dataclass(frozen=True, slots=True)
class Create:
    group: str
    resource: str
    obj: Object


@dataclass(frozen=True, slots=True)
class Replace:
    """``obj`` carries the resourceVersion it was read at, so that a write in between is a conflict."""

    group: str
    resource: str
    obj: Object


@dataclass(frozen=True, slots=True)
class SetStatus:
    key: Key
    status: Object


@dataclass(frozen=True, slots=True)
class Delete:
    """Only the object of this uid: its successor of the same name is never hit."""

    key: Key
    uid: str
    propagation: str = "Background"


@dataclass(frozen=True, slots=True)
class Emit:
    """Record an Event that regards ``obj``."""

    obj: Object
    type: EventType
    reason: str
    message: str


Write = Create | Replace | SetStatus | Delete | Emit


def apply(store: Store, recorder: Recorder, writes: Iterable[Write]) -> None:
    """Apply in order; the first ConflictError, ExistsError or RefusedError stops the rest, for the runner to retry.

    What is gone already counts as deleted, and needs no status.
    """
    for write in writes:
        match write:
            case Create(group, resource, obj):
                _create(store, recorder, group, resource, obj)
            case Replace(group, resource, obj):
                store.update(group, resource, obj)
            case SetStatus(key, status):
                _set_status(store, key, status)
            case Delete(key, uid, propagation):
                _delete(store, key, uid, propagation)
            case Emit(obj, type_, reason, message):
                recorder.emit(obj, type_, reason, message)
            case _:
                assert_never(write)


def _create(store: Store, recorder: Recorder, group: str, resource: str, obj: Object) -> None:
    try:
        store.create(group, resource, obj)
    except RefusedError as error:
        owner = controller_of(obj)
        if owner is not None:
            named = f"{obj['kind']} {obj['metadata'].get('name', '')}".strip()
            metadata = {"name": owner["name"], "uid": owner["uid"], "namespace": namespace_of(obj)}
            message = f"create {named} in {owner['kind']} {owner['name']} failed error: {error}"
            recorder.emit({**owner, "metadata": metadata}, "Warning", "FailedCreate", message)
        raise


def _set_status(store: Store, key: Key, status: Object) -> None:
    def change(obj: Object) -> None:
        obj["status"] = status

    try:
        store.mutate(key, change)
    except NotFoundError:
        return


def _delete(store: Store, key: Key, uid: str, propagation: str) -> None:
    try:
        store.delete(key, uid=uid, propagation=propagation)
    except NotFoundError:
        return
