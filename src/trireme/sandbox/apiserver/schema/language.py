"""Reads the notation of fields/README.md."""

import json
from collections.abc import Callable
from typing import get_args

from trireme.sandbox.apiserver.schema.types import (
    Enum,
    Field,
    ListOf,
    MapOf,
    Scalar,
    ScalarName,
    Struct,
    Type,
)

SCALARS = {name: Scalar(name) for name in get_args(ScalarName)}


def parse_field(text: str, resolve: Callable[[str], Struct]) -> Field:
    """Raises KeyError when ``text`` names a type that ``resolve`` does not know."""
    declaration, _, default = text.partition(" = ")
    declaration, *flags = declaration.split(", ")
    noted = declaration.startswith("noted ")
    kind = parse_type(declaration.removeprefix("noted ").split(), resolve)
    return Field(
        kind,
        required="required" in flags,
        noted=noted,
        retain_keys="retainKeys" in flags,
        default=_default(default) if default else None,
    )


def parse_type(words: list[str], resolve: Callable[[str], Struct]) -> Type:
    match words:
        case ["list", *item, "by", keys]:
            names = tuple(keys.split(","))
            return ListOf(parse_type(item, resolve), "map", names, names[0])
        case ["list", *item, "map", keys]:
            return ListOf(parse_type(item, resolve), "map", tuple(keys.split(",")))
        case ["list", *item, "merging", key]:
            return ListOf(parse_type(item, resolve), merge_key=key)
        case ["list", *item]:
            return ListOf(parse_type(item, resolve))
        case ["set", *item]:
            return ListOf(parse_type(item, resolve), "set")
        case ["map", *item]:
            return MapOf(parse_type(item, resolve))
        case ["atomic", "map", *item]:
            return MapOf(parse_type(item, resolve), atomic=True)
        case [word] if "|" in word:
            words = word.split("|")
            return Enum(
                tuple(value for value in words if not value.startswith("!")),
                tuple(value[1:] for value in words if value.startswith("!")),
            )
        case [word]:
            return SCALARS.get(word) or resolve(word)
    raise ValueError(f"not a type: {' '.join(words)!r}")


def _default(text: str) -> object:
    """JSON where it is JSON, otherwise the word itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
