"""What must hold around an object that is written: its namespace, its account, its address, its security."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator

from trireme.sandbox.apiserver.auth.rbac import GROUP as RBAC_GROUP
from trireme.sandbox.apiserver.auth.rbac import Attributes
from trireme.sandbox.apiserver.auth.tokens import User
from trireme.sandbox.apiserver.call import Cluster
from trireme.sandbox.apiserver.custom.schema import read_schema
from trireme.sandbox.apiserver.custom.structural import unrecognized_formats
from trireme.sandbox.apiserver.errors import forbidden, invalid, invalid_value, not_found
from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.apiserver.selectors import labels_of
from trireme.sandbox.apiserver.writes.podsecurity import violations
from trireme.sandbox.apiserver.writes.priority import admit_priority
from trireme.sandbox.store.interface import Key, NotFoundError, Object

ENFORCE = "pod-security.kubernetes.io/enforce"
WARN = "pod-security.kubernetes.io/warn"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
ACCOUNT_WAIT_SECONDS = 2.0
"""How long a new pod waits for its ServiceAccount: the default one comes right after its namespace."""


async def admit_create(cluster: Cluster, kind: Kind, obj: Object, user: User, warnings: list[str]) -> None:
    """Completes ``obj`` in place. Raises ApiError."""
    _admit_namespace(cluster, kind, obj)
    match kind.group, kind.plural:
        case "", "pods":
            await _admit_account(cluster, kind, obj)
            admit_priority(cluster, kind, obj)
            admit_security(cluster, kind, obj, obj["spec"], warnings)
        case "", "services":
            _allocate_address(cluster, kind, obj)
        case "", "persistentvolumeclaims":
            _default_class(cluster, obj)
        case _:
            admit_update(cluster, kind, obj, user, warnings)


def admit_update(cluster: Cluster, kind: Kind, obj: Object, user: User, warnings: list[str]) -> None:
    """Raises ApiError."""
    template = obj.get("spec", {}).get("template") if isinstance(obj.get("spec"), dict) else None
    if kind.group in ("apps", "batch") and template:
        _warn_security(cluster, obj, template.get("spec", {}), warnings)
    if kind.group == RBAC_GROUP:
        _forbid_escalation(cluster, kind, obj, user)
    if kind.kind == "CustomResourceDefinition":
        warnings.extend(_unrecognized(obj))


def _unrecognized(crd: Object) -> Iterator[str]:
    """Formats that Kubernetes, and so the sandbox, ignores. A schema that cannot be read is refused later."""
    for version in crd.get("spec", {}).get("versions") or ():
        raw = (version.get("schema") or {}).get("openAPIV3Schema") or {}
        with contextlib.suppress(AttributeError, KeyError, TypeError):
            yield from (f'unrecognized format "{name}"' for name in unrecognized_formats(read_schema(raw)))


def _admit_namespace(cluster: Cluster, kind: Kind, obj: Object) -> None:
    if not kind.namespaced:
        return
    name = obj["metadata"]["namespace"]
    try:
        namespace = cluster.store.get(Key("", "namespaces", "", name))
    except NotFoundError:
        raise not_found("", "namespaces", name) from None
    if "deletionTimestamp" in namespace["metadata"]:
        message = f"unable to create new content in namespace {name} because it is being terminated"
        raise forbidden(kind.group, kind.plural, obj["metadata"].get("name", ""), message)


async def _admit_account(cluster: Cluster, kind: Kind, pod: Object) -> None:
    namespace, name = pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"]
    key = Key("", "serviceaccounts", namespace, name)
    deadline = asyncio.get_running_loop().time() + ACCOUNT_WAIT_SECONDS
    changes = cluster.store.watch("", "serviceaccounts", namespace)
    while not _exists(cluster, key):
        left = deadline - asyncio.get_running_loop().time()
        try:
            await asyncio.wait_for(anext(changes), max(left, 0))
        except TimeoutError:
            who = pod["metadata"].get("name") or pod["metadata"].get("generateName", "")
            message = (
                f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
            )
            raise forbidden(kind.group, kind.plural, who, message) from None


def _exists(cluster: Cluster, key: Key) -> bool:
    try:
        cluster.store.get(key)
    except NotFoundError:
        return False
    return True


def _allocate_address(cluster: Cluster, kind: Kind, service: Object) -> None:
    spec = service["spec"]
    if spec.get("clusterIP") != "None":
        try:
            spec["clusterIP"] = cluster.allocate_cluster_ip(service)
        except ValueError as error:
            cause = invalid_value("spec.clusterIPs", spec.get("clusterIP", ""), str(error))
            raise invalid(kind.group, kind.kind, service["metadata"].get("name", ""), [cause]) from error
    spec["clusterIPs"] = [spec["clusterIP"]]


def _default_class(cluster: Cluster, claim: Object) -> None:
    if "storageClassName" in claim["spec"]:
        return
    for storage_class in cluster.store.list("storage.k8s.io", "storageclasses"):
        annotations = storage_class["metadata"].get("annotations") or {}
        if annotations.get(DEFAULT_CLASS) == "true":
            claim["spec"]["storageClassName"] = storage_class["metadata"]["name"]
            return


def _namespace_labels(cluster: Cluster, obj: Object) -> dict[str, str]:
    try:
        return dict(labels_of(cluster.store.get(Key("", "namespaces", "", obj["metadata"]["namespace"]))))
    except NotFoundError:
        return {}


def admit_security(cluster: Cluster, kind: Kind, obj: Object, spec: Object, warnings: list[str]) -> None:
    labels = _namespace_labels(cluster, obj)
    level = labels.get(ENFORCE, "privileged")
    found = violations(level, spec)
    if found:
        who = obj["metadata"].get("name") or obj["metadata"].get("generateName", "")
        raise forbidden(kind.group, kind.plural, who, _violates(level, found))
    _warn(labels.get(WARN, "privileged"), spec, warnings)


def _warn_security(cluster: Cluster, obj: Object, spec: Object, warnings: list[str]) -> None:
    """Templates are never refused: their pods will be."""
    labels = _namespace_labels(cluster, obj)
    _warn(labels.get(WARN, labels.get(ENFORCE, "privileged")), spec, warnings)


def _warn(level: str, spec: Object, warnings: list[str]) -> None:
    found = violations(level, spec)
    if found:
        warnings.append(f"would {_violates(level, found).replace('violates', 'violate', 1)}")


def _violates(level: str, found: Iterable[str]) -> str:
    return f'violates PodSecurity "{level}:latest": {", ".join(found)}'


def _forbid_escalation(cluster: Cluster, kind: Kind, obj: Object, user: User) -> None:
    """Nobody grants what they do not have, unless they may ``escalate`` or ``bind``: Kubernetes' rule."""
    namespace = obj["metadata"].get("namespace", "")
    is_binding = kind.plural.endswith("bindings")
    if is_binding:
        target = "clusterroles" if obj["roleRef"]["kind"] == "ClusterRole" else "roles"
        asked = Attributes("bind", RBAC_GROUP, target, namespace, obj["roleRef"]["name"])
        rules = cluster.authorizer.rules_of(obj["roleRef"], namespace)
    else:
        asked = Attributes("escalate", RBAC_GROUP, kind.plural, namespace, obj["metadata"].get("name", ""))
        rules = obj.get("rules") or ()
    if cluster.authorizer.allows(user, asked):
        return
    missing = cluster.authorizer.missing(user, namespace, rules)
    if missing:
        groups = " ".join(f'"{group}"' for group in user.groups)
        shown = "\n".join(_rule_text(rule) for rule in missing)
        who = f'user "{user.name}" (groups=[{groups}])'
        message = f"{who} is attempting to grant RBAC permissions not currently held:\n{shown}"
        raise forbidden(kind.group, kind.plural, obj["metadata"].get("name", ""), message)


def _rule_text(rule: Object) -> str:
    """As Go prints a PolicyRule."""
    names = {"apiGroups": "APIGroups", "resources": "Resources", "resourceNames": "ResourceNames"}
    names |= {"nonResourceURLs": "NonResourceURLs", "verbs": "Verbs"}
    rows = [
        f"{title}:[{' '.join(chr(34) + value + chr(34) for value in rule[field])}]"
        for field, title in names.items()
        if field in rule
    ]
    return "{" + ", ".join(rows) + "}"
