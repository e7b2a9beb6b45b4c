"""Rules of pods, and of the templates that make them."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from trireme.sandbox.apiserver.errors import (
    Cause,
    duplicate,
    forbidden_field,
    invalid_value,
    missing_reference,
    not_emulated,
    required,
)
from trireme.sandbox.apiserver.rules.names import (
    ENV_NAME,
    label_problem,
    port_name_problem,
    port_problem,
    subdomain_problem,
)
from trireme.sandbox.apiserver.rules.storage import quantity
from trireme.sandbox.apiserver.rules.tolerations import check_toleration
from trireme.sandbox.store.interface import Object

POD_UPDATE = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
    "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
    "previously negative)"
)
FIELD_PATHS = re.compile(
    r"metadata\.(name|namespace|uid)|metadata\.(labels|annotations)\['.+'\]"
    r"|spec\.(nodeName|serviceAccountName)|status\.(hostIPs?|podIPs?)"
)
"""What an environment variable can be filled with from its pod."""
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
PROBE_HANDLERS = ("exec", "httpGet", "tcpSocket")
HOOK_HANDLERS = ("exec", "httpGet", "tcpSocket", "sleep")
PROJECTIONS = ("secret", "downwardAPI", "configMap", "serviceAccountToken")


def check_pod(obj: Object) -> Iterator[Cause]:
    yield from check_pod_spec(obj["spec"], "spec")


def check_pod_update(new: Object, old: Object) -> Iterator[Cause]:
    """Only the node and its placement change a pod's spec."""
    if _frozen(new["spec"]) != _frozen(old["spec"]):
        yield forbidden_field("spec", POD_UPDATE)


def check_pod_spec(spec: Object, path: str, claims: Iterable[str] = ()) -> Iterator[Cause]:
    """``claims``: names of a StatefulSet's claim templates, which are volumes of its pods too."""
    volumes = {*claims, *(volume.get("name", "") for volume in spec.get("volumes") or ())}
    yield from _check_names(spec.get("volumes") or (), f"{path}.volumes")
    for number, volume in enumerate(spec.get("volumes") or ()):
        yield from _check_volume(volume, f"{path}.volumes[{number}]")
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    all_containers: list[Object] = []
    for field in ("initContainers", "containers"):
        rows = spec.get(field) or ()
        yield from _check_names(rows, f"{path}.{field}", all_containers)
        all_containers.extend(rows)
        for number, container in enumerate(rows):
            here = f"{path}.{field}[{number}]"
            yield from _check_container(container, here, volumes, is_init=field == "initContainers")
    for number, toleration in enumerate(spec.get("tolerations") or ()):
        yield from check_toleration(toleration, f"{path}.tolerations[{number}]")
    for field in ("hostname", "subdomain"):
        if spec.get(field) and (problem := label_problem(spec[field])):
            yield invalid_value(f"{path}.{field}", spec[field], problem)


def _check_names(rows: Sequence[Object], path: str, others: Sequence[Object] = ()) -> Iterator[Cause]:
    seen = {each.get("name") for each in others}
    for number, row in enumerate(rows):
        name = row.get("name", "")
        if name and (problem := label_problem(name)):
            yield invalid_value(f"{path}[{number}].name", name, problem)
        if name in seen:
            yield duplicate(f"{path}[{number}].name", name)
        seen.add(name)


def _check_volume(volume: Object, path: str) -> Iterator[Cause]:
    sources = [field for field in volume if field != "name"]
    if not sources:
        yield required(path, "must specify a volume type")
    for extra in sources[1:]:
        yield forbidden_field(f"{path}.{extra}", "may not specify more than 1 volume type")
    if "configMap" in volume and not volume["configMap"].get("name"):
        yield required(f"{path}.configMap.name")
    if "secret" in volume and not volume["secret"].get("secretName"):
        yield required(f"{path}.secret.secretName")
    for number, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
        if not any(field in source for field in PROJECTIONS):
            yield required(f"{path}.projected.sources[{number}]", "must specify a volume source")


