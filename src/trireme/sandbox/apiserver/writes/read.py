"""A body as an object of the kind that its URL names, and what to tell its author."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from trireme.sandbox.apiserver.apply.typed import typed_error, undeclared
from trireme.sandbox.apiserver.custom.shaping import decode_custom
from trireme.sandbox.apiserver.errors import Cause, bad_request
from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.apiserver.schema.decode import FieldTypeError, Findings, decode
from trireme.sandbox.store.interface import Object

_TEMPLATE = "spec.template.spec."
APPLY = "Apply"
"""As field validation: what server-side apply does with unknown fields, whatever was asked for."""


@dataclass(frozen=True, slots=True)
class Draft:
    """``causes`` are for a 422; ``noted`` are fields that are recorded without effect."""

    obj: Object
    causes: tuple[Cause, ...]
    noted: frozenset[str]


def read_draft(
    kind: Kind, raw: Any, field_validation: str, warnings: list[str], *, defaults: bool = True
) -> Draft:
    """Unknown fields warn, or raise ApiError (400) under Strict; they are dropped in any case.

    ``defaults``: whether a custom resource gets those of its schema.
    """
    if not isinstance(raw, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {kind.kind})")
    _check_kind(kind, raw)
    try:
        obj, findings = decode_object(kind, raw, defaults=defaults)
    except FieldTypeError as error:
        raise bad_request(_cannot_be_handled(kind, str(error))) from error
    _report_unknown(kind, raw, findings, field_validation, warnings)
    obj.setdefault("metadata", {})
    _check_bytes(kind, obj)
    ordered = {"apiVersion": kind.api_version, "kind": kind.kind, **obj}
    return Draft(ordered, (*findings.refused, *findings.causes), frozenset(findings.noted))


def decode_object(kind: Kind, raw: Object, *, defaults: bool = True) -> tuple[Object, Findings]:
    """By the kind's fields, or by its definition's schema. Raises FieldTypeError."""
    if kind.definition is not None:
        return decode_custom(kind.definition.schema, raw, defaults=defaults)
    return decode(kind.struct, raw)


def warn_noted(noted: frozenset[str], warnings: list[str]) -> None:
    """One line for all of them: it is what a person sees first, so a pod template's path is not repeated."""
    if noted:
        fields = sorted(each for each in noted if not each.startswith(_TEMPLATE))
        of_pods = sorted(each.removeprefix(_TEMPLATE) for each in noted if each.startswith(_TEMPLATE))
        if of_pods:
            fields.append(f"{_TEMPLATE}{{{', '.join(of_pods)}}}")
        warnings.append(f"recorded, without effect in the sandbox: {', '.join(fields)}")


def _check_kind(kind: Kind, raw: Object) -> None:
    """A built-in kind may be left out, as kopf leaves it out of its Events: the URL says it."""
    version, name = raw.get("apiVersion"), raw.get("kind")
    if not kind.custom:
        version, name = version or kind.api_version, name or kind.kind
    if not name or not version:
        missing = "Kind" if not name else "apiVersion"
        raise bad_request(
            f"the object provided is unrecognized (must be of type {kind.kind}): Object '{missing}' is missing"
        )
    if version != kind.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({kind.api_version})"
        )
    if name != kind.kind:
        raise bad_request(
            f'{name} in version "{kind.version}" cannot be handled as a {kind.kind}: kinds differ'
        )


def _report_unknown(
    kind: Kind, raw: Object, findings: Findings, field_validation: str, warnings: list[str]
) -> None:
    texts = [f'unknown field "{path}"' for path in findings.unknown]
    if texts and field_validation == APPLY:
        raise typed_error(raw, undeclared(findings.unknown))
    if texts and field_validation == "Strict":
        raise bad_request(_cannot_be_handled(kind, f"strict decoding error: {', '.join(texts)}"))
    if field_validation == "Warn":
        warnings.extend(texts)


def _cannot_be_handled(kind: Kind, why: str) -> str:
    return f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}'


def _check_bytes(kind: Kind, obj: Object) -> None:
    field = {"secrets": "data", "configmaps": "binaryData"}.get(kind.plural, "")
    for key, text in (obj.get(field) or {}).items():
        try:
            base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise bad_request(
                _cannot_be_handled(kind, f"illegal base64 data in {field}[{key}]: {error}")
            ) from error
