"""What there is: versions, groups, resources; in the old form of many documents and the new one of two."""

from collections.abc import Iterator

from aiohttp import web

from trireme.sandbox.apiserver.answer import json_response
from trireme.sandbox.apiserver.call import GIT_VERSION, Call
from trireme.sandbox.apiserver.errors import no_such_path
from trireme.sandbox.apiserver.kinds import Kind, Registry
from trireme.sandbox.store.interface import Object

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
SUBRESOURCE_KINDS: dict[str, tuple[str, str, str]] = {
    "scale": ("autoscaling", "v1", "Scale"),
    "eviction": ("policy", "v1", "Eviction"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
    "exec": ("", "v1", "PodExecOptions"),
    "attach": ("", "v1", "PodAttachOptions"),
    "portforward": ("", "v1", "PodPortForwardOptions"),
}
"""Group, version and kind of a subresource's body where it is not its parent's."""

SUBRESOURCE_VERBS: dict[str, tuple[str, ...]] = {
    "status": ("get", "patch", "update"),
    "scale": ("get", "patch", "update"),
    "log": ("get",),
    "exec": ("create", "get"),
    "attach": ("create", "get"),
    "portforward": ("create", "get"),
    "proxy": ("create", "delete", "get", "patch", "update"),
}


def version(call: Call) -> web.Response:
    major, minor = GIT_VERSION.removeprefix("v").split(".")[:2]
    return json_response(
        {"major": major, "minor": minor, "gitVersion": GIT_VERSION, "platform": "linux/amd64"}
    )


def discover(call: Call) -> web.Response:
    """Raises ApiError (404)."""
    registry = call.cluster.registry
    match [part for part in call.target.path.split("/") if part]:
        case ["api" | "apis" as root] if _wants_aggregated(call):
            return _aggregated(registry, root)
        case ["api"]:
            addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": call.request.host}]
            body = {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}
            return json_response(body)
        case ["apis"]:
            groups = [_group(name, versions) for name, versions in _groups(registry)]
            return json_response({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        case ["apis", group]:
            for name, versions in _groups(registry):
                if name == group:
                    return json_response({"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)})
            raise no_such_path()
        case ["api", version_name]:
            return _resource_list(registry, "", version_name)
        case ["apis", group, version_name]:
            return _resource_list(registry, group, version_name)
    raise no_such_path()


def _wants_aggregated(call: Call) -> bool:
    first = call.request.headers.get("Accept", "").split(",")[0].replace(" ", "")
    return "as=APIGroupDiscoveryList" in first and "v=v2" in first.split(";")


def _groups(registry: Registry) -> Iterator[tuple[str, list[str]]]:
    pairs = registry.group_versions()
    for group in dict.fromkeys(group for group, _ in pairs if group):
        yield group, [version_name for name, version_name in pairs if name == group]


def _group(name: str, versions: list[str]) -> Object:
    rows = [{"groupVersion": f"{name}/{each}", "version": each} for each in versions]
    return {"name": name, "versions": rows, "preferredVersion": rows[0]}


def _resource_list(registry: Registry, group: str, version_name: str) -> web.Response:
    kinds = [kind for kind in registry if (kind.group, kind.version) == (group, version_name)]
    if not kinds:
        raise no_such_path()
    rows = [row for kind in kinds for row in _resource_rows(kind)]
    body = {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": kinds[0].api_version,
        "resources": rows,
    }
    return json_response(body)


def _resource_rows(kind: Kind) -> Iterator[Object]:
    row: Object = {
        "name": kind.plural,
        "singularName": kind.singular or kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short:
        row["shortNames"] = list(kind.short)
    if categories := _categories(kind):
        row["categories"] = categories
    yield row
    for subresource in kind.subresources:
        verbs = list(SUBRESOURCE_VERBS.get(subresource, ("create",)))
        row = {"name": f"{kind.plural}/{subresource}", "singularName": "", "namespaced": kind.namespaced}
        if subresource in SUBRESOURCE_KINDS:
            group, version_name, name = SUBRESOURCE_KINDS[subresource]
            yield {**row, "group": group, "version": version_name, "kind": name, "verbs": verbs}
        else:
            yield {**row, "kind": kind.kind, "verbs": verbs}


def _categories(kind: Kind) -> list[str]:
    return [*(["all"] if kind.in_all else []), *kind.categories]


def _aggregated(registry: Registry, root: str) -> web.Response:
    wanted = [pair for pair in registry.group_versions() if bool(pair[0]) == (root == "apis")]
    items = []
    for group in dict.fromkeys(group for group, _ in wanted):
        versions = [
            {"version": each, "freshness": "Current", "resources": _aggregated_rows(registry, group, each)}
            for name, each in wanted
            if name == group
        ]
        items.append({"metadata": {"name": group, "creationTimestamp": None}, "versions": versions})
    body = {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }
    response = json_response(body)
    response.headers["Content-Type"] = AGGREGATED
    response.headers["Vary"] = "Accept"
    return response


def _aggregated_rows(registry: Registry, group: str, version_name: str) -> list[Object]:
    kinds = [kind for kind in registry if (kind.group, kind.version) == (group, version_name)]
    return [_aggregated_row(kind) for kind in kinds]


def _aggregated_row(kind: Kind) -> Object:
    row: Object = {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular or kind.kind.lower(),
        "verbs": list(kind.verbs),
    }
    if kind.short:
        row["shortNames"] = list(kind.short)
    if categories := _categories(kind):
        row["categories"] = categories
    subresources = []
    for each in kind.subresources:
        group, version_name, name = SUBRESOURCE_KINDS.get(each, (kind.group, kind.version, kind.kind))
        verbs = list(SUBRESOURCE_VERBS.get(each, ("create",)))
        response_kind = {"group": group, "version": version_name, "kind": name}
        subresources.append({"subresource": each, "responseKind": response_kind, "verbs": verbs})
    return row | ({"subresources": subresources} if subresources else {})