def _check_container(
    container: Object, path: str, volumes: Collection[str], *, is_init: bool
) -> Iterator[Cause]:
    yield from _check_ports(container.get("ports") or (), path)
    yield from _check_environment(container, path)
    seen: set[str] = set()
    for number, mount in enumerate(container.get("volumeMounts") or ()):
        here = f"{path}.volumeMounts[{number}]"
        if mount.get("name") not in volumes:
            yield missing_reference(f"{here}.name", mount.get("name"))
        if mount.get("mountPath") in seen:
            yield invalid_value(f"{here}.mountPath", mount["mountPath"], "must be unique")
        seen.add(mount.get("mountPath", ""))
    for probe in PROBES:
        if probe in container and is_init:
            detail = "may not be set for init containers without restartPolicy=Always"
            yield forbidden_field(f"{path}.{probe}", detail)
        elif probe in container:
            yield from _check_probe(container[probe], f"{path}.{probe}", probe)
    for hook, handler in (container.get("lifecycle") or {}).items():
        yield from _check_handler(handler, f"{path}.lifecycle.{hook}", HOOK_HANDLERS)
    yield from _check_resources(container.get("resources") or {}, f"{path}.resources")
    if (container.get("securityContext") or {}).get("privileged"):
        yield not_emulated(f"{path}.securityContext.privileged")


def _check_ports(ports: Sequence[Object], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for number, port in enumerate(ports):
        here = f"{path}.ports[{number}]"
        if problem := port_problem(port.get("containerPort", 0)):
            yield invalid_value(f"{here}.containerPort", port.get("containerPort", 0), problem)
        name = port.get("name", "")
        if name and (problem := port_name_problem(name)):
            yield invalid_value(f"{here}.name", name, problem)
        if name and name in seen:
            yield duplicate(f"{here}.name", name)
        seen.add(name)


def _check_environment(container: Object, path: str) -> Iterator[Cause]:
    for number, row in enumerate(container.get("env") or ()):
        here = f"{path}.env[{number}]"
        if row.get("name") and ENV_NAME.fullmatch(row["name"]) is None:
            yield invalid_value(f"{here}.name", row["name"], "must contain only printable ASCII except '='")
        source = row.get("valueFrom")
        if source is not None and row.get("value"):
            yield invalid_value(f"{here}.valueFrom", "", "may not be specified when `value` is not empty")
        field = ((source or {}).get("fieldRef") or {}).get("fieldPath")
        if field is not None and FIELD_PATHS.fullmatch(field) is None:
            detail = f"error converting fieldPath: field label not supported: {field}"
            yield invalid_value(f"{here}.valueFrom.fieldRef.fieldPath", field, detail)
        if source is not None and len(source) != 1:
            detail = (
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
            )
            yield invalid_value(f"{here}.valueFrom", "", detail)
    for number, row in enumerate(container.get("envFrom") or ()):
        reference = row.get("configMapRef") or row.get("secretRef") or {}
        name = reference.get("name", "")
        if not name or subdomain_problem(name):
            yield required(f"{path}.envFrom[{number}]", "the name of a ConfigMap or Secret")


def _check_probe(probe: Object, path: str, name: str) -> Iterator[Cause]:
    yield from _check_handler(probe, path, PROBE_HANDLERS)
    if name != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        yield invalid_value(f"{path}.successThreshold", probe["successThreshold"], "must be 1")
    for field in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "failureThreshold"):
        if probe.get(field, 0) < 0:
            yield invalid_value(f"{path}.{field}", probe[field], "must be greater than or equal to 0")


def _check_handler(handler: Object, path: str, kinds: Sequence[str]) -> Iterator[Cause]:
    given = [kind for kind in kinds if kind in handler]
    if not given:
        yield required(path, "must specify a handler type")
    for extra in given[1:]:
        yield forbidden_field(f"{path}.{extra}", "may not specify more than 1 handler type")
    for kind in ("httpGet", "tcpSocket"):
        port: Any = (handler.get(kind) or {}).get("port")
        if isinstance(port, int) and (problem := port_problem(port)):
            yield invalid_value(f"{path}.{kind}.port", port, problem)
    if "exec" in handler and not handler["exec"].get("command"):
        yield required(f"{path}.exec.command")


def _check_resources(resources: Object, path: str) -> Iterator[Cause]:
    limits = resources.get("limits") or {}
    for name, request in (resources.get("requests") or {}).items():
        if name in limits and quantity(request) > quantity(limits[name]):
            detail = f"must be less than or equal to {name} limit of {limits[name]}"
            yield invalid_value(f"{path}.requests", request, detail)


def _frozen(spec: Object) -> Object:
    """The spec without what may change."""
    rest = {k: v for k, v in spec.items() if k not in ("activeDeadlineSeconds", "tolerations", "nodeName")}
    for field in ("containers", "initContainers"):
        if field in rest:
            rest[field] = [{k: v for k, v in each.items() if k != "image"} for each in rest[field]]
    return rest
