"""What a request's URL and method mean: the resource, the name, the verb that RBAC knows."""

from collections.abc import Mapping
from dataclasses import dataclass

from trireme.sandbox.apiserver.errors import method_not_allowed

NAMESPACE_SUBRESOURCES = frozenset({"status"})
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "GET": "get", "HEAD": "get"}


@dataclass(frozen=True, slots=True)
class Target:
    """``resource`` is '' for a path that names none (discovery, /version, /healthz); '' also means absent."""

    verb: str
    path: str
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    """What follows a subresource: the path behind /proxy/."""

    @property
    def qualified_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def read_target(method: str, path: str, query: Mapping[str, str]) -> Target:
    """Raises ApiError (405) on a method that Kubernetes does not have."""
    if method not in VERBS:
        raise method_not_allowed()
    parts = [part for part in path.split("/") if part]
    match parts:
        case ["api", version, *rest] if rest:
            group = ""
        case ["apis", group, version, *rest] if rest:
            pass
        case _:
            return Target(method.lower(), path)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and not (len(rest) == 3 and rest[2] in NAMESPACE_SUBRESOURCES):
            rest = rest[2:]
    resource, name, subresource, *tail = [*rest, "", "", ""][: max(3, len(rest))]
    # The path behind /proxy/ keeps its trailing slash: it is the pod's, not ours.
    behind = "/".join(tail) + ("/" if tail and path.endswith("/") else "")
    verb = _verb(method, name, query)
    return Target(verb, path, group, version, namespace, resource, name, subresource, behind)


def is_true(text: str | None) -> bool:
    return text in ("", "1", "true", "True", "t", "T")


def _verb(method: str, name: str, query: Mapping[str, str]) -> str:
    if VERBS[method] == "get":
        if "watch" in query and is_true(query["watch"]):
            return "watch"
        return "get" if name else "list"
    if method == "DELETE" and not name:
        return "deletecollection"
    return VERBS[method]
