"""One served version of a custom resource, as the handlers see it."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trireme.sandbox.apiserver.custom.columns import printer_columns
from trireme.sandbox.apiserver.custom.jsonpath import JsonPath, parse_json_path
from trireme.sandbox.apiserver.custom.rules import Rules, check_rules, compile_rules
from trireme.sandbox.apiserver.custom.schema import Schema, read_schema
from trireme.sandbox.apiserver.custom.shaping import shape_root
from trireme.sandbox.apiserver.custom.values import check_object
from trireme.sandbox.apiserver.errors import Cause
from trireme.sandbox.apiserver.tables.cells import Column
from trireme.sandbox.store.interface import Object

VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a custom resource keeps what its scale subresource shows."""

    replicas: JsonPath
    status_replicas: JsonPath
    selector: JsonPath | None


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """``ended`` is set when the definition is replaced or removed: watches end then, as in Kubernetes."""

    name: str
    storage_version: str
    schema: Schema
    rules: Rules
    columns: tuple[Column, ...]
    scale: Scale | None = None
    selectable: tuple[str, ...] = ()
    deprecation: str = ""
    terminating: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def check(self, new: Object, old: Object | None) -> list[Cause]:
        """What schema and rules have against ``new``; ``old`` is None at a creation."""
        causes = list(check_object(self.schema, new, old))
        return [*causes, *check_rules(self.rules, self.schema, new, old, causes)]

    def present(self, obj: Object, api_version: str) -> Object:
        """A stored object as this version shows it: in its words, with its defaults. ``obj`` stays as it is."""
        return {**shape_root(self.schema, obj, []), "apiVersion": api_version}


def read_definition(crd: Object, version: Mapping[str, Any]) -> Definition:
    """Of a definition that its rules let in."""
    spec = crd["spec"]
    schema = read_schema(version["schema"]["openAPIV3Schema"])
    storage = next(each["name"] for each in spec["versions"] if each.get("storage"))
    return Definition(
        name=crd["metadata"]["name"],
        storage_version=f"{spec['group']}/{storage}",
        schema=schema,
        rules=compile_rules(schema, "")[0],
        columns=printer_columns(version.get("additionalPrinterColumns") or ()),
        scale=_scale((version.get("subresources") or {}).get("scale")),
        selectable=tuple(
            each["jsonPath"].removeprefix(".") for each in version.get("selectableFields") or ()
        ),
        deprecation=_deprecation(crd, version),
        terminating="deletionTimestamp" in crd["metadata"],
    )


def version_order(version: str) -> tuple[int, int, int, str]:
    """Sorts the version to prefer first: v2, v1, v1beta1, v1alpha1, then what is not of this form."""
    match = VERSION.fullmatch(version)
    if match is None:
        return (3, 0, 0, version)
    rank = {None: 0, "beta": 1, "alpha": 2}[match[2]]
    return (rank, -int(match[1]), -int(match[3] or 0), version)


def _scale(raw: Mapping[str, str] | None) -> Scale | None:
    if raw is None:
        return None
    selector = raw.get("labelSelectorPath")
    return Scale(
        parse_json_path(raw["specReplicasPath"]),
        parse_json_path(raw["statusReplicasPath"]),
        parse_json_path(selector) if selector else None,
    )


def _deprecation(crd: Object, version: Mapping[str, Any]) -> str:
    if not version.get("deprecated"):
        return ""
    spec = crd["spec"]
    default = f"{spec['group']}/{version['name']} {spec['names']['kind']} is deprecated"
    return str(version.get("deprecationWarning") or default)
