"""Merging and comparing values field by field, along paths."""

from dataclasses import dataclass
from typing import Any

from trireme.sandbox.apiserver.apply.paths import (
    Path,
    PathSet,
    child_type,
    children,
    is_unowned,
    item_element,
    merges,
    paths_of,
)
from trireme.sandbox.apiserver.schema.types import ListOf, Type
from trireme.sandbox.store.tree import copy_tree


@dataclass(frozen=True, slots=True)
class Difference:
    added: PathSet
    modified: PathSet
    removed: PathSet

    @property
    def set_to_a_value(self) -> PathSet:
        return self.added | self.modified


def compare(kind: Type, old: Any, new: Any) -> Difference:
    """What changed from ``old`` to ``new``, by owned paths."""
    before, after = paths_of(kind, old), paths_of(kind, new)
    modified: set[Path] = set()
    _collect_modified(kind, old, new, (), modified)
    return Difference(after - before, frozenset(modified & before & after), before - after)


def merge(kind: Type, live: Any, applied: Any) -> Any:
    """``live`` with everything that ``applied`` says."""
    if not merges(kind, live) or not merges(kind, applied):
        return copy_tree(applied)
    if isinstance(kind, ListOf):
        return _merge_list(kind, live, applied)
    result = dict(live)
    for name, value in applied.items():
        kind_below = child_type(kind, f"f:{name}")
        result[name] = merge(kind_below, result[name], value) if name in result else copy_tree(value)
    return result


def remove(kind: Type, value: Any, doomed: PathSet, kept: PathSet = frozenset(), path: Path = ()) -> Any:
    """``value`` without the doomed paths and all below them, such as defaults that nobody owns.

    What has a ``kept`` path at or below itself stays; what became empty goes.
    """
    if not merges(kind, value):
        return value
    left: list[tuple[str, Any]] = []
    for element, item in children(kind, value):
        below = (*path, element)
        if below in doomed and not _leads_to(below, kept):
            continue
        rest = remove(child_type(kind, element), item, doomed, kept, below)
        if rest or not item:
            left.append((element, rest))
    if isinstance(kind, ListOf):
        return [item for _, item in left]
    return {element[2:]: item for element, item in left}


def _leads_to(path: Path, kept: PathSet) -> bool:
    return any(each[: len(path)] == path for each in kept)


def _merge_list(kind: ListOf, live: list[Any], applied: list[Any]) -> list[Any]:
    """Applied items in their order, each live item that is not applied behind the one that it follows."""
    there = {item_element(kind, item): item for item in live}
    merged = {
        element: merge(kind.item, there[element], item) if element in there else copy_tree(item)
        for item in applied
        for element in [item_element(kind, item)]
    }
    order = list(merged)
    previous: str | None = None
    for element in there:
        if element not in merged:
            order.insert(order.index(previous) + 1 if previous is not None else 0, element)
        previous = element
    return [merged.get(element, there.get(element)) for element in order]


def _collect_modified(kind: Type, old: Any, new: Any, path: Path, found: set[Path]) -> None:
    if merges(kind, old) and merges(kind, new) and (old or new):
        before, after = dict(children(kind, old)), dict(children(kind, new))
        for element in before.keys() & after.keys():
            _collect_modified(
                child_type(kind, element), before[element], after[element], (*path, element), found
            )
    elif old != new and path and not is_unowned(path):
        found.add(path)
