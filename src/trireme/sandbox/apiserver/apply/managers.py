"""managedFields: reading, writing, and what each way of writing does to everybody's ownership."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from trireme.sandbox.apiserver.apply.merge import compare, merge, remove
from trireme.sandbox.apiserver.apply.paths import (
    Path,
    PathSet,
    from_fields_v1,
    paths_of,
    to_fields_v1,
)
from trireme.sandbox.apiserver.schema.types import Struct
from trireme.sandbox.store.interface import Object
from trireme.sandbox.store.tree import copy_tree

Operation = Literal["Apply", "Update"]


@dataclass(frozen=True, slots=True)
class Manager:
    """Who writes: the name from fieldManager or the user agent, how, and through which subresource."""

    name: str
    operation: Operation
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Ownership:
    """``since`` is when the set last changed (RFC 3339)."""

    paths: PathSet
    api_version: str
    since: str


@dataclass(frozen=True, slots=True)
class Author:
    """A manager at one moment (RFC 3339), writing in one version of the API."""

    manager: Manager
    api_version: str
    now: str


Owners = Mapping[Manager, Ownership]


class ApplyConflictError(Exception):
    """Others own fields that this apply would change."""

    def __init__(self, conflicts: Mapping[Path, Manager], owners: Owners) -> None:
        super().__init__(f"{len(conflicts)} conflicts")
        self.conflicts = conflicts
        self.owners = owners


def read_owners(obj: Object) -> dict[Manager, Ownership]:
    owners = {}
    for row in obj.get("metadata", {}).get("managedFields") or ():
        manager = Manager(row.get("manager", ""), row["operation"], row.get("subresource", ""))
        paths = from_fields_v1(row.get("fieldsV1") or {})
        owners[manager] = Ownership(paths, row.get("apiVersion", ""), row.get("time", ""))
    return owners


def write_owners(obj: Object, owners: Owners) -> None:
    """In place. Whoever owns nothing any more is left out."""
    rows = [_row(manager, owned) for manager, owned in owners.items() if owned.paths]
    rows.sort(key=lambda row: (row["operation"], row["time"], row["manager"]))
    obj["metadata"].pop("managedFields", None)
    if rows:
        obj["metadata"]["managedFields"] = rows


def after_update(
    struct: Struct, old: Object, new: Object, owners: Owners, author: Author
) -> dict[Manager, Ownership]:
    """An update takes what it changes, from everybody, without asking."""
    difference = compare(struct, old, new)
    touched = difference.set_to_a_value | difference.removed
    result = {who: _without(owned, touched) for who, owned in owners.items()}
    mine = owners[author.manager].paths if author.manager in owners else frozenset()
    paths = (mine | difference.set_to_a_value) - difference.removed
    if paths != mine:
        result[author.manager] = Ownership(paths, author.api_version, author.now)
    elif author.manager in owners:
        result[author.manager] = owners[author.manager]
    return result


def apply(
    struct: Struct, live: Object, applied: Object, author: Author, *, force: bool, only: str | None = None
) -> tuple[Object, dict[Manager, Ownership]]:
    """Server-side apply: the merged object (without managedFields written) and who owns what then.

    ``only`` limits ownership to one top field ('status' on that subresource), or excludes it ('-status').
    Raises ApplyConflictError unless ``force``.
    """
    owners = read_owners(live)
    others = {who: owned for who, owned in owners.items() if who != author.manager}
    wanted = _within(paths_of(struct, applied), only)
    before = owners[author.manager].paths if author.manager in owners else frozenset()
    kept = wanted.union(*(owned.paths for owned in others.values()))
    merged = remove(struct, merge(struct, live, applied), before - kept, kept)
    difference = compare(struct, live, merged)
    changed = difference.set_to_a_value & wanted
    conflicts = {path: who for who, owned in others.items() for path in sorted(owned.paths & changed)}
    if conflicts and not force:
        raise ApplyConflictError(conflicts, owners)
    touched = difference.modified | difference.removed
    result = {who: _without(owned, touched) for who, owned in others.items()}
    if author.manager in owners and before == wanted:
        result[author.manager] = replace(owners[author.manager], api_version=author.api_version)
    else:
        result[author.manager] = Ownership(wanted, author.api_version, author.now)
    return copy_tree(merged), result


def _without(owned: Ownership, paths: PathSet) -> Ownership:
    left = owned.paths - paths
    return owned if left == owned.paths else replace(owned, paths=left)


def _within(paths: PathSet, only: str | None) -> PathSet:
    if only is None:
        return paths
    excluded = only.startswith("-")
    top = f"f:{only.removeprefix('-')}"
    return frozenset(path for path in paths if (path[0] == top) != excluded)


def _row(manager: Manager, owned: Ownership) -> Object:
    row = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": owned.api_version,
        "time": owned.since,
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields_v1(owned.paths),
    }
    return row | ({"subresource": manager.subresource} if manager.subresource else {})
