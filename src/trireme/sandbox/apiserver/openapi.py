"""OpenAPI documents: version 3 from the field descriptions and the schemas of custom resources.

kubectl reads version 3 to see that the server validates fields, to merge its patches, and for ``explain``.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, assert_never

import msgspec
from aiohttp import web

from trireme.sandbox.apiserver.answer import json_response
from trireme.sandbox.apiserver.call import GIT_VERSION, Call
from trireme.sandbox.apiserver.custom.shaping import METADATA
from trireme.sandbox.apiserver.errors import no_such_path
from trireme.sandbox.apiserver.kinds import Kind, Registry
from trireme.sandbox.apiserver.openapi_v2 import document, encode
from trireme.sandbox.apiserver.schema.types import Enum, Field, ListOf, MapOf, Scalar, Struct, Type
from trireme.sandbox.store.interface import Object

INFO = {"title": "Kubernetes", "version": GIT_VERSION}
STRUCT_NAMES = "io.trireme.sandbox"

SCALARS: dict[str, Object] = {
    "string": {"type": "string"},
    "bytes": {"type": "string", "format": "byte"},
    "time": {"type": "string", "format": "date-time"},
    "microTime": {"type": "string", "format": "date-time"},
    "quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
    "intOrString": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    "int": {"type": "integer", "format": "int64"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "any": {"x-kubernetes-preserve-unknown-fields": True},
}
PATCH_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force")


def openapi(call: Call) -> web.Response:
    """Raises ApiError (404)."""
    match [part for part in call.target.path.split("/") if part]:
        case ["openapi", "v2"]:
            return _version_2(call)
        case ["openapi", "v3"]:
            paths = {
                path: {
                    "serverRelativeURL": f"/openapi/v3/{path}?hash={_hash(call.cluster.registry, group, version)}"
                }
                for group, version in call.cluster.registry.group_versions()
                for path in [f"apis/{group}/{version}" if group else f"api/{version}"]
            }
            return json_response({"paths": paths})
        case ["openapi", "v3", "api", version]:
            return json_response(_document(call.cluster.registry, "", version))
        case ["openapi", "v3", "apis", group, version]:
            return json_response(_document(call.cluster.registry, group, version))
    raise no_such_path()


def _version_2(call: Call) -> web.Response:
    whole = document(call.cluster.registry, INFO)
    if "protobuf" in call.request.headers.get("Accept", ""):
        return web.Response(body=encode(whole), content_type="application/octet-stream")
    return json_response(whole)


def _document(registry: Registry, group: str, version: str) -> Object:
    kinds = [kind for kind in registry if (kind.group, kind.version) == (group, version)]
    if not kinds:
        raise no_such_path()
    schemas: dict[str, Object] = {}
    for kind in kinds:
        if kind.definition is not None:
            schemas.update(_schemas(METADATA, schemas))
            schemas[custom_name(kind)] = custom_schema(kind, kind.definition.schema.raw)
            continue
        name = _struct_name(kind.struct)
        schemas.update(_schemas(kind.struct, schemas))
        schemas[name] = {**schemas[name], "x-kubernetes-group-version-kind": [_gvk(kind)]}
    paths = {path: item for kind in kinds for path, item in _paths(kind)}
    return {"openapi": "3.0.0", "info": INFO, "paths": paths, "components": {"schemas": schemas}}


def _hash(registry: Registry, group: str, version: str) -> str:
    """kubectl keeps a document by its hash; only definitions change while the sandbox runs."""
    schemas = [
        kind.definition.schema.raw
        for kind in registry
        if (kind.group, kind.version) == (group, version) and kind.definition is not None
    ]
    return hashlib.sha256(msgspec.json.encode(schemas)).hexdigest() if schemas else "0"


def custom_name(kind: Kind) -> str:
    """``io.example.v1.Widget`` for group example.io."""
    return ".".join([*reversed(kind.group.split(".")), kind.version, kind.kind])


def custom_schema(kind: Kind, raw: Mapping[str, Any]) -> Object:
    """A definition's schema with the fields that it does not have to name."""
    text = {"type": "string"}
    metadata = {"allOf": [{"$ref": f"#/components/schemas/{_struct_name(METADATA)}"}]}
    properties = {"apiVersion": text, "kind": text, **(raw.get("properties") or {}), "metadata": metadata}
    return {**raw, "properties": properties, "x-kubernetes-group-version-kind": [_gvk(kind)]}


