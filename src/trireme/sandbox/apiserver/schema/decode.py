"""Reads an object by its kind's fields: what is unknown, of the wrong type, not emulated, or without effect."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from trireme.sandbox.apiserver.errors import Cause, not_emulated, unsupported_value
from trireme.sandbox.apiserver.schema.moments import read_moment
from trireme.sandbox.apiserver.schema.types import Enum, Field, ListOf, MapOf, Scalar, Struct, Type

QUANTITY = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$")


class FieldTypeError(Exception):
    """JSON of another type than the field has: HTTP 400, as when Go cannot unmarshal it."""


@dataclass(slots=True)
class Findings:
    """Paths as Kubernetes writes them: ``spec.template.spec.containers[0].image``."""

    unknown: list[str] = field(default_factory=list)
    refused: list[Cause] = field(default_factory=list)
    noted: set[str] = field(default_factory=set)
    causes: list[Cause] = field(default_factory=list)


def decode(struct: Struct, raw: Mapping[str, Any]) -> tuple[dict[str, Any], Findings]:
    """``raw`` without nulls and unknown fields, and what was found on the way. Raises FieldTypeError."""
    findings = Findings()
    return _struct(struct, raw, "", findings), findings


def is_empty(value: object) -> bool:
    """What Go's zero value or an absent field would be."""
    return value in (None, False, 0, "") or value in ([], {})


def _value(kind: Type, value: Any, path: str, findings: Findings) -> Any:
    match kind:
        case Scalar():
            return _scalar(kind, value, path)
        case Enum():
            return _enum(kind, value, path, findings)
        case Struct():
            return _struct(kind, value, path, findings)
        case MapOf():
            _expect(isinstance(value, dict), value, "object", path)
            rows = {key: item for key, item in value.items() if item is not None}
            return {key: _value(kind.item, item, f"{path}[{key}]", findings) for key, item in rows.items()}
        case ListOf():
            _expect(isinstance(value, list), value, "array", path)
            return [_value(kind.item, item, f"{path}[{n}]", findings) for n, item in enumerate(value)]
        case _:
            assert_never(kind)


def _struct(kind: Struct, value: Any, path: str, findings: Findings) -> dict[str, Any]:
    _expect(isinstance(value, dict), value, kind.name, path)
    result: dict[str, Any] = {}
    for name, item in value.items():
        where = f"{path}.{name}" if path else name
        if item is None:
            continue
        if name in kind.refused:
            if not is_empty(item):
                findings.refused.append(not_emulated(where))
        elif name not in kind.fields:
            if kind.is_open:
                result[name] = item
            else:
                findings.unknown.append(where)
        else:
            result[name] = _field(kind.fields[name], item, where, findings)
    _demand_required(kind, result, path, findings)
    return result


def _field(declared: Field, item: Any, where: str, findings: Findings) -> Any:
    if declared.noted and not is_empty(item):
        findings.noted.add(re.sub(r"\[\d+]", "[*]", where))
    return _value(declared.type, item, where, findings)


def _demand_required(kind: Struct, result: dict[str, Any], path: str, findings: Findings) -> None:
    """Not of a status: nobody validates what controllers report."""
    if path.startswith("status"):
        return
    for name, declared in kind.fields.items():
        if declared.required and result.get(name) in (None, "") and path:
            findings.causes.append(_required(f"{path}.{name}"))
        elif declared.required and name not in result and not path and name != "metadata":
            findings.causes.append(_required(name))


def _required(path: str) -> Cause:
    return Cause(path, "FieldValueRequired", "Required value")


def _enum(kind: Enum, value: Any, path: str, findings: Findings) -> str:
    _expect(isinstance(value, str), value, "string", path)
    if value in kind.refused:
        findings.refused.append(
            Cause(
                path,
                "FieldValueNotSupported",
                f'Unsupported value: "{value}": the sandbox does not emulate it',
            )
        )
    elif value not in kind.values and value != "":
        findings.causes.append(unsupported_value(path, value, kind.values))
    return str(value)


def _scalar(kind: Scalar, value: Any, path: str) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind.name:
        case "any":
            return value
        case "bool":
            _expect(isinstance(value, bool), value, "bool", path)
        case "int":
            if isinstance(value, float) and value.is_integer():
                return int(value)
            _expect(number and isinstance(value, int), value, "int", path)
        case "number":
            _expect(number, value, "number", path)
        case "quantity":
            _expect(number or isinstance(value, str), value, "quantity", path)
            _expect(QUANTITY.match(str(value)) is not None, value, "quantity", path)
            return str(value)
        case "intOrString":
            _expect(isinstance(value, str) or (number and isinstance(value, int)), value, "intOrString", path)
        case "string" | "bytes":
            _expect(isinstance(value, str), value, "string", path)
        case "time" | "microTime":
            _expect(isinstance(value, str), value, "string", path)
            return _moment(value, micro=kind.name == "microTime")
        case _:
            assert_never(kind.name)
    return value


def _moment(text: str, *, micro: bool) -> str:
    try:
        return read_moment(text, micro=micro) if text else text
    except ValueError as error:
        raise FieldTypeError(str(error)) from error


def _expect(holds: bool, value: object, wanted: str, path: str) -> None:
    if not holds:
        kinds = {dict: "object", list: "array", str: "string", bool: "bool"}
        found = kinds.get(type(value), "number")
        if found == "string" and wanted == "quantity":
            raise FieldTypeError(
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            )
        raise FieldTypeError(f"json: cannot unmarshal {found} into field {path} of type {wanted}")
