"""Kubernetes' protobuf bodies as JSON: typed clients (``kubectl create``, ``kubectl auth can-i``) send them.

Answers are always JSON, which those clients accept as well. Field numbers are in fields/protobuf.yaml.
"""

import base64
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from trireme.sandbox.apiserver.errors import bad_request, unsupported_media
from trireme.sandbox.apiserver.kinds import Registry
from trireme.sandbox.apiserver.schema.catalogue import builtin
from trireme.sandbox.apiserver.schema.types import Enum, ListOf, MapOf, Scalar, Struct, Type
from trireme.sandbox.store.interface import Object

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

BODIES = {
    "DeleteOptions": ("meta", "DeleteOptions"),
    "Eviction": ("policy", "Eviction"),
    "Scale": ("autoscaling", "Scale"),
    "TokenRequest": ("authentication", "TokenRequest"),
}
"""What is sent in a body without being a resource: where it is described."""


class Numbers:
    """Field names by number. A star marks a pointer, whose zero is a value; ``^`` a type whose fields are ours."""

    def __init__(self, text: str) -> None:
        self.names: dict[int, tuple[str, bool]] = {}
        for word in text.split():
            name, _, number = word.partition("=")
            self.names[int(number.rstrip("*"))] = (name, number.endswith("*"))


def decode_protobuf(body: bytes, registry: Registry) -> Object:
    """Raises ApiError: 400 when it cannot be read, 415 when its kind is not known in this form."""
    if not body.startswith(MAGIC):
        raise bad_request("the body is not in Kubernetes' protobuf format")
    try:
        envelope = dict(_fields(body[len(MAGIC) :]))
        about = dict(_fields(envelope[1]))
        api_version, kind = about.get(1, b"").decode(), about.get(2, b"").decode()
        what = _struct_of(registry, api_version, kind)
        return {"apiVersion": api_version, "kind": kind, **_message(what, envelope.get(2, b""))}
    except (KeyError, IndexError, ValueError, struct.error) as error:
        raise bad_request(f"the protobuf body cannot be read: {error!r}") from error


def _struct_of(registry: Registry, api_version: str, kind: str) -> Struct:
    if kind in BODIES:
        return builtin().struct(*BODIES[kind])
    found = registry.of_kind(api_version, kind)
    if found is None or found.custom:
        raise unsupported_media(f"{kind} in version {api_version} is not known in protobuf: send JSON")
    return found.struct


@cache
def _numbers() -> dict[tuple[str, str], Numbers]:
    text = (files("trireme.sandbox.apiserver") / "fields" / "protobuf.yaml").read_text()
    return {
        (file, name): Numbers(rows)
        for file, types in yaml.safe_load(text).items()
        for name, rows in types.items()
    }


def _message(what: Struct, raw: bytes, numbers: Numbers | None = None) -> Object:
    known = numbers or _numbers()[what.home, what.name]
    result: Object = {}
    for number, value in _fields(raw):
        if number not in known.names:
            continue
        name, is_pointer = known.names[number]
        if name.startswith("^"):
            result |= _message(what, value, _numbers()[what.home, name[1:]])
        elif name not in what.fields:
            if value:
                result[name] = True
        else:
            _put(result, name, what.fields[name].type, value, keep_zero=is_pointer)
    return result


def _put(result: Object, name: str, kind: Type, value: Any, *, keep_zero: bool) -> None:
    """Go writes the zero of what is no pointer as well: it means absent."""
    if isinstance(kind, ListOf):
        result.setdefault(name, []).append(_value(kind.item, value))
    elif isinstance(kind, MapOf):
        entry = dict(_fields(value))
        result.setdefault(name, {})[entry.get(1, b"").decode()] = _value(kind.item, entry.get(2, b""))
    else:
        decoded = _value(kind, value)
        if keep_zero or decoded not in (None, "", 0, False, {}):
            result[name] = decoded


def _value(kind: Type, value: Any) -> Any:
    if isinstance(kind, Struct):
        return _message(kind, value)
    if isinstance(kind, Enum):
        return value.decode()
    if not isinstance(kind, Scalar):
        raise ValueError("nested lists are not described")
    match kind.name:
        case "string":
            return value.decode()
        case "bytes":
            return base64.b64encode(value).decode()
        case "bool":
            return bool(value)
        case "int":
            return value - (1 << 64) if value >> 63 else value
        case "quantity":
            return dict(_fields(value)).get(1, b"").decode()
        case "intOrString":
            parts = dict(_fields(value))
            return parts.get(3, b"").decode() if parts.get(1) else parts.get(2, 0)
        case "time" | "microTime":
            return _moment(dict(_fields(value)), micro=kind.name == "microTime")
    return None


def _moment(parts: dict[int, int], *, micro: bool) -> str | None:
    """Seconds (1) and nanoseconds (2); none are no moment."""
    if not parts.get(1):
        return None
    moment = datetime.fromtimestamp(parts[1], UTC).replace(microsecond=parts.get(2, 0) // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


def _fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value: int for varints, bytes for the rest."""
    position = 0
    while position < len(raw):
        tag, position = _varint(raw, position)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, position = _varint(raw, position)
            yield number, value
            continue
        if wire == BYTES:
            size, position = _varint(raw, position)
        else:
            size = {FIXED64: 8, FIXED32: 4}[wire]
        if position + size > len(raw):
            raise ValueError("it ends in the middle of a field")
        yield number, raw[position : position + size]
        position += size


def _varint(raw: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
