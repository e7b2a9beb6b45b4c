"""Strategic merge patch: a merge patch that knows which lists merge, by which key, and understands directives.

``$patch: replace|delete|merge`` on objects and list items, ``$deleteFromPrimitiveList/F`` on sets,
``$setElementOrder/F`` for the order after merging, ``$retainKeys`` for the only keys to keep.
"""

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
            return _ordered([*before, *added], order, lambda item: item)
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
    return _ordered(result, order, lambda item: item.get(merge_key), merge_key)


def _ordered(
    items: list[Any], order: list[Any] | None, key_of: Any, merge_key: str | None = None
) -> list[Any]:
    """Items that ``order`` names in its order; each other stays behind the item that it followed."""
    if not order:
        return items
    wanted = [entry.get(merge_key) if merge_key and isinstance(entry, dict) else entry for entry in order]
    named = [item for item in items if key_of(item) in wanted]
    result = sorted(named, key=lambda item: wanted.index(key_of(item)))
    for position, item in enumerate(items):
        if key_of(item) not in wanted:
            before = items[position - 1] if position else None
            result.insert(result.index(before) + 1 if before in result else 0, item)
    return result


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
            result[name] = _ordered(
                result[name], order, lambda item, by=merge_key: item.get(by) if by else item, merge_key
            )


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
