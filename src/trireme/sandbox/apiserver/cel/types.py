"""The types that a checked expression has, and those that schemas give to ``self``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from trireme.sandbox.apiserver.cel.lexer import RESERVED
from trireme.sandbox.apiserver.custom.schema import Schema

ESCAPES = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"))


@dataclass(frozen=True)
class Type:
    """``int``, ``list(string)``, ``map(string, dyn)``; a single capital letter is a type to be found."""

    name: str
    parameters: tuple["Type", ...] = ()

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.parameters))
        return f"{self.name}({inner})" if inner else self.name


@dataclass(frozen=True, eq=False)
class ObjectType(Type):
    """An object of a schema. Its fields are called as expressions call them."""

    schema: Schema | None = None
    extra: Mapping[str, Type] = field(default_factory=dict)

    @cached_property
    def fields(self) -> Mapping[str, Type]:
        found: dict[str, Type] = {}
        for name, below in (self.schema.properties if self.schema else {}).items():
            kind = type_of(below)
            if kind is not None:
                found[escaped(name)] = kind
        return {**found, **self.extra}


DYN, BOOL, INT, UINT, DOUBLE = Type("dyn"), Type("bool"), Type("int"), Type("uint"), Type("double")
STRING, BYTES, NULL, TYPE = Type("string"), Type("bytes"), Type("null"), Type("type")
DURATION, TIMESTAMP = Type("google.protobuf.Duration"), Type("google.protobuf.Timestamp")
QUANTITY = Type("kubernetes.Quantity")

FORMATS = {
    "byte": BYTES,
    "duration": DURATION,
    "date": TIMESTAMP,
    "date-time": TIMESTAMP,
    "datetime": TIMESTAMP,
}
SCALARS = {"string": STRING, "integer": INT, "number": DOUBLE, "boolean": BOOL}
META = ObjectType("object", extra={"name": STRING, "generateName": STRING})
RESOURCE = {"apiVersion": STRING, "kind": STRING, "metadata": META}


def list_of(item: Type) -> Type:
    return Type("list", (item,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", (key, value))


def optional_of(value: Type) -> Type:
    return Type("optional_type", (value,))


def escaped(name: str) -> str:
    """As an expression must write it: no dash, dot or slash, none of the language's own words."""
    if name in RESERVED:
        return f"__{name}__"
    for char, word in ESCAPES:
        name = name.replace(char, word)
    return name


def root_type(schema: Schema) -> Type:
    return ObjectType("object", schema=schema, extra=RESOURCE)


def type_of(schema: Schema) -> Type | None:
    """None for what rules cannot see: fields that are kept without being described."""
    if schema.int_or_string:
        return DYN
    if schema.type == "string":
        return FORMATS.get(schema.raw.get("format", ""), STRING)
    if schema.type in SCALARS:
        return SCALARS[schema.type]
    if schema.type == "array":
        item = type_of(schema.items) if schema.items is not None else None
        return list_of(item) if item is not None else None
    if schema.type != "object":
        return None
    if isinstance(schema.additional, Schema):
        value = type_of(schema.additional)
        return map_of(STRING, value) if value is not None else None
    return ObjectType("object", schema=schema, extra=RESOURCE if schema.embedded else {})


def unify(pattern: Type, actual: Type, bound: dict[str, Type]) -> bool:
    """Whether ``actual`` may stand where ``pattern`` is wanted; finds what capital letters mean."""
    if len(pattern.name) == 1 and pattern.name.isupper():
        known = bound.get(pattern.name)
        if known is None or known == DYN:
            bound[pattern.name] = actual
            return True
        if actual == DYN:
            return True
        return unify(known, actual, bound)
    if DYN in (pattern, actual):
        return True
    if isinstance(pattern, ObjectType) or isinstance(actual, ObjectType):
        return _same_object(pattern, actual)
    if pattern.name != actual.name or len(pattern.parameters) != len(actual.parameters):
        return False
    return all(unify(*pair, bound) for pair in zip(pattern.parameters, actual.parameters, strict=True))


def _same_object(one: Type, other: Type) -> bool:
    if not isinstance(one, ObjectType) or not isinstance(other, ObjectType):
        return False
    return one is other or one.schema is other.schema


def resolve(kind: Type, bound: Mapping[str, Type]) -> Type:
    """With what the capital letters mean; what nothing was found for is dyn."""
    if len(kind.name) == 1 and kind.name.isupper():
        return bound.get(kind.name, DYN)
    if not kind.parameters:
        return kind
    return Type(kind.name, tuple(resolve(each, bound) for each in kind.parameters))
