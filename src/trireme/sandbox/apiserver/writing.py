"""create, update and patch, of objects and their status."""

import json
from typing import Any

from aiohttp import web

from trireme.sandbox.apiserver.answer import answer
from trireme.sandbox.apiserver.apply.managers import ApplyConflictError, Manager, apply
from trireme.sandbox.apiserver.apply.paths import Path
from trireme.sandbox.apiserver.apply.typed import problems_of, typed_error
from trireme.sandbox.apiserver.call import Call, key_of
from trireme.sandbox.apiserver.errors import (
    ApiError,
    bad_request,
    invalid,
    invalid_value,
    not_found,
    unsupported_media,
)
from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.apiserver.patches.json_patch import json_patch
from trireme.sandbox.apiserver.patches.merge import merge_patch
from trireme.sandbox.apiserver.patches.strategic import strategic_merge
from trireme.sandbox.apiserver.writes.options import read_options
from trireme.sandbox.apiserver.writes.permission import require
from trireme.sandbox.apiserver.writes.read import APPLY, read_draft
from trireme.sandbox.apiserver.writes.writer import Writer, other_name
from trireme.sandbox.store.interface import NotFoundError, Object
from trireme.sandbox.store.tree import copy_tree

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
PATCHES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)


def writer_for(call: Call) -> Writer:
    options = read_options(call.query, call.request.headers.get("User-Agent", ""))
    return Writer(call.cluster, call.kind, call.user, options, call.warnings)


async def create(call: Call) -> web.StreamResponse:
    """Raises ApiError (405) for a kind whose definition is being removed."""
    if call.kind.definition is not None and call.kind.definition.terminating:
        message = "create not allowed while custom resource definition is terminating"
        raise ApiError(405, "MethodNotAllowed", message, details={})
    writer = writer_for(call)
    draft = read_draft(call.kind, await call.body(), writer.options.field_validation, call.warnings)
    return answer(call, await writer.create(draft, call.target.namespace), code=201)


async def update(call: Call) -> web.StreamResponse:
    writer = writer_for(call)
    draft = read_draft(call.kind, await call.body(), writer.options.field_validation, call.warnings)
    if call.kind.custom and not draft.obj["metadata"].get("resourceVersion"):
        cause = invalid_value("metadata.resourceVersion", 0, "must be specified for an update")
        raise invalid(call.kind.group, call.kind.kind, call.target.name, [cause])
    return answer(call, writer.replace(call.existing(), draft, call.target.subresource))


