"""watch: changes as they happen, one JSON object a line."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec
from aiohttp import web

from trireme.sandbox.apiserver.answer import Accepted, accepted, metadata_only, shape
from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.errors import bad_request, gone
from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.apiserver.reading import objects_of
from trireme.sandbox.apiserver.selectors import Predicate, object_filter
from trireme.sandbox.apiserver.tables.table import to_table
from trireme.sandbox.apiserver.target import is_true
from trireme.sandbox.store.history import Watch
from trireme.sandbox.store.interface import Change, GoneError, Object

BOOKMARK_SECONDS = 30.0
"""How often an idle watch says which version it has reached."""

DEFAULT_SECONDS = (1800, 3600)
"""A watch without timeoutSeconds ends at a random moment in between, as in Kubernetes."""

INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True)
class Event:
    type: str
    obj: Object


async def watch(call: Call) -> web.StreamResponse:
    """Ends after timeoutSeconds, or with an ERROR event when the version asked for is forgotten."""
    encoder = _Encoder(call, accepted(call))
    source = _events(call, _filter(call), _since(call))
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache"})
    await response.prepare(call.request)
    seconds = float(call.query.get("timeoutSeconds") or random.uniform(*DEFAULT_SECONDS))  # noqa: S311
    try:
        async with asyncio.timeout(seconds):
            async for event in source:
                await call.cluster.faults.wait(call.request, began=True)
                await response.write(encoder.line(event))
    except TimeoutError:
        pass
    except GoneError as error:
        await response.write(encoder.line(Event("ERROR", gone(str(error)).status())))
    await response.write_eof()
    return response


def _filter(call: Call) -> Predicate:
    fields = call.query.get("fieldSelector", "")
    if call.target.name:
        fields = ",".join(filter(None, (fields, f"metadata.name={call.target.name}")))
    return object_filter(call.kind, call.query.get("labelSelector", ""), fields)


def _since(call: Call) -> int | None:
    """The version to go on from; None to begin with all that is there. Raises ApiError (400)."""
    text = call.query.get("resourceVersion", "")
    if text and not text.isdigit():
        raise bad_request(f'invalid resource version "{text}"')
    wants_initial = is_true(call.query.get("sendInitialEvents", "false"))
    return None if text in ("", "0") or wants_initial else int(text)


async def _events(call: Call, holds: Predicate, since: int | None) -> AsyncIterator[Event]:
    """Raises GoneError when ``since`` is forgotten, or of another life of this store."""
    kind, store = call.kind, call.cluster.store
    bookmarks = is_true(call.query.get("allowWatchBookmarks", "false"))
    if since is not None and since > store.version:
        raise GoneError(f"too new resource version: {since}, current: {store.version}")
    changes = store.watch(kind.group, kind.plural, call.target.namespace or None, since=since)
    if since is None:
        version = store.version
        for obj in [obj for obj in objects_of(call, kind) if holds(obj)]:
            yield Event("ADDED", obj)
        if bookmarks and is_true(call.query.get("sendInitialEvents", "false")):
            yield _bookmark(version, {INITIAL_EVENTS_END: "true"})
    ended = kind.definition.ended if kind.definition else None
    while True:
        try:
            change = await _next(changes, BOOKMARK_SECONDS, ended)
        except _EndedError:
            return
        if change is None:
            if bookmarks:
                yield _bookmark(store.version)
        elif (event := _translate(change, holds, kind)) is not None:
            yield event


class _EndedError(Exception):
    """What is watched is not served any more, or not in this form: the client has to begin again."""


async def _next(changes: Watch, seconds: float, ended: asyncio.Event | None) -> Change | None:
    """The next change, or None when there was none for so long. Raises _EndedError when all were handed out."""
    if ended is None:
        try:
            return await asyncio.wait_for(anext(changes), seconds)
        except TimeoutError:
            return None
    following, ending = asyncio.ensure_future(anext(changes)), asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait((following, ending), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.cancel()
        if not following.done():
            following.cancel()
    if following.done() and not following.cancelled():
        return following.result()
    if ended.is_set():
        raise _EndedError
    return None


def _translate(change: Change, holds: Predicate, kind: Kind) -> Event | None:
    """An object that begins or ceases to match a selector is added or deleted for this watch."""
    now = change.kind != "DELETED" and holds(change.new)
    before = change.old is not None and holds(change.old)
    if now:
        return Event("MODIFIED" if before else "ADDED", kind.present(change.new))
    return Event("DELETED", kind.present(change.new)) if before else None


def _bookmark(version: int, annotations: dict[str, str] | None = None) -> Event:
    metadata: Object = {"resourceVersion": str(version), "creationTimestamp": None}
    if annotations:
        metadata["annotations"] = annotations
    return Event("BOOKMARK", {"metadata": metadata})


class _Encoder:
    """Each event in the form that the client accepts."""

    def __init__(self, call: Call, form: Accepted) -> None:
        self._kind = call.kind
        self._form = form
        self._first = True

    def line(self, event: Event) -> bytes:
        return msgspec.json.encode({"type": event.type, "object": self._object(event)}) + b"\n"

    def _object(self, event: Event) -> Object:
        if event.type == "ERROR":
            return event.obj
        if self._form.form == "table":
            return self._table(event)
        if self._form.form == "metadata":
            return metadata_only(event.obj)
        return shape(self._kind, event.obj)

    def _table(self, event: Event) -> Object:
        """Only the first table of a watch names its columns."""
        objects = [] if event.type == "BOOKMARK" else [event.obj]
        version = event.obj["metadata"].get("resourceVersion", "")
        table = to_table(self._kind, objects, self._form.include, version)
        if not self._first:
            table["columnDefinitions"] = None
        self._first = self._first and not objects
        return table
