"""delete and deletecollection."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from trireme.sandbox.apiserver.answer import answer, answer_list, json_response, success
from trireme.sandbox.apiserver.call import Call, key_of
from trireme.sandbox.apiserver.errors import ApiError, bad_request, conflict, not_found
from trireme.sandbox.apiserver.reading import selected
from trireme.sandbox.store.interface import ConflictError, NotFoundError, Object

PROPAGATIONS = ("Background", "Foreground", "Orphan")


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """``uid`` and ``version`` are preconditions; None is none."""

    grace_seconds: int | None
    propagation: str
    uid: str | None
    version: str | None
    dry_run: bool


def read_delete_options(query: Mapping[str, str], body: Any) -> DeleteOptions:
    """The body wins over the query. Raises ApiError (400, 422)."""
    given = body if isinstance(body, dict) else {}
    grace = given.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    propagation = given.get("propagationPolicy") or query.get("propagationPolicy")
    if propagation is None:
        orphan = given.get("orphanDependents")
        propagation = "Orphan" if orphan or query.get("orphanDependents") == "true" else "Background"
    if propagation not in PROPAGATIONS:
        words = ", ".join(f'"{each}"' for each in PROPAGATIONS)
        detail = f'propagationPolicy: Unsupported value: "{propagation}": supported values: {words}'
        raise ApiError(422, "Invalid", f'DeleteOptions.meta.k8s.io "" is invalid: {detail}')
    dry_run = given.get("dryRun") or list(filter(None, [query.get("dryRun")]))
    if dry_run not in ([], ["All"]):
        raise bad_request(f'Invalid value: {dry_run}: dryRun: supported values: "All"')
    wanted = given.get("preconditions") or {}
    return DeleteOptions(
        None if grace in (None, "") else int(grace),
        propagation,
        wanted.get("uid"),
        wanted.get("resourceVersion"),
        bool(dry_run),
    )


async def delete(call: Call) -> web.StreamResponse:
    """The object while it is on its way, a Status when it is gone."""
    options = read_delete_options(call.query, await call.body())
    kind, target = call.kind, call.target
    last = delete_one(call, call.existing(), options)
    if "deletionTimestamp" in last["metadata"] or (kind.group, kind.plural) == ("", "pods"):
        return answer(call, last)
    details = {"name": target.name, "group": kind.group, "kind": kind.plural, "uid": last["metadata"]["uid"]}
    return json_response(
        success({key: value for key, value in details.items() if value}), warnings=call.warnings
    )


async def delete_collection(call: Call) -> web.StreamResponse:
    options = read_delete_options(call.query, await call.body())
    doomed = selected(call)
    for obj in doomed:
        delete_one(call, obj, options)
    return answer_list(call, doomed, {"resourceVersion": str(call.cluster.store.version)})


def delete_one(call: Call, obj: Object, options: DeleteOptions) -> Object:
    """Raises ApiError: 404, or 409 when a precondition fails."""
    kind, metadata = call.kind, obj["metadata"]
    name = metadata["name"]
    if options.version not in (None, "", metadata["resourceVersion"]):
        message = (
            f"Operation cannot be fulfilled on {kind.plural} {name!r}: Precondition failed: ResourceVersion in "
            f"precondition: {options.version}, ResourceVersion in object meta: {metadata['resourceVersion']}"
        )
        raise conflict(kind.group, kind.plural, name, message)
    try:
        return call.cluster.store.delete(
            key_of(kind, metadata.get("namespace", ""), name),
            grace_seconds=options.grace_seconds,
            propagation=options.propagation,
            uid=options.uid,
            dry_run=options.dry_run,
        )
    except ConflictError as error:
        raise conflict(kind.group, kind.plural, name, str(error)) from error
    except NotFoundError:
        raise not_found(kind.group, kind.plural, name) from None
