"""Whether a schema is structural, and all that it asks for is emulated: checked when its definition is written."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trireme.sandbox.apiserver.custom.formats import REFUSED, is_recognized
from trireme.sandbox.apiserver.custom.schema import Schema, walk
from trireme.sandbox.apiserver.custom.values import Place, check_value, compile_pattern
from trireme.sandbox.apiserver.errors import (
    Cause,
    forbidden_field,
    invalid_value,
    required,
    unsupported_value,
)
from trireme.sandbox.apiserver.schema.decode import FieldTypeError, decode
from trireme.sandbox.apiserver.schema.types import Struct

Raw = Mapping[str, Any]

TYPES = ("array", "boolean", "integer", "number", "object", "string")
JUNCTORS = ("allOf", "anyOf", "oneOf")
NOT_NESTED = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    "x-kubernetes-preserve-unknown-fields": "must be false to be structural",
    "x-kubernetes-embedded-resource": "must be false to be structural",
    "x-kubernetes-int-or-string": "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
    "x-kubernetes-validations": "must be empty to be structural",
}
"""What may not be said inside of allOf, anyOf, oneOf and not."""

INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
"""The one ``anyOf`` that may name types: beside ``x-kubernetes-int-or-string``."""


def check_structural(raw: Raw, path: str, struct: Struct) -> Iterator[Cause]:
    """``struct`` describes a schema's own fields: those of additionalProperties are not decoded before."""
    yield from _check_root(raw, path)
    yield from _check_node(raw, path, struct, "at the root")


def check_defaults(schema: Schema, path: str) -> Iterator[Cause]:
    """Of a schema that is structural: each default must be valid by itself."""
    for where, node in walk(schema, path):
        if isinstance(node.raw.get("default"), dict | list | str | int | float):
            yield from check_value(node, Place(f"{where}.default", node.raw["default"]))


def unrecognized_formats(schema: Schema) -> list[str]:
    """Those that are ignored, each once, sorted."""
    nodes = [(node.type, node.raw.get("format")) for _, node in walk(schema)]
    return sorted({name for kind, name in nodes if name and not is_recognized(kind, name)})


def _check_root(raw: Raw, path: str) -> Iterator[Cause]:
    if raw.get("type") not in (None, "", "object"):
        yield invalid_value(f"{path}.type", raw["type"], "must be object at the root")
    if raw.get("nullable"):
        yield forbidden_field(f"{path}.nullable", "nullable cannot be true at the root")
    if "additionalProperties" in raw:
        yield forbidden_field(f"{path}.additionalProperties", "must not be used at the root")
    metadata = (raw.get("properties") or {}).get("metadata") or {}
    for name in metadata.get("properties") or {}:
        if name not in ("name", "generateName"):
            detail = "must not specify anything other than name and generateName, but metadata is implicitly specified"
            yield forbidden_field(f"{path}.properties[metadata]", detail)
            return


def _check_node(raw: Raw, path: str, struct: Struct, place: str) -> Iterator[Cause]:
    yield from _check_type(raw, path, place)
    yield from _check_extensions(raw, path)
    yield from _check_values(raw, path)
    for name, each in (raw.get("properties") or {}).items():
        yield from _check_node(each, f"{path}.properties[{name}]", struct, "for specified object fields")
    if raw.get("items") is not None:
        yield from _check_node(raw["items"], f"{path}.items", struct, "for specified array items")
    yield from _check_additional(raw, path, struct)
    yield from _check_nested(raw, path)


def _check_additional(raw: Raw, path: str, struct: Struct) -> Iterator[Cause]:
    additional = raw.get("additionalProperties")
    here = f"{path}.additionalProperties"
    if additional is None or isinstance(additional, bool):
        return
    if raw.get("properties"):
        yield forbidden_field(here, "additionalProperties and properties are mutual exclusive")
    if not isinstance(additional, dict):
        yield invalid_value(here, additional, "must be a schema or a boolean")
        return
    try:
        _, findings = decode(struct, additional)
    except FieldTypeError as error:
        yield invalid_value(here, additional, str(error))
        return
    yield from findings.refused
    yield from (invalid_value(f"{here}.{name}", "", "unknown field") for name in findings.unknown)
    yield from _check_node(additional, here, struct, "for specified object fields")