def _gvk(kind: Kind) -> Object:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _paths(kind: Kind) -> Iterator[tuple[str, Object]]:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    middle = "/namespaces/{namespace}" if kind.namespaced else ""
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in PATCH_PARAMETERS]
    operation = {
        "operationId": f"{kind.kind}Write",
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": _gvk(kind),
    }
    yield f"{root}{middle}/{kind.plural}", {"post": {**operation, "x-kubernetes-action": "post"}}
    if "patch" in kind.verbs:
        media = [
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/apply-patch+yaml",
        ]
        if not kind.custom:
            media.append("application/strategic-merge-patch+json")
        content: Object = {each: {"schema": {"type": "object"}} for each in media}
        patch = {**operation, "x-kubernetes-action": "patch", "requestBody": {"content": content}}
        put = {**operation, "x-kubernetes-action": "put"}
        yield f"{root}{middle}/{kind.plural}/{{name}}", {"patch": patch, "put": put}


def _struct_name(struct: Struct) -> str:
    return f"{STRUCT_NAMES}.{struct.name}"


def _schemas(struct: Struct, known: dict[str, Object]) -> dict[str, Object]:
    """The struct and all below it that are not ``known`` yet."""
    found: dict[str, Object] = {}
    todo = [struct]
    while todo:
        each = todo.pop()
        name = _struct_name(each)
        if name in found or name in known:
            continue
        found[name] = _struct_schema(each)
        todo.extend(below for field in each.fields.values() for below in _structs(field.type))
    return found


def _structs(kind: Type) -> Iterator[Struct]:
    if isinstance(kind, Struct):
        yield kind
    elif isinstance(kind, MapOf | ListOf):
        yield from _structs(kind.item)


def _struct_schema(struct: Struct) -> Object:
    schema: Object = {
        "type": "object",
        "properties": {name: _field_schema(field) for name, field in struct.fields.items()},
    }
    needed = [name for name, field in struct.fields.items() if field.required]
    if needed:
        schema["required"] = needed
    if struct.atomic:
        schema["x-kubernetes-map-type"] = "atomic"
    return schema


def _field_schema(field: Field) -> Object:
    schema = dict(_schema(field.type))
    if field.default is not None:
        schema["default"] = field.default
    if field.noted:
        schema["description"] = "The sandbox records this field; it has no effect."
    if field.retain_keys:
        strategy = str(schema.get("x-kubernetes-patch-strategy", ""))
        schema["x-kubernetes-patch-strategy"] = ",".join(filter(None, (strategy, "retainKeys")))
    return schema


def _schema(kind: Type) -> Object:
    match kind:
        case Scalar():
            return SCALARS[kind.name]
        case Enum():
            return {"type": "string", "enum": list(kind.values)}
        case Struct():
            return {"allOf": [{"$ref": f"#/components/schemas/{_struct_name(kind)}"}]}
        case MapOf():
            schema = {"type": "object", "additionalProperties": _schema(kind.item)}
            return schema | ({"x-kubernetes-map-type": "atomic"} if kind.atomic else {})
        case ListOf():
            return _list_schema(kind)
        case _:
            assert_never(kind)


def _list_schema(kind: ListOf) -> Object:
    schema: Object = {"type": "array", "items": _schema(kind.item), "x-kubernetes-list-type": kind.kind}
    if kind.keys:
        schema["x-kubernetes-list-map-keys"] = list(kind.keys)
    if kind.merge_key is not None:
        schema["x-kubernetes-patch-merge-key"] = kind.merge_key
    if kind.merge_key is not None or kind.kind == "set":
        schema["x-kubernetes-patch-strategy"] = "merge"
    return schema
