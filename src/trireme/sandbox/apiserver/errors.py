"""Errors as Kubernetes shapes them: an HTTP code, a reason, a message, and causes by field."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from trireme.sandbox.store.interface import Object


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing wrong with one field, worded as Kubernetes' field.Error is."""

    field: str
    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.field}: {self.detail}" if self.field else self.detail


class ApiError(Exception):
    """Ends a request with a Status object."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: Object | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details

    def status(self) -> Object:
        body: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": str(self),
            "reason": self.reason,
        }
        if self.details is not None:
            body["details"] = self.details
        return {**body, "code": self.code}


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def not_found(group: str, resource: str, name: str) -> ApiError:
    details = _details(group, resource, name)
    return ApiError(404, "NotFound", f'{qualified(group, resource)} "{name}" not found', details=details)


def already_exists(group: str, resource: str, name: str) -> ApiError:
    message = f'{qualified(group, resource)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, details=_details(group, resource, name))


def conflict(group: str, resource: str, name: str, message: str) -> ApiError:
    return ApiError(409, "Conflict", message, details=_details(group, resource, name))


def forbidden(group: str, resource: str, name: str, message: str) -> ApiError:
    subject = f'{qualified(group, resource)} "{name}"' if name else qualified(group, resource)
    details = _details(group, resource, name)
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {message}", details=details)


def invalid(group: str, kind: str, name: str, causes: Iterable[Cause]) -> ApiError:
    rows = list(causes)
    text = str(rows[0]) if len(rows) == 1 else f"[{', '.join(map(str, rows))}]"
    details: dict[str, Any] = {"name": name, "group": group, "kind": kind}
    details["causes"] = [{"reason": c.reason, "message": c.detail, "field": c.field} for c in rows]
    message = f'{qualified(group, kind)} "{name}" is invalid: {text}'
    return ApiError(422, "Invalid", message, details={k: v for k, v in details.items() if v})


def gone(message: str) -> ApiError:
    return ApiError(410, "Expired", message)


def unsupported_media(message: str) -> ApiError:
    return ApiError(415, "UnsupportedMediaType", message)


def method_not_allowed() -> ApiError:
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, details={})


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource", details={})


def qualified(group: str, name: str) -> str:
    return f"{name}.{group}" if group else name


def required(field: str, detail: str = "") -> Cause:
    return Cause(field, "FieldValueRequired", f"Required value: {detail}" if detail else "Required value")


def invalid_value(field: str, value: object, detail: str) -> Cause:
    return Cause(field, "FieldValueInvalid", f"Invalid value: {shown(value)}: {detail}")


def unsupported_value(field: str, value: object, supported: Iterable[str]) -> Cause:
    words = ", ".join(f'"{word}"' for word in sorted(supported))
    detail = f"Unsupported value: {shown(value)}: supported values: {words}"
    return Cause(field, "FieldValueNotSupported", detail)


def duplicate(field: str, value: object) -> Cause:
    return Cause(field, "FieldValueDuplicate", f"Duplicate value: {shown(value)}")


def forbidden_field(field: str, detail: str) -> Cause:
    return Cause(field, "FieldValueForbidden", f"Forbidden: {detail}")


def missing_reference(field: str, value: object) -> Cause:
    return Cause(field, "FieldValueNotFound", f"Not found: {shown(value)}")


def not_emulated(field: str) -> Cause:
    return forbidden_field(field, "the sandbox does not emulate this field")


def shown(value: object) -> str:
    """A value as Kubernetes' messages print it: strings quoted, the rest as JSON would."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(value, separators=(",", ":"))


def _details(group: str, resource: str, name: str) -> Object:
    rows = {"name": name, "group": group, "kind": resource}
    return {key: value for key, value in rows.items() if value}
