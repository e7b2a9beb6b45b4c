"""Sets of field paths, in the words of managedFields: ``f:spec``, ``k:{"name":"x"}``, ``v:"y"``."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from trireme.sandbox.apiserver.schema.types import ANY, ListOf, MapOf, Struct, Type

OPEN = Struct("", {}, is_open=True)
"""What lies below a field that a schema lets through without describing it: objects merge, lists do not."""

Path = tuple[str, ...]
PathSet = frozenset[Path]

SERVER_METADATA = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "managedFields",
)
NOT_OWNED: PathSet = frozenset(
    {("f:apiVersion",), ("f:kind",), *(("f:metadata", f"f:{name}") for name in SERVER_METADATA)}
)
"""Nobody owns what identifies an object, nor what only the server writes."""


def paths_of(kind: Type, value: Mapping[str, Any]) -> PathSet:
    """Every field that ``value`` says something about: leaves, map entries and list items."""
    return frozenset(path for path in _walk(kind, value, ()) if not is_unowned(path))


def is_unowned(path: Path) -> bool:
    return path[:1] in NOT_OWNED or path[:2] in NOT_OWNED


def child_type(kind: Type, element: str) -> Type:
    """The type below a path element."""
    if isinstance(kind, Struct):
        declared = kind.fields.get(element[2:]) if element.startswith("f:") else None
        return declared.type if declared else (OPEN if kind.is_open and element.startswith("f:") else ANY)
    return kind.item if isinstance(kind, MapOf | ListOf) else ANY


def merges(kind: Type, value: object) -> bool:
    """Whether several managers can own parts of ``value``; otherwise it is owned as a whole."""
    if isinstance(kind, Struct):
        return not kind.atomic and isinstance(value, dict)
    if isinstance(kind, MapOf):
        return not kind.atomic and isinstance(value, dict)
    return isinstance(kind, ListOf) and kind.kind != "atomic" and isinstance(value, list)


def item_element(kind: ListOf, item: Any) -> str:
    """How an item of a merging list is called. An absent key field counts as its default."""
    if kind.kind == "set":
        return "v:" + json.dumps(item, separators=(",", ":"))
    keys = {key: item.get(key, _key_default(kind, key)) for key in sorted(kind.keys)}
    present = {key: value for key, value in keys.items() if value is not None}
    return "k:" + json.dumps(present, separators=(",", ":"))


def _key_default(kind: ListOf, key: str) -> Any:
    declared = kind.item.fields.get(key) if isinstance(kind.item, Struct) else None
    return declared.default if declared else None


def children(kind: Type, value: Any) -> Iterator[tuple[str, Any]]:
    """The elements right below a value that merges."""
    if isinstance(kind, ListOf):
        yield from ((item_element(kind, item), item) for item in value)
    else:
        yield from ((f"f:{name}", item) for name, item in value.items())


def to_fields_v1(paths: PathSet) -> dict[str, Any]:
    """As managedFields stores them. ``.`` marks a path that has others below it and is owned itself."""
    root: dict[str, Any] = {}
    for path in sorted(paths):
        node = root
        for element in path:
            node = node.setdefault(element, {})
    for path in paths:
        node = root
        for element in path:
            node = node[element]
        if node:
            node["."] = {}
    return root


def from_fields_v1(tree: Mapping[str, Any]) -> PathSet:
    return frozenset(_unfold(tree, ()))


def _unfold(tree: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for element, below in tree.items():
        if element == ".":
            yield path
        elif not below:
            yield (*path, element)
        else:
            yield from _unfold(below, (*path, element))


def _walk(kind: Type, value: Any, path: Path) -> Iterator[Path]:
    if not merges(kind, value) or not value:
        if path:
            yield path
        return
    for element, item in children(kind, value):
        below = (*path, element)
        if not isinstance(kind, Struct) or element[2:] not in kind.fields:
            yield below
        yield from _walk(child_type(kind, element), item, below)
