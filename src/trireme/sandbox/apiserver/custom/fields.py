"""A schema as field types: what server-side apply, patches and OpenAPI know of a kind's fields."""

from collections.abc import Callable
from typing import Literal

from trireme.sandbox.apiserver.custom.schema import NO_DEFAULT, Schema
from trireme.sandbox.apiserver.custom.shaping import METADATA
from trireme.sandbox.apiserver.schema.types import ANY, Field, ListOf, MapOf, Scalar, Struct, Type

SCALARS = {
    "string": Scalar("string"),
    "integer": Scalar("int"),
    "number": Scalar("number"),
    "boolean": Scalar("bool"),
}


def root_struct(kind: str, schema: Schema) -> Struct:
    """The resource itself, with the fields that every resource has."""
    struct = _struct(kind, schema)
    text = Field(Scalar("string"))
    struct.fields.update({"apiVersion": text, "kind": text, "metadata": Field(METADATA)})
    return struct


def _type(name: str, schema: Schema) -> Type:
    kinds: dict[str, Callable[[], Type]] = {
        "object": lambda: _object(name, schema),
        "array": lambda: _list(name, schema),
    }
    if schema.int_or_string:
        return Scalar("intOrString")
    if schema.type in kinds:
        return kinds[schema.type]()
    return SCALARS.get(schema.type) or (Struct(name, {}, is_open=True) if schema.preserve else ANY)


def _object(name: str, schema: Schema) -> Type:
    atomic = schema.map_type == "atomic"
    if isinstance(schema.additional, Schema):
        return MapOf(_type(name, schema.additional), atomic=atomic)
    return _struct(name, schema)


def _struct(name: str, schema: Schema) -> Struct:
    fields = {
        each: Field(
            _type(f"{name}.{each}", below),
            required=each in schema.required,
            default=None if below.default is NO_DEFAULT else below.default,
        )
        for each, below in schema.properties.items()
    }
    is_open = schema.preserve or schema.additional is True
    if schema.embedded:
        fields.setdefault("metadata", Field(METADATA))
    return Struct(name, fields, atomic=schema.map_type == "atomic", is_open=is_open)


def _list(name: str, schema: Schema) -> Type:
    item = ANY if schema.items is None else _type(name, schema.items)
    kinds: dict[str, Literal["atomic", "set", "map"]] = {"set": "set", "map": "map"}
    return ListOf(item, kinds.get(schema.list_type, "atomic"), schema.list_keys)
