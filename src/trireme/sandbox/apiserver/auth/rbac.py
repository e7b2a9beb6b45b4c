"""RBAC: who may do what, from the Role, ClusterRole and binding objects in the store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from trireme.sandbox.apiserver.auth.tokens import User
from trireme.sandbox.store.interface import Key, NotFoundError, Object, Store

GROUP = "rbac.authorization.k8s.io"
MASTERS = "system:masters"
DISCOVERY = ("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/version", "/version/")
HEALTH = ("/healthz", "/livez", "/readyz", "/version", "/version/")


@dataclass(frozen=True, slots=True)
class Attributes:
    """One question. ``resource`` includes a subresource (``pods/exec``); ``path`` is for what is no resource."""

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


IMPLICIT: tuple[Object, ...] = (
    {"verbs": ["get"], "nonResourceURLs": [*DISCOVERY, *HEALTH]},
    {
        "verbs": ["create"],
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    },
    {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]},
)
"""What the roles system:discovery and system:basic-user give to everyone who is authenticated."""


class Authorizer:
    """Reads the objects at each question: a binding counts from the moment it exists."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def allows(self, user: User, asked: Attributes) -> bool:
        if MASTERS in user.groups:
            return True
        return any(rule_covers(rule, asked) for rule in self.rules_for(user, asked.namespace))

    def rules_for(self, user: User, namespace: str) -> Iterator[Object]:
        """Everything that ``user`` may do in ``namespace`` ('': cluster-wide only)."""
        if MASTERS in user.groups:
            yield {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
            yield {"verbs": ["*"], "nonResourceURLs": ["*"]}
        if "system:authenticated" in user.groups:
            yield from IMPLICIT
        for binding in self._store.list(GROUP, "clusterrolebindings"):
            if _binds(binding, user, ""):
                yield from self.rules_of(binding["roleRef"], "")
        for binding in self._store.list(GROUP, "rolebindings", namespace) if namespace else ():
            if _binds(binding, user, namespace):
                yield from self.rules_of(binding["roleRef"], namespace)

    def rules_of(self, role_ref: Object, namespace: str) -> Sequence[Object]:
        """Nothing when the role is not there (yet)."""
        plural, home = ("clusterroles", "") if role_ref["kind"] == "ClusterRole" else ("roles", namespace)
        try:
            role = self._store.get(Key(GROUP, plural, home, role_ref["name"]))
        except NotFoundError:
            return ()
        return role.get("rules") or ()

    def missing(self, user: User, namespace: str, rules: Sequence[Object]) -> list[Object]:
        """The parts of ``rules`` that ``user`` does not have: nobody may grant more than that."""
        held = list(self.rules_for(user, namespace))
        return [
            part for rule in rules for part in _parts(rule) if not any(_contains(own, part) for own in held)
        ]


def rule_covers(rule: Object, asked: Attributes) -> bool:
    if not _matches(asked.verb, rule["verbs"]):
        return False
    if asked.path:
        return any(_path_matches(asked.path, pattern) for pattern in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames") or ()
    return (
        _matches(asked.group, rule.get("apiGroups") or ())
        and _resource_matches(asked.resource, rule.get("resources") or ())
        and (not names or asked.name in names)
    )


def _matches(value: str, allowed: Sequence[str]) -> bool:
    return "*" in allowed or value in allowed


def _resource_matches(resource: str, allowed: Sequence[str]) -> bool:
    if _matches(resource, allowed):
        return True
    plain, _, subresource = resource.partition("/")
    return bool(subresource) and f"*/{subresource}" in allowed and bool(plain)


def _path_matches(path: str, pattern: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def _binds(binding: Object, user: User, namespace: str) -> bool:
    return any(_is_subject(subject, user, namespace) for subject in binding.get("subjects") or ())


def _is_subject(subject: Object, user: User, namespace: str) -> bool:
    match subject["kind"]:
        case "User":
            return bool(subject["name"] == user.name)
        case "Group":
            return subject["name"] in user.groups
        case "ServiceAccount":
            home = subject.get("namespace") or namespace
            return user.name == f"system:serviceaccount:{home}:{subject['name']}"
    return False


def _parts(rule: Object) -> Iterator[Object]:
    """The rule as many of one verb, one group, one resource and at most one name each."""
    for verb, path in product(rule["verbs"], rule.get("nonResourceURLs") or ()):
        yield {"verbs": [verb], "nonResourceURLs": [path]}
    resources = product(rule["verbs"], rule.get("apiGroups") or (), rule.get("resources") or ())
    for verb, group, resource in resources:
        part = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
        names = rule.get("resourceNames") or ()
        yield from ({**part, "resourceNames": [name]} for name in names)
        if not names:
            yield part


def _contains(own: Object, part: Object) -> bool:
    if not _matches(part["verbs"][0], own["verbs"]):
        return False
    if "nonResourceURLs" in part:
        path = part["nonResourceURLs"][0]
        return any(_path_matches(path, pattern) for pattern in own.get("nonResourceURLs") or ())
    names = own.get("resourceNames") or ()
    return (
        _matches(part["apiGroups"][0], own.get("apiGroups") or ())
        and _resource_matches(part["resources"][0], own.get("resources") or ())
        and (not names or set(part.get("resourceNames") or ("",)) <= set(names))
    )
