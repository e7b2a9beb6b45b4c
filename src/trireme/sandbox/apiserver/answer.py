"""Answers in the form that the client accepts: the object, its metadata only, or a table for people."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
from aiohttp import web

from trireme.sandbox.apiserver.call import Call
from trireme.sandbox.apiserver.errors import ApiError
from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.apiserver.tables.table import to_table
from trireme.sandbox.store.interface import Object

Form = Literal["object", "table", "metadata"]
META = "meta.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Accepted:
    """``include`` is how much of each object a table row carries: None, Metadata or Object."""

    form: Form
    include: str = "Metadata"


def accepted(call: Call) -> Accepted:
    """From the Accept header's first entry that the server speaks. Raises ApiError (406)."""
    header = call.request.headers.get("Accept", "*/*")
    for entry in header.split(","):
        media, *parameters = [part.strip() for part in entry.split(";")]
        if media not in ("application/json", "*/*", "application/*", "application/yaml"):
            continue
        values = dict(part.partition("=")[::2] for part in parameters)
        form = values.get("as", "")
        if form == "Table" and values.get("v") == "v1":
            return Accepted("table", call.query.get("includeObject", "Metadata"))
        if form.startswith("PartialObjectMetadata"):
            return Accepted("metadata")
        if not form:
            return Accepted("object")
    message = f"only the following media types are accepted: application/json (asked for: {header})"
    raise ApiError(406, "NotAcceptable", message)


def json_response(body: object, *, code: int = 200, warnings: Sequence[str] = ()) -> web.Response:
    response = web.Response(body=msgspec.json.encode(body), status=code, content_type="application/json")
    for text in warnings:
        response.headers.add("Warning", f'299 - "{_header_text(text)}"')
    return response


def answer(call: Call, obj: Object, *, code: int = 200) -> web.Response:
    """One object."""
    form = accepted(call)
    body = shape(call.kind, obj)
    if form.form == "table":
        body = to_table(call.kind, [obj], form.include, obj["metadata"].get("resourceVersion", ""))
    elif form.form == "metadata":
        body = metadata_only(obj)
    return json_response(body, code=code, warnings=call.warnings)


def answer_list(call: Call, objects: Sequence[Object], metadata: Object) -> web.Response:
    form = accepted(call)
    kind = call.kind
    if form.form == "table":
        body = to_table(kind, objects, form.include, metadata["resourceVersion"])
        body["metadata"] = metadata
    elif form.form == "metadata":
        items = [metadata_only(obj) for obj in objects]
        body = {"kind": "PartialObjectMetadataList", "apiVersion": META, "metadata": metadata, "items": items}
    else:
        name = kind.list_kind or f"{kind.kind}List"
        items = [shape(kind, obj) for obj in objects]
        body = {"kind": name, "apiVersion": kind.api_version, "metadata": metadata, "items": items}
    return json_response(body, warnings=call.warnings)


def shape(kind: Kind, obj: Object) -> Object:
    """With kind and version first, also where a controller that wrote the object left them out."""
    first = {"apiVersion": kind.api_version, "kind": kind.kind, **obj}
    return {**first, "apiVersion": kind.api_version} if kind.custom else first


def metadata_only(obj: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": META, "metadata": obj["metadata"]}


def success(details: Object) -> Object:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _header_text(text: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", text.replace("\n", " "))
