"""Creates and replaces objects for clients. Everything between reading and committing runs without awaiting."""

from dataclasses import dataclass

from trireme.sandbox.apiserver.apply.managers import (
    Author,
    Manager,
    Ownership,
    after_update,
    read_owners,
    write_owners,
)
from trireme.sandbox.apiserver.auth.tokens import User
from trireme.sandbox.apiserver.call import Cluster
from trireme.sandbox.apiserver.errors import Cause, already_exists, bad_request, conflict, invalid, not_found
from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.apiserver.rules.metadata import check_finalizers
from trireme.sandbox.apiserver.rules.validate import validate, validate_update
from trireme.sandbox.apiserver.writes.admission import admit_create, admit_update
from trireme.sandbox.apiserver.writes.options import WriteOptions
from trireme.sandbox.apiserver.writes.prepare import prepare_create, prepare_update
from trireme.sandbox.apiserver.writes.read import Draft, decode_object, warn_noted
from trireme.sandbox.store.interface import ConflictError, ExistsError, NotFoundError, Object
from trireme.sandbox.store.tree import copy_tree

ONLY_FROM_SERVER = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
)
Owned = dict[Manager, Ownership]


@dataclass(frozen=True, slots=True)
class Writer:
    """One client's writes of one kind. ``warnings`` collects what the answer's Warning headers say."""

    cluster: Cluster
    kind: Kind
    user: User
    options: WriteOptions
    warnings: list[str]

    def author(self, subresource: str = "", operation: str = "Update") -> Author:
        manager = Manager(self.options.field_manager, operation, subresource)  # type: ignore[arg-type]
        return Author(manager, self.kind.api_version, self.cluster.now())

    async def create(self, draft: Draft, namespace: str, owners: Owned | None = None) -> Object:
        """Raises ApiError."""
        obj = draft.obj
        self._identify(obj, namespace)
        prepare_create(self.kind, obj)
        self._refuse(obj, draft.causes)
        await admit_create(self.cluster, self.kind, obj, self.user, self.warnings)
        self._refuse(obj, [*validate(self.kind, obj), *self._by_schema(obj, None)])
        warn_noted(draft.noted, self.warnings)
        metadata = obj["metadata"]
        metadata.pop("managedFields", None)
        if owners is None:
            written = {field: value for field, value in obj.items() if field != "status"}
            owners = after_update(self.kind.struct, {}, written, {}, self.author())
        write_owners(obj, owners)
        obj["apiVersion"] = self.kind.stored_version
        try:
            return self.cluster.store.create(
                self.kind.group, self.kind.plural, obj, dry_run=self.options.dry_run
            )
        except ExistsError:
            raise already_exists(self.kind.group, self.kind.plural, metadata["name"]) from None

    def replace(
        self, old: Object, draft: Draft, subresource: str = "", owners: Owned | None = None
    ) -> Object:
        """``draft`` in place of ``old``, as far as ``subresource`` reaches. Raises ApiError."""
        new = self._reach(old, draft.obj, subresource)
        metadata = new["metadata"]
        if metadata.get("name", old["metadata"]["name"]) != old["metadata"]["name"]:
            raise bad_request(other_name(metadata["name"], old["metadata"]["name"]))
        for field in ("name", "namespace", *ONLY_FROM_SERVER):
            metadata.pop(field, None)
            if field in old["metadata"]:
                metadata[field] = old["metadata"][field]
        if not subresource:
            prepare_update(self.kind, new, old)
            self._refuse(new, draft.causes)
            admit_update(self.cluster, self.kind, new, self.user, self.warnings)
            causes = [*validate(self.kind, new), *validate_update(self.kind, new, old)]
            causes += check_finalizers(metadata, old["metadata"])
            self._refuse(new, [*causes, *self._by_schema(new, old)])
            _, before = decode_object(self.kind, old)
            warn_noted(draft.noted - before.noted, self.warnings)
        else:
            self._refuse(new, self._by_schema(new, old))
        if owners is None:
            owners = after_update(
                self.kind.struct, old, new, read_owners(_owned_as_said(new, old)), self.author(subresource)
            )
        write_owners(new, owners)
        return self._commit(new)

    def _commit(self, obj: Object) -> Object:
        kind, name = self.kind, obj["metadata"]["name"]
        obj["apiVersion"] = kind.stored_version
        counted = kind.custom and not kind.has_status
        try:
            return self.cluster.store.update(
                kind.group, kind.plural, obj, dry_run=self.options.dry_run, counts_status=counted
            )
        except ConflictError as error:
            raise conflict(kind.group, kind.plural, name, str(error)) from error
        except NotFoundError:
            raise not_found(kind.group, kind.plural, name) from None

    def _by_schema(self, new: Object, old: Object | None) -> list[Cause]:
        definition = self.kind.definition
        return [] if definition is None else definition.check(new, old)

    def _identify(self, obj: Object, namespace: str) -> None:
        metadata = obj["metadata"]
        if metadata.get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        for field in (*ONLY_FROM_SERVER, "resourceVersion"):
            metadata.pop(field, None)
        if not self.kind.namespaced:
            metadata.pop("namespace", None)
            return
        if metadata.setdefault("namespace", namespace) != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )

    def _refuse(self, obj: Object, causes: "list[Cause] | tuple[Cause, ...]") -> None:
        if causes:
            raise invalid(self.kind.group, self.kind.kind, obj["metadata"].get("name", ""), causes)

    def _reach(self, old: Object, new: Object, subresource: str) -> Object:
        """What of ``new`` counts: the status only on that subresource, all but the status otherwise."""
        if not subresource:
            return new
        result = copy_tree(old)
        result.pop(subresource, None)
        if subresource in new:
            result[subresource] = copy_tree(new[subresource])
        version = new["metadata"].get("resourceVersion")
        result["metadata"]["resourceVersion"] = version or old["metadata"]["resourceVersion"]
        return result


def other_name(said: str, asked: str) -> str:
    return f"the name of the object ({said}) does not match the name on the URL ({asked})"


def _owned_as_said(new: Object, old: Object) -> Object:
    """Clients may rewrite managedFields (kubectl moves owners to server-side apply), or leave them out."""
    return new if "managedFields" in new["metadata"] else old
