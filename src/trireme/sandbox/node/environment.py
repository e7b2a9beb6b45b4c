"""A container's environment variables, as Kubernetes resolves them. Pure, given the objects referred to."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trireme.sandbox.node.resources import container_resource
from trireme.sandbox.store.interface import Object

_REFERENCE = re.compile(r"\$(?:\$|\(([-._a-zA-Z0-9]+)\))")
_SUBSCRIPT = re.compile(r"^metadata\.(labels|annotations)\['(.+)'\]$")
_NAME = re.compile(r"^[-._a-zA-Z][-._a-zA-Z0-9]*$")


class ConfigError(Exception):
    """The container cannot be made as it is described: what Kubernetes calls CreateContainerConfigError."""


@dataclass(frozen=True, slots=True)
class References:
    """Where to find what a pod refers to; each returns None if there is no such object."""

    config_map: Callable[[str], Object | None]
    secret: Callable[[str], Object | None]


def resolve(
    pod: Object, container: Object, references: References, base: Mapping[str, str]
) -> dict[str, str]:
    """The variables in order: ``base``, then envFrom, then env. Raises ConfigError."""
    variables = dict(base)
    for source in container.get("envFrom") or ():
        variables.update(_from_source(pod, source, references))
    for entry in container.get("env") or ():
        value = _value(pod, container, entry, references, variables)
        if value is not None:
            variables[entry["name"]] = value
    return variables


def expand(text: str, variables: Mapping[str, str]) -> str:
    """``$(NAME)`` becomes the variable's value and ``$$`` one dollar; an unknown name stays as it is."""

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else variables.get(name, match.group(0))

    return _REFERENCE.sub(replace, text)


def field_value(pod: Object, path: str) -> str:
    """A field that the downward API offers. Raises ConfigError for any other."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    subscript = _SUBSCRIPT.match(path)
    if subscript:
        return str((metadata.get(subscript[1]) or {}).get(subscript[2], ""))
    values: dict[str, Callable[[], str]] = {
        "metadata.name": lambda: metadata["name"],
        "metadata.namespace": lambda: metadata["namespace"],
        "metadata.uid": lambda: metadata["uid"],
        "metadata.labels": lambda: _listing(metadata.get("labels")),
        "metadata.annotations": lambda: _listing(metadata.get("annotations")),
        "spec.nodeName": lambda: spec.get("nodeName", ""),
        "spec.serviceAccountName": lambda: spec.get("serviceAccountName", "default"),
        "status.hostIP": lambda: status.get("hostIP", ""),
        "status.hostIPs": lambda: ",".join(entry["ip"] for entry in status.get("hostIPs") or ()),
        "status.podIP": lambda: status.get("podIP", ""),
        "status.podIPs": lambda: ",".join(entry["ip"] for entry in status.get("podIPs") or ()),
    }
    if path not in values:
        raise ConfigError(f"unsupported fieldPath: {path}")
    return values[path]()


def _from_source(pod: Object, source: Object, references: References) -> dict[str, str]:
    prefix = source.get("prefix", "")
    if "configMapRef" in source:
        found = _object(source["configMapRef"], "configmap", references.config_map)
        data: Mapping[str, str] = (found or {}).get("data") or {}
    else:
        found = _object(source["secretRef"], "secret", references.secret)
        data = {key: _text(value) for key, value in ((found or {}).get("data") or {}).items()}
    return {prefix + key: value for key, value in data.items() if _NAME.match(prefix + key)}


def _value(
    pod: Object, container: Object, entry: Object, references: References, variables: Mapping[str, str]
) -> str | None:
    source: dict[str, Any] | None = entry.get("valueFrom")
    if source is None:
        return expand(entry.get("value") or "", variables)
    if "fieldRef" in source:
        return field_value(pod, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        return container_resource(pod, container, source["resourceFieldRef"])
    if "configMapKeyRef" in source:
        reference = source["configMapKeyRef"]
        found = _object(reference, "configmap", references.config_map)
        return _key(pod, found, reference, "ConfigMap", (found or {}).get("data"))
    reference = source["secretKeyRef"]
    found = _object(reference, "secret", references.secret)
    value = _key(pod, found, reference, "Secret", (found or {}).get("data"))
    return None if value is None else _text(value)


def _object(reference: Object, kind: str, find: Callable[[str], Object | None]) -> Object | None:
    found = find(reference["name"])
    if found is None and not reference.get("optional"):
        raise ConfigError(f'{kind} "{reference["name"]}" not found')
    return found


def _key(
    pod: Object, found: Object | None, reference: Object, kind: str, data: Mapping[str, str] | None
) -> str | None:
    key = reference["key"]
    if data and key in data:
        return data[key]
    if reference.get("optional"):
        return None
    raise ConfigError(f"couldn't find key {key} in {kind} {pod['metadata']['namespace']}/{reference['name']}")


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode(errors="surrogateescape")


def _listing(values: Mapping[str, str] | None) -> str:
    return "\n".join(f'{key}="{value}"' for key, value in sorted((values or {}).items()))
