"""Rules of roles and bindings."""

from collections.abc import Iterator

from trireme.sandbox.apiserver.errors import Cause, invalid_value, required, unsupported_value
from trireme.sandbox.store.interface import Object

GROUP = "rbac.authorization.k8s.io"
SUBJECT_KINDS = ("ServiceAccount", "User", "Group")


def check_role(obj: Object) -> Iterator[Cause]:
    for number, rule in enumerate(obj.get("rules") or ()):
        path = f"rules[{number}]"
        if rule.get("nonResourceURLs"):
            yield invalid_value(
                f"{path}.nonResourceURLs",
                rule["nonResourceURLs"],
                "namespaced rules cannot apply to non-resource URLs",
            )
        else:
            yield from _check_resource_rule(rule, path)


def check_cluster_role(obj: Object) -> Iterator[Cause]:
    for number, rule in enumerate(obj.get("rules") or ()):
        path = f"rules[{number}]"
        if not rule.get("nonResourceURLs"):
            yield from _check_resource_rule(rule, path)
        elif rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            yield invalid_value(
                f"{path}.nonResourceURLs",
                rule["nonResourceURLs"],
                "rules cannot apply to both regular resources and non-resource URLs",
            )


def check_binding(obj: Object) -> Iterator[Cause]:
    yield from _check_role_ref(obj["roleRef"], ("Role", "ClusterRole"))
    yield from _check_subjects(obj, needs_namespace=False)


def check_cluster_binding(obj: Object) -> Iterator[Cause]:
    yield from _check_role_ref(obj["roleRef"], ("ClusterRole",))
    yield from _check_subjects(obj, needs_namespace=True)


def check_binding_update(new: Object, old: Object) -> Iterator[Cause]:
    if new["roleRef"] != old["roleRef"]:
        yield invalid_value("roleRef", new["roleRef"], "cannot change roleRef")


def _check_resource_rule(rule: Object, path: str) -> Iterator[Cause]:
    if not rule.get("verbs"):
        yield required(f"{path}.verbs", "verbs must contain at least one value")
    if not rule.get("apiGroups"):
        yield required(f"{path}.apiGroups", "resource rules must supply at least one api group")
    if not rule.get("resources"):
        yield required(f"{path}.resources", "resource rules must supply at least one resource")


def _check_role_ref(ref: Object, kinds: tuple[str, ...]) -> Iterator[Cause]:
    if ref.get("apiGroup") != GROUP:
        yield unsupported_value("roleRef.apiGroup", ref.get("apiGroup"), [GROUP])
    if ref["kind"] not in kinds:
        yield unsupported_value("roleRef.kind", ref["kind"], kinds)


def _check_subjects(obj: Object, *, needs_namespace: bool) -> Iterator[Cause]:
    for number, subject in enumerate(obj.get("subjects") or ()):
        path = f"subjects[{number}]"
        if subject["kind"] not in SUBJECT_KINDS:
            yield unsupported_value(f"{path}.kind", subject["kind"], SUBJECT_KINDS)
        if subject["kind"] == "ServiceAccount" and needs_namespace and not subject.get("namespace"):
            yield required(f"{path}.namespace")