def _check_type(raw: Raw, path: str, place: str) -> Iterator[Cause]:
    kind = raw.get("type", "")
    free = raw.get("x-kubernetes-int-or-string") or raw.get("x-kubernetes-preserve-unknown-fields")
    if not kind and (not free or place == "at the root"):
        yield required(f"{path}.type", f"must not be empty {place}")
    elif kind and kind not in TYPES:
        yield unsupported_value(f"{path}.type", kind, TYPES)
    if kind and raw.get("x-kubernetes-int-or-string"):
        yield invalid_value(f"{path}.type", kind, "must be empty if x-kubernetes-int-or-string is true")
    if kind == "array" and raw.get("items") is None:
        yield required(f"{path}.items", "must be specified")
    if raw.get("x-kubernetes-embedded-resource"):
        if kind != "object":
            yield invalid_value(
                f"{path}.type", kind, "must be object if x-kubernetes-embedded-resource is true"
            )
        if not raw.get("properties") and not raw.get("x-kubernetes-preserve-unknown-fields"):
            detail = (
                "must not be empty if x-kubernetes-embedded-resource is true without "
                "x-kubernetes-preserve-unknown-fields"
            )
            yield required(f"{path}.properties", detail)


def _check_extensions(raw: Raw, path: str) -> Iterator[Cause]:
    if raw.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield forbidden_field(f"{path}.uniqueItems", detail)
    if raw.get("x-kubernetes-preserve-unknown-fields") is False:
        yield invalid_value(
            f"{path}.x-kubernetes-preserve-unknown-fields", False, "must be true or undefined"
        )
    list_type, keys = raw.get("x-kubernetes-list-type"), raw.get("x-kubernetes-list-map-keys") or []
    if list_type not in (None, "atomic", "set", "map"):
        yield unsupported_value(f"{path}.x-kubernetes-list-type", list_type, ("atomic", "map", "set"))
    if list_type is not None and raw.get("type") != "array":
        yield invalid_value(
            f"{path}.type", raw.get("type", ""), "must be array if x-kubernetes-list-type is specified"
        )
    map_type = raw.get("x-kubernetes-map-type")
    if map_type not in (None, "atomic", "granular"):
        yield unsupported_value(f"{path}.x-kubernetes-map-type", map_type, ("atomic", "granular"))
    if keys and list_type != "map":
        detail = "must be map if x-kubernetes-list-map-keys is non-empty"
        yield invalid_value(f"{path}.x-kubernetes-list-type", list_type or "", detail)
    if list_type == "map":
        yield from _check_keys(raw, path, keys)


def _check_keys(raw: Raw, path: str, keys: list[str]) -> Iterator[Cause]:
    if not keys:
        detail = "must not be empty if x-kubernetes-list-type is map"
        yield required(f"{path}.x-kubernetes-list-map-keys", detail)
    items = raw.get("items") or {}
    properties = items.get("properties") or {}
    for key in keys:
        here = f"{path}.items.properties[{key}]"
        if key not in properties:
            detail = "entries must all be names of item properties"
            yield invalid_value(f"{path}.x-kubernetes-list-map-keys", keys, detail)
        elif properties[key].get("type") in ("array", "object"):
            detail = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            yield invalid_value(f"{here}.type", properties[key]["type"], detail)
        elif key not in (items.get("required") or ()) and "default" not in properties[key]:
            detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            yield required(f"{here}.default", detail)


def _check_values(raw: Raw, path: str) -> Iterator[Cause]:
    if "pattern" in raw:
        try:
            compile_pattern(raw["pattern"])
        except re.error as error:
            detail = f"must be a valid regular expression, but isn't: {error}"
            yield invalid_value(f"{path}.pattern", raw["pattern"], detail)
    step = raw.get("multipleOf", 1)
    if float(step) != int(step) or step <= 0:
        detail = "the sandbox emulates whole positive numbers only, as Kubernetes takes no others either"
        yield invalid_value(f"{path}.multipleOf", step, detail)
    if raw.get("format") in REFUSED:
        yield unsupported_value_not_emulated(f"{path}.format", raw["format"])


def unsupported_value_not_emulated(path: str, word: str) -> Cause:
    detail = f'Unsupported value: "{word}": the sandbox does not emulate it'
    return Cause(path, "FieldValueNotSupported", detail)


def _check_nested(raw: Raw, path: str) -> Iterator[Cause]:
    for junctor in JUNCTORS:
        if raw.get("x-kubernetes-int-or-string") and raw.get(junctor) == INT_OR_STRING:
            continue
        for number, each in enumerate(raw.get(junctor) or ()):
            yield from _check_inside(each, f"{path}.{junctor}[{number}]")
    if "not" in raw:
        yield from _check_inside(raw["not"], f"{path}.not")


def _check_inside(raw: Raw, path: str) -> Iterator[Cause]:
    for name, detail in NOT_NESTED.items():
        if raw.get(name) not in (None, False, "", []):
            yield forbidden_field(f"{path}.{name}", detail)
    yield from _check_values(raw, path)
    for name, each in (raw.get("properties") or {}).items():
        yield from _check_inside(each, f"{path}.properties[{name}]")
    if raw.get("items") is not None:
        yield from _check_inside(raw["items"], f"{path}.items")
    yield from _check_nested(raw, path)
