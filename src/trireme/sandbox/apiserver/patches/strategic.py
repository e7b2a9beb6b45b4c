"""Strategic merge patch: a merge patch that knows which lists merge, by which key, and understands directives.

``$patch: replace|delete|merge`` on objects and list items, ``$deleteFromPrimitiveList/F`` on sets,
``$setElementOrder/F`` for the order after merging, ``$retainKeys`` for the only keys to keep.
"""

from collections.abc import Callable
from typing import Any

from trireme.sandbox.apiserver.errors import bad_request
from trireme.sandbox.apiserver.schema.types import ANY, ListOf, MapOf, Struct, Type
from trireme.sandbox.store.tree import copy_tree

DIRECTIVE = "$patch"
RETAIN = "$retainKeys"
ORDER = "$setElementOrder/"
DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"

JsonMap = dict[str, Any]


def strategic_merge(kind: Type, target: JsonMap, patch: JsonMap) -> JsonMap:
    """Neither argument is changed. Raises ApiError (400) on directives that make no sense."""
    match patch.get(DIRECTIVE):
        case None | "merge":
            pass
        case "replace":
            replaced: JsonMap = _plain(patch)
            return replaced
        case "delete":
            return {}
        case unknown:
            raise bad_request(f"Unknown patch type found: {unknown}")
    result = dict(target)
    _retain_keys(result, patch)
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(_child(kind, key), result.get(key), value, patch, key)
    _delete_primitives(result, patch)
    _order_untouched(kind, result, patch)
    return result


def _merged(kind: Type, old: Any, new: Any, patch: JsonMap, key: str) -> Any:
    if isinstance(new, dict):
        return strategic_merge(kind, old if isinstance(old, dict) else {}, new)
    if isinstance(new, list) and isinstance(kind, ListOf):
        before = old if isinstance(old, list) else []
        order = patch.get(ORDER + key)
        if kind.merge_key is not None:
            return _merge_items(kind, before, new, order)
        if kind.kind == "set":
            added = [item for item in new if item not in before]
            return _ordered([*before, *added], new if order is None else order, before, None)
    return _plain(new)


def _merge_items(kind: ListOf, old: list[Any], new: list[Any], order: list[Any] | None) -> list[Any]:
    merge_key = str(kind.merge_key)
    if any(item.get(DIRECTIVE) == "replace" for item in new):
        return [_plain(item) for item in new if item.get(DIRECTIVE) != "replace"]
    result = list(old)
    for item in new:
        if merge_key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {merge_key}")
        places = [n for n, there in enumerate(result) if there.get(merge_key) == item[merge_key]]
        if item.get(DIRECTIVE) == "delete":
            result = [there for n, there in enumerate(result) if n not in places]
        elif places:
            result[places[0]] = strategic_merge(kind.item, result[places[0]], item)
        else:
            result.append(strategic_merge(kind.item, {}, item))
    return _ordered(result, new if order is None else order, old, merge_key)


def _ordered(items: list[Any], order: list[Any], before: list[Any], merge_key: str | None) -> list[Any]:
    """Items that ``order`` names in its order, the others in that of ``before``; both as they were interleaved.

    As in Kubernetes, a named item that is new comes first wherever nothing says otherwise.
    """
    wanted, known = _keys(order, merge_key), _keys(before, merge_key)
    named = sorted((item for item in items if _key(item, merge_key) in wanted), key=_rank(wanted, merge_key))
    others = [item for item in items if _key(item, merge_key) not in wanted]
    result: list[Any] = []
    while named and others:
        left, right = _key(others[0], merge_key), _key(named[0], merge_key)
        stays_ahead = left in known and right in known and known.index(left) < known.index(right)
        result.append((others if stays_ahead else named).pop(0))
    return [*result, *named, *others]


def _key(item: Any, merge_key: str | None) -> Any:
    return item.get(merge_key) if merge_key is not None and isinstance(item, dict) else item


def _keys(items: list[Any], merge_key: str | None) -> list[Any]:
    return [_key(item, merge_key) for item in items]


def _rank(wanted: list[Any], merge_key: str | None) -> Callable[[Any], int]:
    return lambda item: wanted.index(_key(item, merge_key))


def _retain_keys(result: JsonMap, patch: JsonMap) -> None:
    if RETAIN in patch:
        for key in set(result) - set(patch[RETAIN]):
            del result[key]


def _delete_primitives(result: JsonMap, patch: JsonMap) -> None:
    for key, gone in patch.items():
        name = key.removeprefix(DELETE_PRIMITIVES)
        if name != key and name in result:
            result[name] = [item for item in result[name] if item not in gone]


def _order_untouched(kind: Type, result: JsonMap, patch: JsonMap) -> None:
    """An order may come without items: the patch then only moves what is there."""
    for key, order in patch.items():
        name = key.removeprefix(ORDER)
        if name != key and name not in patch and name in result:
            child = _child(kind, name)
            merge_key = child.merge_key if isinstance(child, ListOf) else None
            result[name] = _ordered(result[name], order, result[name], merge_key)


def _child(kind: Type, key: str) -> Type:
    if isinstance(kind, Struct):
        return kind.fields[key].type if key in kind.fields else ANY
    return kind.item if isinstance(kind, MapOf) else ANY


def _plain(value: Any) -> Any:
    """A value that nothing old is merged with: directives have had their effect, nulls mean absent."""
    if isinstance(value, dict):
        rows = {key: item for key, item in value.items() if not key.startswith("$") and item is not None}
        return {key: _plain(item) for key, item in rows.items()}
    if isinstance(value, list):
        kept = [item for item in value if not (isinstance(item, dict) and item.get(DIRECTIVE) == "delete")]
        return [_plain(item) for item in kept]
    return copy_tree(value)
