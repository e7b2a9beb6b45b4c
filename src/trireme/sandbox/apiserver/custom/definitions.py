"""The life of CustomResourceDefinitions: their names, their conditions, the kinds that they add, their end."""

from collections.abc import Callable, Iterable
from typing import Any

from trireme.sandbox.apiserver.custom.definition import read_definition, version_order
from trireme.sandbox.apiserver.custom.fields import root_struct
from trireme.sandbox.apiserver.kinds import Kind, Registry
from trireme.sandbox.store.interface import Change, Key, NotFoundError, Object, Store
from trireme.sandbox.store.tree import copy_tree

GROUP = "apiextensions.k8s.io"
RESOURCE = "customresourcedefinitions"
FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
NAMES = ("plural", "singular", "kind", "listKind")


class Definitions:
    """Follows the store, without awaiting: an accepted definition is served before its author has the answer."""

    def __init__(self, store: Store, registry: Registry, now: Callable[[], str]) -> None:
        self._store = store
        self._registry = registry
        self._now = now
        self._served: dict[str, tuple[Object, bool, list[Kind]]] = {}
        """By name: the spec, whether it is on its way out, and its kinds."""
        self.stop: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Serve what the store has, the oldest first, and follow it."""
        self.stop = self._store.subscribe(self._changed)
        for crd in sorted(self._all(), key=lambda each: int(each["metadata"]["resourceVersion"])):
            self._settle(crd["metadata"]["name"])

    def _all(self) -> list[Object]:
        return self._store.list(GROUP, RESOURCE)

    def _changed(self, change: Change) -> None:
        key = change.key
        if (key.group, key.resource) == (GROUP, RESOURCE):
            self._settle(key.name)
            if change.kind == "DELETED":
                for other in self._all():
                    if other["spec"]["group"] == change.new["spec"]["group"]:
                        self._settle(other["metadata"]["name"])
        elif change.kind == "DELETED" and self._is_ending(f"{key.resource}.{key.group}"):
            self._settle(f"{key.resource}.{key.group}")

    def _is_ending(self, name: str) -> bool:
        return name in self._served and self._served[name][1]

    def _settle(self, name: str) -> None:
        """Once: what follows from it comes back as a change."""
        try:
            crd = self._store.get(Key(GROUP, RESOURCE, "", name))
        except NotFoundError:
            self._serve(name, None)
            return
        conditions = {each["type"]: each for each in crd.get("status", {}).get("conditions") or ()}
        accepted, conflict = self._accepted(crd)
        status = self._status(crd, accepted, conflict, conditions)
        established = any(c["type"] == "Established" and c["status"] == "True" for c in status["conditions"])
        self._serve(name, crd if established else None)
        if "deletionTimestamp" in crd["metadata"]:
            self._remove_objects(crd)
            return
        if status != crd.get("status") or FINALIZER not in (crd["metadata"].get("finalizers") or ()):
            self._store.mutate(Key(GROUP, RESOURCE, "", name), lambda obj: _write(obj, status))

    def _accepted(self, crd: Object) -> tuple[Object, tuple[str, str] | None]:
        """The names it gets, and why it does not get all that it asks for."""
        wanted, had = crd["spec"]["names"], crd.get("status", {}).get("acceptedNames") or {}
        words, kinds = self._taken(crd)
        names, conflict = dict(had), None
        for field in NAMES:
            taken = kinds if field in ("kind", "listKind") else words
            if wanted[field] != had.get(field) and wanted[field] in taken:
                conflict = (f"{field[0].upper()}{field[1:]}Conflict", f'"{wanted[field]}" is already in use')
            else:
                names[field] = wanted[field]
        clashes = [
            each
            for each in wanted.get("shortNames") or ()
            if each in words - set(had.get("shortNames") or ())
        ]
        if clashes:
            conflict = ("ShortNamesConflict", ", ".join(f'"{each}" is already in use' for each in clashes))
        for field in ("shortNames", "categories"):
            names.pop(field, None)
            if wanted.get(field) and not (field == "shortNames" and clashes):
                names[field] = wanted[field]
        return names, conflict

    def _taken(self, crd: Object) -> tuple[set[str], set[str]]:
        """Resource words and kinds that others of the group have, built-in ones included."""
        words: set[str] = set()
        kinds: set[str] = set()
        for kind in self._registry:
            own = kind.definition is not None and kind.definition.name == crd["metadata"]["name"]
            if kind.group == crd["spec"]["group"] and not own:
                words |= {kind.plural, kind.singular or kind.kind.lower(), *kind.short}
                kinds |= {kind.kind, kind.list_kind or f"{kind.kind}List"}
        return words, kinds

    def _status(
        self, crd: Object, names: Object, conflict: tuple[str, str] | None, conditions: dict[str, Object]
    ) -> Object:
        status = copy_tree(crd.get("status") or {})
        accepted = ("False", *conflict) if conflict else ("True", "NoConflicts", "no conflicts found")
        self._set(conditions, "NamesAccepted", *accepted)
        if conditions.get("Established", {}).get("status") != "True":
            established = (
                ("False", "NotAccepted", "not all names are accepted")
                if conflict
                else ("True", "InitialNamesAccepted", "the initial names have been accepted")
            )
            self._set(conditions, "Established", *established)
        storage = next(each["name"] for each in crd["spec"]["versions"] if each.get("storage"))
        stored = list(status.get("storedVersions") or ())
        status["storedVersions"] = stored if storage in stored else [*stored, storage]
        status["acceptedNames"] = names
        status["conditions"] = list(conditions.values())
        return status

    def _set(self, conditions: dict[str, Object], kind: str, status: str, reason: str, message: str) -> None:
        old = conditions.get(kind)
        if old and (old["status"], old["reason"], old["message"]) == (status, reason, message):
            return
        row = {"type": kind, "status": status, "reason": reason, "message": message}
        conditions[kind] = {"lastTransitionTime": self._now(), **row}

    def _serve(self, name: str, crd: Object | None) -> None:
        """Put the kinds of ``crd`` in place of those that were there, if something about them changed."""
        ending = crd is not None and "deletionTimestamp" in crd["metadata"]
        spec, was_ending, kinds = self._served.get(name, ({}, False, []))
        if crd is not None and (spec, was_ending) == (crd["spec"], ending):
            return
        for kind in kinds:
            self._registry.remove(kind)
        new = list(_kinds(crd)) if crd is not None else []
        for kind in new:
            self._registry.add(kind)
        if crd is not None:
            self._served[name] = (crd["spec"], ending, new)
        else:
            self._served.pop(name, None)
        for kind in kinds:
            if kind.definition is not None:
                kind.definition.ended.set()

    def _remove_objects(self, crd: Object) -> None:
        """When the last one is gone, so is the definition."""
        group, plural, name = crd["spec"]["group"], crd["spec"]["names"]["plural"], crd["metadata"]["name"]
        left = self._store.list(group, plural)
        for obj in left:
            metadata = obj["metadata"]
            if "deletionTimestamp" not in metadata:
                self._store.delete(Key(group, plural, metadata.get("namespace", ""), metadata["name"]))
        if not self._store.list(group, plural) and FINALIZER in (crd["metadata"].get("finalizers") or ()):
            self._store.mutate(Key(GROUP, RESOURCE, "", name), _let_go)
            return
        self._say_terminating(crd, bool(left))

    def _say_terminating(self, crd: Object, left: bool) -> None:
        conditions = {each["type"]: each for each in crd.get("status", {}).get("conditions") or ()}
        if left and conditions.get("Terminating", {}).get("status") != "True":
            message = "CustomResource deletion is in progress"
            self._set(conditions, "Terminating", "True", "InstanceDeletionInProgress", message)
            status = {**copy_tree(crd.get("status") or {}), "conditions": list(conditions.values())}
            name = crd["metadata"]["name"]
            self._store.mutate(Key(GROUP, RESOURCE, "", name), lambda obj: obj.update(status=status))


def _write(crd: Object, status: Object) -> None:
    crd["status"] = copy_tree(status)
    finalizers = crd["metadata"].setdefault("finalizers", [])
    if FINALIZER not in finalizers:
        finalizers.append(FINALIZER)


def _let_go(crd: Object) -> None:
    crd["metadata"]["finalizers"] = [each for each in crd["metadata"]["finalizers"] if each != FINALIZER]


def _kinds(crd: Object) -> Iterable[Kind]:
    spec = crd["spec"]
    served = [version for version in spec["versions"] if version.get("served")]
    for version in sorted(served, key=lambda each: version_order(each["name"])):
        yield custom_kind(crd, version)


def custom_kind(crd: Object, version: dict[str, Any]) -> Kind:
    """Of a definition that its rules let in."""
    spec = crd["spec"]
    names, subresources = spec["names"], version.get("subresources") or {}
    definition = read_definition(crd, version)
    return Kind(
        group=spec["group"],
        version=version["name"],
        kind=names["kind"],
        plural=names["plural"],
        struct=root_struct(names["kind"], definition.schema),
        namespaced=spec["scope"] == "Namespaced",
        short=tuple(names.get("shortNames") or ()),
        subresources=tuple(each for each in ("status", "scale") if each in subresources),
        list_kind=names["listKind"],
        singular=names["singular"],
        categories=tuple(names.get("categories") or ()),
        definition=definition,
    )
