"""Pruning and defaulting: from what a client sent, or the store has, to what the schema makes of it."""

from collections.abc import Mapping
from typing import Any

from trireme.sandbox.apiserver.custom.schema import NO_DEFAULT, ROOT_FIELDS, Schema
from trireme.sandbox.apiserver.schema.catalogue import builtin
from trireme.sandbox.apiserver.schema.decode import FieldTypeError, Findings, decode
from trireme.sandbox.store.interface import Object
from trireme.sandbox.store.tree import copy_tree

METADATA = builtin().struct("meta", "ObjectMeta")


def decode_custom(
    schema: Schema, raw: Mapping[str, Any], *, defaults: bool = True
) -> tuple[Object, Findings]:
    """``raw`` without what the schema does not know, with its defaults. Raises FieldTypeError."""
    findings = Findings()
    result = shape_root(schema, raw, findings.unknown, defaults=defaults)
    findings.unknown.sort()
    metadata, of_metadata = _metadata(raw.get("metadata"))
    findings.unknown.extend(f"metadata.{path}" for path in of_metadata.unknown)
    result["metadata"] = metadata
    return result, findings


def shape_root(
    schema: Schema, raw: Mapping[str, Any], unknown: list[str], *, defaults: bool = True
) -> Object:
    """All but the metadata, which stays as it is. Paths of what was dropped go to ``unknown``."""
    fixed = {name: raw[name] for name in ROOT_FIELDS if name in raw}
    rest = {name: value for name, value in raw.items() if name not in ROOT_FIELDS}
    result = _prune(schema, rest, "", unknown)
    _drop_nulls(schema, result)
    if defaults:
        _fill(schema, result)
    return {**fixed, **{name: value for name, value in result.items() if name not in ROOT_FIELDS}}


def _metadata(value: Any) -> tuple[Object, Findings]:
    if value is None:
        return {}, Findings()
    if not isinstance(value, dict):
        raise FieldTypeError(f"json: cannot unmarshal {type(value).__name__} into field metadata")
    return decode(METADATA, value)


def _prune(schema: Schema | None, value: Any, path: str, unknown: list[str]) -> Any:
    """A copy. Without a schema nothing is known of what is below, and all of it stays."""
    if schema is None:
        return copy_tree(value)
    if isinstance(value, dict):
        return _prune_object(schema, value, path, unknown)
    if isinstance(value, list):
        return [_prune(schema.items, item, f"{path}[{n}]", unknown) for n, item in enumerate(value)]
    return value


def _prune_object(schema: Schema, value: Object, path: str, unknown: list[str]) -> Object:
    result = {}
    for name, item in value.items():
        where = f"{path}.{name}" if path else name
        if not schema.keeps(name):
            unknown.append(where)
        elif schema.embedded and name == "metadata":
            result[name] = _embedded_metadata(item)
        else:
            below = schema.child(name)
            result[name] = _prune(below, item, where, unknown)
    return result


def _embedded_metadata(value: Any) -> Any:
    """Unknown or ill-typed fields of an embedded resource's metadata go without a word, as in Kubernetes."""
    try:
        return decode(METADATA, value)[0] if isinstance(value, dict) else value
    except FieldTypeError:
        return {}


def _drop_nulls(schema: Schema | None, value: Any) -> None:
    """In place: a null where none may be, and no default is stated, is the same as nothing."""
    if isinstance(value, list):
        for item in value:
            _drop_nulls(schema.items if schema else None, item)
    elif isinstance(value, dict):
        for name, item in list(value.items()):
            below = schema.child(name) if schema else None
            if item is None and below is not None and not below.nullable and below.default is NO_DEFAULT:
                del value[name]
            else:
                _drop_nulls(below, item)


def _fill(schema: Schema, value: Any) -> None:
    """Defaults, in place, from the top down: a default may bring fields that have defaults themselves."""
    if isinstance(value, list) and schema.items is not None:
        for item in value:
            _fill(schema.items, item)
    if not isinstance(value, dict):
        return
    for name, declared in schema.properties.items():
        absent = name not in value or (value[name] is None and not declared.nullable)
        if (
            absent
            and declared.default is not NO_DEFAULT
            and (declared.default is not None or declared.nullable)
        ):
            value[name] = copy_tree(declared.default)
    for name, item in value.items():
        below = schema.child(name)
        if below is not None:
            if item is None and not below.nullable and below.default not in (NO_DEFAULT, None):
                value[name] = copy_tree(below.default)
            _fill(below, value[name])
