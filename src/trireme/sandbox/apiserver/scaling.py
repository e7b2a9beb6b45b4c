"""The scale subresource: replicas alone, as ``kubectl scale`` and autoscalers see a workload."""

from typing import Any

from aiohttp import web

from trireme.sandbox.apiserver.answer import json_response
from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.custom.definition import Scale
from trireme.sandbox.apiserver.errors import ApiError, bad_request, invalid_value
from trireme.sandbox.apiserver.errors import invalid as invalid_object
from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.apiserver.patches.json_patch import json_patch
from trireme.sandbox.apiserver.patches.merge import merge_patch
from trireme.sandbox.apiserver.selectors import from_label_selector
from trireme.sandbox.apiserver.tables.cells import dig, selector_text
from trireme.sandbox.apiserver.writes.read import Draft
from trireme.sandbox.apiserver.writing import JSON_PATCH, writer_for
from trireme.sandbox.store.interface import Object
from trireme.sandbox.store.tree import copy_tree

IDENTITY = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


async def get_scale(call: Call) -> web.StreamResponse:
    return json_response(scale_of(call.kind, call.existing()))


async def update_scale(call: Call) -> web.StreamResponse:
    return _write(call, await call.body())


async def patch_scale(call: Call) -> web.StreamResponse:
    now = scale_of(call.kind, call.existing())
    body = await call.body()
    changed = json_patch(now, body) if call.request.content_type == JSON_PATCH else merge_patch(now, body)
    return _write(call, changed)


def scale_of(kind: Kind, obj: Object) -> Object:
    """Raises ApiError (500) when a custom resource does not say how many replicas it wants."""
    paths = kind.definition.scale if kind.definition else None
    if paths is None:
        wanted, status = dig(obj, "spec.replicas", 0), {"replicas": dig(obj, "status.replicas", 0)}
        if from_label_selector(dig(obj, "spec.selector")):
            status["selector"] = selector_text(obj["spec"]["selector"])
    else:
        wanted, status = _custom_scale(paths, obj)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: obj["metadata"][key] for key in IDENTITY if key in obj["metadata"]},
        "spec": {"replicas": wanted},
        "status": status,
    }


def _custom_scale(paths: Scale, obj: Object) -> tuple[int, Object]:
    wanted = paths.replicas.find(obj)
    if not wanted:
        text = paths.replicas.text
        message = f'Internal error occurred: the spec replicas field "{text}" does not exist'
        raise ApiError(500, "InternalError", message)
    status: Object = {"replicas": next(iter(paths.status_replicas.find(obj)), 0)}
    if paths.selector and (selector := paths.selector.find(obj)):
        status["selector"] = selector[0]
    return wanted[0], status


def _set_replicas(kind: Kind, obj: Object, replicas: int) -> None:
    paths = kind.definition.scale if kind.definition else None
    *above, last = paths.replicas.names if paths else ("spec", "replicas")
    for name in above:
        obj = obj.setdefault(name, {})
    obj[last] = replicas


def _write(call: Call, scale: Any) -> web.StreamResponse:
    if not isinstance(scale, dict) or not isinstance(scale.get("spec", {}), dict):
        raise bad_request("the object provided is unrecognized (must be of type Scale)")
    replicas = scale.get("spec", {}).get("replicas", 0)
    if not isinstance(replicas, int):
        raise bad_request("json: cannot unmarshal into field ScaleSpec.replicas of type int32")
    if replicas < 0:
        cause = invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid_object("autoscaling", "Scale", call.target.name, [cause])
    old = call.existing()
    new = copy_tree(old)
    _set_replicas(call.kind, new, replicas)
    version = (scale.get("metadata") or {}).get("resourceVersion")
    new["metadata"]["resourceVersion"] = version or old["metadata"]["resourceVersion"]
    written = writer_for(call).replace(old, Draft(new, (), frozenset()))
    return json_response(scale_of(call.kind, written), warnings=call.warnings)
