"""OpenAPI version 2, for kubectl before 1.27: the custom resources alone, as JSON and as gnostic's protobuf.

Old kubectls take a kind that is not in it as one that they cannot check. They know the built-in ones themselves.
"""

import json
from collections.abc import Mapping
from typing import Any

from trireme.sandbox.apiserver.kinds import Kind, Registry
from trireme.sandbox.store.interface import Object

METADATA: Object = {
    "type": "object",
    "description": "Standard object's metadata: name, namespace, labels, annotations and more.",
    "properties": {
        "name": {"type": "string"},
        "namespace": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        "finalizers": {"type": "array", "items": {"type": "string"}},
        "ownerReferences": {"type": "array", "items": {"type": "object"}},
        "generateName": {"type": "string"},
        "uid": {"type": "string"},
        "resourceVersion": {"type": "string"},
        "creationTimestamp": {"type": "string", "format": "date-time"},
        "deletionTimestamp": {"type": "string", "format": "date-time"},
        "deletionGracePeriodSeconds": {"type": "integer", "format": "int64"},
        "generation": {"type": "integer", "format": "int64"},
        "managedFields": {"type": "array", "items": {"type": "object"}},
        "selfLink": {"type": "string"},
    },
}
KEPT = ("type", "format", "description", "required")
"""What old clients check or print. Bounds, patterns and words are the server's to judge."""

DOCUMENT = {"swagger": 1, "info": 2, "paths": 8, "definitions": 9}
SCHEMA = {"format": 2, "description": 4, "required": 19, "additionalProperties": 21, "type": 22, "items": 23}
SCHEMA |= {"properties": 25, "extensions": 31}
"""Numbers of fields in gnostic's openapi.v2 messages."""


def document(registry: Registry, info: Object) -> Object:
    definitions = {
        ".".join([*reversed(kind.group.split(".")), kind.version, kind.kind]): _root(kind)
        for kind in registry
        if kind.definition is not None
    }
    return {"swagger": "2.0", "info": info, "paths": {}, "definitions": definitions}


def _root(kind: Kind) -> Object:
    assert kind.definition is not None
    text = {"type": "string"}
    schema = _simple(kind.definition.schema.raw)
    named = {"apiVersion": text, "kind": text, **schema.get("properties", {}), "metadata": METADATA}
    gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    return {**schema, "properties": named, "x-kubernetes-group-version-kind": [gvk]}


def _simple(raw: Mapping[str, Any]) -> Object:
    """Without a type where version 2 has none for it: int-or-string, and what is kept unseen."""
    schema = {key: raw[key] for key in KEPT if key in raw}
    if raw.get("x-kubernetes-preserve-unknown-fields") or raw.get("x-kubernetes-int-or-string"):
        return {key: schema[key] for key in ("description",) if key in schema}
    if raw.get("nullable"):
        schema.pop("type", None)
    if "properties" in raw:
        schema["properties"] = {name: _simple(each) for name, each in raw["properties"].items()}
    if isinstance(raw.get("additionalProperties"), Mapping):
        schema["additionalProperties"] = _simple(raw["additionalProperties"])
    if "items" in raw:
        schema["items"] = _simple(raw["items"])
    return schema


def encode(whole: Object) -> bytes:
    """The document as protobuf."""
    info = _text(1, whole["info"]["title"]) + _text(2, whole["info"]["version"])
    body = _text(DOCUMENT["swagger"], whole["swagger"]) + _field(DOCUMENT["info"], info)
    body += _field(DOCUMENT["paths"], b"")
    return body + _field(DOCUMENT["definitions"], _named(whole["definitions"]))


def _named(schemas: Mapping[str, Object]) -> bytes:
    """A list of names with their schemas."""
    return b"".join(_field(1, _text(1, name) + _field(2, _schema(each))) for name, each in schemas.items())


def _schema(schema: Object) -> bytes:
    body = b"".join(_text(SCHEMA[key], schema[key]) for key in ("format", "description") if key in schema)
    body += b"".join(_text(SCHEMA["required"], each) for each in schema.get("required") or ())
    if "additionalProperties" in schema:
        body += _field(SCHEMA["additionalProperties"], _field(1, _schema(schema["additionalProperties"])))
    if "type" in schema:
        body += _field(SCHEMA["type"], _text(1, schema["type"]))
    if "items" in schema:
        body += _field(SCHEMA["items"], _field(1, _schema(schema["items"])))
    if "properties" in schema:
        body += _field(SCHEMA["properties"], _named(schema["properties"]))
    gvk = schema.get("x-kubernetes-group-version-kind")
    if gvk:
        # The value is YAML, of which JSON is a part.
        extension = _text(1, "x-kubernetes-group-version-kind") + _field(2, _text(2, json.dumps(gvk)))
        body += _field(SCHEMA["extensions"], extension)
    return body


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
