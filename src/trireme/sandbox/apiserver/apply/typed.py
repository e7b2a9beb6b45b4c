"""What server-side apply cannot read: fields that no schema declares, lists whose items it cannot tell apart."""

from collections.abc import Iterator, Sequence
from typing import Any

from trireme.sandbox.apiserver.apply.paths import OPEN, child_type, children, item_element, merges
from trireme.sandbox.apiserver.errors import ApiError
from trireme.sandbox.apiserver.schema.types import ListOf, MapOf, Scalar, Struct, Type
from trireme.sandbox.store.interface import Object

WANTED = {
    "string": "string",
    "int": "numeric (int or float)",
    "number": "numeric (int or float)",
    "bool": "boolean",
}


def typed_error(obj: Object, problems: Sequence[str]) -> ApiError:
    """In the words of Kubernetes, whose code for it is 500."""
    text = problems[0] if len(problems) == 1 else "errors:\n" + "\n".join(f"  {each}" for each in problems)
    metadata = obj.get("metadata") or {}
    who = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}; {obj.get('apiVersion')}, Kind={obj.get('kind')}"
    return ApiError(500, "", f"failed to create typed patch object ({who}): {text}")


def undeclared(paths: Sequence[str]) -> list[str]:
    return [f".{path}: field not declared in schema" for path in paths]


def problems_of(kind: Type, value: Any, path: str = "") -> Iterator[str]:
    """Of a value without undeclared fields."""
    if value is None:
        return
    if (wanted := _wanted(kind)) is not None and not _is(kind, value):
        yield f"{path}: expected {wanted}, got {_found(value)}"
        return
    if isinstance(kind, ListOf) and kind.kind != "atomic":
        yield from _list_problems(kind, value, path)
    elif merges(kind, value):
        for element, item in children(kind, value):
            yield from problems_of(child_type(kind, element), item, f"{path}.{element[2:]}")


def _list_problems(kind: ListOf, items: list[Any], path: str) -> Iterator[str]:
    seen: set[str] = set()
    for number, item in enumerate(items):
        if kind.keys and not isinstance(item, dict):
            yield f"{path}: element {number}: expected map, got {_found(item)}"
            continue
        element = item_element(kind, item)
        if element == "k:{}":
            keys = ", ".join(f'"{key}"' for key in kind.keys)
            yield (
                f"{path}: element {number}: associative list with keys has an element that omits all key fields "
                f"[{keys}] (and doesn't have default values for any key fields)"
            )
        elif element in seen:
            named = ",".join(f'{key}="{item.get(key)}"' for key in kind.keys)
            yield f"{path}: duplicate entries for key [{named or element[2:]}]"
        else:
            yield from problems_of(kind.item, item, f"{path}[{number}]")
        seen.add(element)


def _wanted(kind: Type) -> str | None:
    if isinstance(kind, Scalar):
        return WANTED.get(kind.name)
    if isinstance(kind, ListOf):
        return "list"
    return "map" if isinstance(kind, MapOf | Struct) and kind is not OPEN else None


def _is(kind: Type, value: Any) -> bool:
    if isinstance(kind, Scalar):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return {"string": isinstance(value, str), "bool": isinstance(value, bool)}.get(kind.name, number)
    return isinstance(value, list) if isinstance(kind, ListOf) else isinstance(value, dict)


def _found(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", list: "list", dict: "map", int: "int", float: "float"}
    return names.get(type(value), "null")
