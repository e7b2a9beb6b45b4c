"""Printer columns: cells of ``kubectl get`` from the paths that a definition names."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from trireme.sandbox.apiserver.custom.jsonpath import JsonPath, parse_json_path
from trireme.sandbox.apiserver.tables.cells import NAME, Column, duration, parse_time
from trireme.sandbox.store.interface import Object

AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
"""What there is besides the name where a definition names no column."""


def printer_columns(declared: Iterable[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Raises JsonPathError."""
    return (NAME, *map(_column, list(declared) or [AGE]))


def _column(row: Mapping[str, Any]) -> Column:
    path, kind = parse_json_path(row["jsonPath"]), row["type"]
    return Column(
        row["name"],
        lambda obj: _cell(path, kind, obj),
        priority=row.get("priority", 0),
        type=kind,
        format=row.get("format", ""),
        description=row.get("description")
        or f"Custom resource definition column (in JSONPath format): {row['jsonPath']}",
    )


def _cell(path: JsonPath, kind: str, obj: Object) -> Any:
    """The first value; None where there is none, or one that is not of the column's type."""
    found = path.find(obj)
    value = found[0] if found else None
    if value is None:
        return None
    match kind:
        case "integer":
            return int(value) if _is_number(value) else None
        case "number":
            return float(value) if _is_number(value) else None
        case "boolean":
            return value if isinstance(value, bool) else None
        case "date":
            return _since(value)
    return _text(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _since(value: Any) -> str:
    moment = parse_time(value) if isinstance(value, str) else None
    return "<invalid>" if moment is None else duration((datetime.now(UTC) - moment).total_seconds())


def _text(value: Any) -> str:
    """As kubectl's own JSONPath printer writes it: words bare, the rest as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(value, separators=(",", ":"))