async def patch(call: Call) -> web.StreamResponse:
    media = call.request.content_type
    if media not in PATCHES or (media == STRATEGIC_PATCH and call.kind.custom):
        accepted = ", ".join(each for each in PATCHES if each != STRATEGIC_PATCH or not call.kind.custom)
        raise unsupported_media(
            "the body of the request was in an unknown format - accepted media types include: " + accepted
        )
    body = await call.body()
    if media == APPLY_PATCH:
        return await _apply(call, body)
    old = call.existing()
    changed = patched(call.kind, old, body, media)
    writer = writer_for(call)
    draft = read_draft(call.kind, changed, writer.options.field_validation, call.warnings)
    if not _says_version(media, body):
        draft.obj["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
    return answer(call, writer.replace(old, draft, call.target.subresource))


def patched(kind: Kind, old: Object, body: Any, media: str) -> Object:
    """``old`` with the patch applied. Raises ApiError."""
    if media == JSON_PATCH:
        return json_patch(copy_tree(old), body)
    if not isinstance(body, dict):
        raise bad_request("error decoding patch: a JSON object is expected")
    if media == STRATEGIC_PATCH:
        return strategic_merge(kind.struct, old, body)
    merged: Object = merge_patch(old, body)
    return merged


def _says_version(media: str, body: Any) -> bool:
    """A patch that names a resourceVersion demands it; any other is for whatever is there."""
    if media == JSON_PATCH:
        return any(row.get("path") == "/metadata/resourceVersion" for row in body)
    return bool((body.get("metadata") or {}).get("resourceVersion"))


async def _apply(call: Call, body: Any) -> web.StreamResponse:
    """Server-side apply: creates what is not there."""
    if "fieldManager" not in call.query:
        raise ApiError(
            422,
            "Invalid",
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
        )
    if not isinstance(body, dict):
        raise bad_request("error decoding YAML: an object is expected")
    kind, target, writer = call.kind, call.target, writer_for(call)
    metadata = body.setdefault("metadata", {})
    if metadata.setdefault("name", target.name) != target.name:
        raise bad_request(other_name(metadata["name"], target.name))
    if metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    # What an apply does not say, it does not own: defaults come after the merge.
    draft = read_draft(kind, body, APPLY, call.warnings, defaults=False)
    if problems := list(problems_of(kind.struct, draft.obj)):
        raise typed_error(body, problems)
    if "namespace" not in draft.obj["metadata"] and kind.namespaced:
        draft.obj["metadata"]["namespace"] = target.namespace
    author = writer.author(target.subresource, "Apply")
    only = target.subresource or ("-status" if kind.has_status else None)
    try:
        live = kind.present(call.cluster.store.get(key_of(kind, target.namespace, target.name)))
    except NotFoundError:
        return await _apply_new(call, writer, body)
    try:
        merged, owners = apply(kind.struct, live, draft.obj, author, force=writer.options.force, only=only)
    except ApplyConflictError as error:
        raise _conflict(error) from error
    version = draft.obj["metadata"].get("resourceVersion")
    merged["metadata"]["resourceVersion"] = version or live["metadata"]["resourceVersion"]
    whole = read_draft(kind, merged, "Ignore", [])
    return answer(call, writer.replace(live, whole, target.subresource, owners))


async def _apply_new(call: Call, writer: Writer, body: Object) -> web.StreamResponse:
    kind, target = call.kind, call.target
    if target.subresource:
        raise not_found(kind.group, kind.plural, target.name)
    require(call, "create")
    draft = read_draft(kind, body, "Ignore", [])
    author = writer.author("", "Apply")
    only = "-status" if kind.has_status else None
    said = read_draft(kind, body, "Ignore", [], defaults=False).obj
    _, owners = apply(kind.struct, {}, said, author, force=True, only=only)
    return answer(call, await writer.create(draft, target.namespace, owners), code=201)


def _conflict(error: ApplyConflictError) -> ApiError:
    """With the paths and their owners: kubectl prints them, and how to go on."""
    by_owner: dict[str, list[str]] = {}
    causes = []
    for path, owner in error.conflicts.items():
        field, who = path_text(path), _owner_text(owner, error.owners[owner].api_version)
        by_owner.setdefault(who, []).append(field)
        causes.append({"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": field})
    count = len(causes)
    if count == 1:
        ((who, (field,)),) = by_owner.items()
        text = f"Apply failed with 1 conflict: conflict with {who}: {field}"
    else:
        lines = [
            line
            for who in sorted(by_owner)
            for line in (f"conflicts with {who}:", *(f"- {f}" for f in by_owner[who]))
        ]
        text = f"Apply failed with {count} conflicts: " + "\n".join(lines)
    return ApiError(409, "Conflict", text, details={"causes": causes})


def _owner_text(owner: Manager, api_version: str) -> str:
    text = f'"{owner.name}"'
    if owner.subresource:
        text += f' with subresource "{owner.subresource}"'
    return f"{text} using {api_version}" if owner.operation == "Update" else text


def path_text(path: Path) -> str:
    """``.spec.template.spec.containers[name="db"].image``"""
    text = ""
    for element in path:
        kind, _, rest = element.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            keys = json.loads(rest)
            text += "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in keys.items()) + "]"
        else:
            text += f"[={rest}]"
    return text
