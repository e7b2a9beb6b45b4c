"""get and list, with chunks."""

import base64
import json
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from trireme.sandbox.apiserver.answer import answer, answer_list
from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.errors import ApiError, bad_request, gone
from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.apiserver.selectors import object_filter
from trireme.sandbox.store.interface import Object

SNAPSHOTS = 64
"""Lists that clients are in the middle of reading by chunks; the one unused for longest is forgotten."""


@dataclass(slots=True)
class Snapshots:
    """What remains of chunked lists. Objects are immutable, so a snapshot is a list of references."""

    _rest: OrderedDict[str, tuple[int, list[Object]]] = field(default_factory=OrderedDict)

    def keep(self, version: int, rest: list[Object]) -> str:
        """The continue token."""
        name = uuid.uuid4().hex
        self._rest[name] = (version, rest)
        if len(self._rest) > SNAPSHOTS:
            self._rest.popitem(last=False)
        return base64.urlsafe_b64encode(json.dumps({"v": "trireme", "list": name}).encode()).decode()

    def resume(self, token: str) -> tuple[int, list[Object]]:
        """Raises ApiError: 400 when it is no token, 410 when its list is forgotten."""
        try:
            name = json.loads(base64.urlsafe_b64decode(token))["list"]
        except (ValueError, KeyError, TypeError):
            raise bad_request("continue key is not valid") from None
        if name not in self._rest:
            raise gone("The provided continue parameter is too old to display a consistent list result.")
        self._rest.move_to_end(name)
        return self._rest[name]


async def get(call: Call) -> web.StreamResponse:
    check_version(call)
    return answer(call, call.existing())


class Lister:
    """The list handler; it remembers the chunked lists."""

    def __init__(self) -> None:
        self._snapshots = Snapshots()

    async def __call__(self, call: Call) -> web.StreamResponse:
        limit = int(call.query.get("limit") or 0)
        token = call.query.get("continue")
        if token:
            version, objects = self._snapshots.resume(token)
        else:
            check_version(call)
            version, objects = call.cluster.store.version, selected(call)
        metadata: Object = {"resourceVersion": str(version)}
        if 0 < limit < len(objects):
            metadata["continue"] = self._snapshots.keep(version, objects[limit:])
            metadata["remainingItemCount"] = len(objects) - limit
            objects = objects[:limit]
        return answer_list(call, objects, metadata)


def selected(call: Call) -> list[Object]:
    """What the request's namespace and selectors choose now."""
    kind = call.kind
    holds = object_filter(kind, call.query.get("labelSelector", ""), call.query.get("fieldSelector", ""))
    return [obj for obj in objects_of(call, kind) if holds(obj)]


def objects_of(call: Call, kind: Kind) -> Sequence[Object]:
    """Events are one set of objects that two groups show."""
    found = call.cluster.store.list(kind.group, kind.plural, call.target.namespace or None)
    return [kind.present(obj) for obj in found] if kind.custom else found


def check_version(call: Call) -> None:
    """A version from the future, or an exact one that is past, cannot be served. Raises ApiError."""
    text = call.query.get("resourceVersion", "")
    if not text:
        return
    if not text.isdigit():
        raise bad_request(f'invalid resource version "{text}"')
    current = call.cluster.store.version
    if int(text) > current:
        message = f"Too large resource version: {text}, current: {current}"
        details = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]}
        raise ApiError(504, "Timeout", f"Timeout: {message}", details={**details, "retryAfterSeconds": 1})
    if call.query.get("resourceVersionMatch") == "Exact" and int(text) != current:
        raise gone(f"The resourceVersion for the provided list is too old: {text} (current: {current})")
