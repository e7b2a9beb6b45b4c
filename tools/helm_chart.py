"""The templates of deploy/helm/trireme, from the manifests in deploy/operator: what is a value becomes a template's.

A test renders them with the default values and compares with what kustomize makes of deploy/operator.
"""

import copy
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from trireme.manifests.crd import custom_resource_definition

ROOT = Path(__file__).parent.parent
OPERATOR = ROOT / "deploy/operator"
EXTRAS = ROOT / "deploy/operator-overlays"
NAMESPACE = "{{ .Release.Namespace }}"
HEAD = "{{- /* Generated from deploy/operator by `make generate`. Do not edit. */ -}}\n"
NAMESPACED = EXTRAS / "namespaced"

Object = dict[str, Any]


def load(path: Path) -> Object:
    """The one object of a file."""
    found: Object = yaml.safe_load(path.read_text())
    return found


def chart(dump: Callable[[Any], str]) -> dict[str, str]:
    """The content of each template, by its file's name. ``dump`` writes YAML and breaks no line."""
    write = partial(_text, dump)
    cluster_role, binding = load(OPERATOR / "clusterrole.yaml"), load(OPERATOR / "clusterrolebinding.yaml")
    binding["subjects"][0]["namespace"] = NAMESPACE
    role_binding = load(OPERATOR / "rolebinding.yaml")
    role_binding["subjects"][0]["namespace"] = NAMESPACE
    everywhere = f"{write(cluster_role)}---\n{write(binding)}"
    templates = {
        "crd.yaml": _when("if .Values.crds.install", write(_definition())),
        "serviceaccount.yaml": write(_account()),
        "access.yaml": f"{{{{- if not .Values.namespaces }}}}\n{everywhere}{_in_namespaces(write)}{{{{- end }}}}\n",
        "lease.yaml": f"{write(_placed(load(OPERATOR / 'role.yaml')))}---\n{write(_placed(role_binding))}",
        "deployment.yaml": write(_deployment()),
        "monitoring.yaml": _when("if .Values.serviceMonitor.enabled", _monitoring(write)),
        "networkpolicy.yaml": _when(
            "if .Values.networkPolicy.enabled",
            write(_placed(load(EXTRAS / "network-policy/networkpolicy.yaml"))),
        ),
    }
    return {name: HEAD + text for name, text in templates.items()}


def _definition() -> Object:
    found = custom_resource_definition()
    found["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
    return found


def _placed(found: Object) -> Object:
    metadata = found["metadata"]
    found["metadata"] = {"name": metadata["name"], "namespace": NAMESPACE, **metadata}
    return found


def _account() -> Object:
    found = _placed(load(OPERATOR / "serviceaccount.yaml"))
    found["metadata"]["annotations"] = _block(".Values.serviceAccount.annotations")
    return found


def _in_namespaces(write: Callable[[Object], str]) -> str:
    """The same rights in each namespace, without what only a ClusterRole can give."""
    role = load(NAMESPACED / "role.yaml")
    binding = load(NAMESPACED / "rolebinding.yaml")
    for each in (role, binding):
        each["metadata"] = {"name": each["metadata"]["name"], "namespace": "{{ . }}", **each["metadata"]}
    binding["subjects"][0]["namespace"] = "{{ $.Release.Namespace }}"
    both = f"---\n{write(role)}---\n{write(binding)}"
    return f"{{{{- else }}}}\n{{{{- range .Values.namespaces }}}}\n{both}{{{{- end }}}}\n"


def _deployment() -> Object:
    found = _placed(load(OPERATOR / "deployment.yaml"))
    found["spec"]["replicas"] = "{{ .Values.replicas }}"
    template = found["spec"]["template"]
    template["metadata"]["labels"]["@labels"] = _block(".Values.podLabels")
    template["metadata"]["annotations"] = _block(".Values.podAnnotations")
    pod = template["spec"]
    for name in ("imagePullSecrets", "nodeSelector", "tolerations", "affinity", "priorityClassName"):
        pod[name] = _block(f".Values.{'image.pullSecrets' if name == 'imagePullSecrets' else name}")
    container = pod["containers"][0]
    container["image"] = "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
    container["resources"] = _block(".Values.resources")
    container["env"] = _environment(container["env"])
    order = ("name", "image", "imagePullPolicy")
    container["imagePullPolicy"] = "{{ .Values.image.pullPolicy }}"
    pod["containers"] = [{**{key: container[key] for key in order}, **container}]
    return found


def _environment(env: list[Object]) -> list[Object]:
    return [
        *copy.deepcopy(env),
        {"name": "TRIREME_IMAGE", "value": "{{ .Values.clusterImage }}"},
        {"name": "TRIREME_NAMESPACES", "value": '{{ join "," .Values.namespaces }}'},
        {"name": "TRIREME_CLUSTER_DOMAIN", "value": "{{ .Values.clusterDomain }}"},
        {"name": "TRIREME_OPENSHIFT", "value": "{{ .Values.openshift }}"},
        {"name": "TRIREME_LEASE_SECONDS", "value": "{{ .Values.leaseSeconds }}"},
    ]


def _monitoring(write: Callable[[Object], str]) -> str:
    service = _placed(load(EXTRAS / "monitoring/service.yaml"))
    monitor = _placed(load(EXTRAS / "monitoring/servicemonitor.yaml"))
    monitor["metadata"]["labels"]["@labels"] = _block(".Values.serviceMonitor.labels")
    monitor["spec"]["endpoints"][0]["interval"] = "{{ .Values.serviceMonitor.interval }}"
    return f"{write(service)}---\n{write(monitor)}"


def _when(condition: str, text: str) -> str:
    return f"{{{{- {condition} }}}}\n{text}{{{{- end }}}}\n"


def _block(value: str) -> str:
    """Stands for a value that is written only if it is not empty."""
    return f"@block {value}@"


def _text(dump: Callable[[Any], str], found: Object) -> str:
    """YAML, with the placeholders as templates. An environment's values stay quoted: they are strings."""
    text = re.sub(r"(?m)^( *)'?([\w@]+)'?: '@block ([\w.$]+)@'\n", _expand, dump(found))
    return re.sub(r"(?m)^( *(?:- )?(?!value:|interval:)\w+): '([^'\n]*\{\{[^'\n]*)'$", r"\1: \2", text)


def _expand(match: re.Match[str]) -> str:
    indent, key, value = len(match[1]), match[2], match[3]
    if key == "@labels":
        return (
            f"{{{{- with {value} }}}}\n{' ' * indent}{{{{- toYaml . | nindent {indent} }}}}\n{{{{- end }}}}\n"
        )
    if key == "priorityClassName":
        return f"{{{{- with {value} }}}}\n{' ' * indent}{key}: {{{{ . }}}}\n{{{{- end }}}}\n"
    inner = f"{' ' * indent}{key}:\n{' ' * indent}  {{{{- toYaml . | nindent {indent + 2} }}}}\n"
    return f"{{{{- with {value} }}}}\n{inner}{{{{- end }}}}\n"
