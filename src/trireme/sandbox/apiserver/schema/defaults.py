"""Fills in the defaults that the field descriptions state."""

from typing import Any

from trireme.sandbox.apiserver.schema.types import ListOf, MapOf, Struct, Type
from trireme.sandbox.store.tree import copy_tree


def fill_defaults(kind: Type, value: Any) -> None:
    """In place, all the way down, where the type around a default is present."""
    if isinstance(kind, Struct) and isinstance(value, dict):
        for name, declared in kind.fields.items():
            if name not in value and declared.default is not None:
                value[name] = copy_tree(declared.default)
            if name in value:
                fill_defaults(declared.type, value[name])
    elif isinstance(kind, ListOf) and isinstance(value, list):
        for item in value:
            fill_defaults(kind.item, item)
    elif isinstance(kind, MapOf) and isinstance(value, dict):
        for item in value.values():
            fill_defaults(kind.item, item)
