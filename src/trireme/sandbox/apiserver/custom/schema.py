"""Structural schemas: the OpenAPI that a CustomResourceDefinition carries, read once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

JsonSchema = Mapping[str, Any]

NO_DEFAULT = object()
"""Apart from None: null is a default that a schema may state."""

NAMED_KEY = "metadata"
ROOT_FIELDS = ("apiVersion", "kind", NAMED_KEY)
"""Fields that every resource has, declared in its schema or not."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One of ``x-kubernetes-validations``, as written."""

    rule: str
    message: str = ""
    message_expression: str = ""
    reason: str = "FieldValueInvalid"
    field_path: str = ""
    optional_old_self: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """One node. ``raw`` is what it was read from: bounds, patterns and words are looked up there.

    ``additional`` is the schema of properties that are not named, True for any, None for none.
    """

    raw: JsonSchema
    type: str = ""
    nullable: bool = False
    properties: Mapping[str, "Schema"] = field(default_factory=dict)
    additional: "Schema | bool | None" = None
    items: "Schema | None" = None
    preserve: bool = False
    int_or_string: bool = False
    embedded: bool = False
    list_type: str = "atomic"
    list_keys: tuple[str, ...] = ()
    map_type: str = "granular"
    default: Any = NO_DEFAULT
    all_of: tuple["Schema", ...] = ()
    any_of: tuple["Schema", ...] = ()
    one_of: tuple["Schema", ...] = ()
    negated: "Schema | None" = None
    rules: tuple[Rule, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.raw.get("required") or ())

    def child(self, name: str) -> "Schema | None":
        """The schema of the property ``name``; None where nothing is said of it."""
        found = self.properties.get(name)
        if found is None and isinstance(self.additional, Schema):
            return self.additional
        return found

    def keeps(self, name: str) -> bool:
        """Whether a property of this name survives pruning."""
        if name in self.properties or self.preserve or self.additional not in (None, False):
            return True
        return self.embedded and name in ROOT_FIELDS


def read_schema(raw: JsonSchema) -> Schema:
    """Of a schema that ``structural`` found to be right. Raises KeyError or TypeError otherwise."""
    additional = raw.get("additionalProperties")
    items = raw.get("items")
    return Schema(
        raw=raw,
        type=raw.get("type", ""),
        nullable=bool(raw.get("nullable")),
        properties={name: read_schema(each) for name, each in (raw.get("properties") or {}).items()},
        additional=read_schema(additional) if isinstance(additional, Mapping) else additional,
        items=read_schema(items) if items is not None else None,
        preserve=bool(raw.get("x-kubernetes-preserve-unknown-fields")),
        int_or_string=bool(raw.get("x-kubernetes-int-or-string")),
        embedded=bool(raw.get("x-kubernetes-embedded-resource")),
        list_type=raw.get("x-kubernetes-list-type", "atomic"),
        list_keys=tuple(raw.get("x-kubernetes-list-map-keys") or ()),
        map_type=raw.get("x-kubernetes-map-type", "granular"),
        default=raw.get("default", NO_DEFAULT),
        all_of=tuple(map(read_schema, raw.get("allOf") or ())),
        any_of=tuple(map(read_schema, raw.get("anyOf") or ())),
        one_of=tuple(map(read_schema, raw.get("oneOf") or ())),
        negated=read_schema(raw["not"]) if "not" in raw else None,
        rules=tuple(map(_rule, raw.get("x-kubernetes-validations") or ())),
    )


def walk(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """The schema and all that it holds, each with a path as error messages write it; not the junctors."""
    yield path, schema
    for name, each in schema.properties.items():
        yield from walk(each, f"{path}.properties[{name}]" if path else f"properties[{name}]")
    if isinstance(schema.additional, Schema):
        yield from walk(schema.additional, f"{path}.additionalProperties" if path else "additionalProperties")
    if schema.items is not None:
        yield from walk(schema.items, f"{path}.items" if path else "items")


def _rule(raw: JsonSchema) -> Rule:
    return Rule(
        rule=raw["rule"],
        message=raw.get("message", ""),
        message_expression=raw.get("messageExpression", ""),
        reason=raw.get("reason", "FieldValueInvalid"),
        field_path=raw.get("fieldPath", ""),
        optional_old_self=bool(raw.get("optionalOldSelf")),
    )
