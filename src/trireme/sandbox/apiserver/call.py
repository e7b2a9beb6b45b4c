"""What a handler works with: the server's parts, and one request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import yaml
from aiohttp import web

from trireme.sandbox.apiserver.auth.rbac import Authorizer
from trireme.sandbox.apiserver.auth.tokens import Tokens, User
from trireme.sandbox.apiserver.errors import bad_request, no_such_path, not_found
from trireme.sandbox.apiserver.faults import Faults
from trireme.sandbox.apiserver.kinds import Kind, Registry
from trireme.sandbox.apiserver.node import NodeAccess
from trireme.sandbox.apiserver.protobuf import MEDIA_TYPE, decode_protobuf
from trireme.sandbox.apiserver.target import Target
from trireme.sandbox.store.interface import Key, NotFoundError, Object
from trireme.sandbox.store.memory import MemoryStore

GIT_VERSION = "v1.36.0+trireme-sandbox"
"""The Kubernetes whose API this follows."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The parts of the server that every handler may use."""

    store: MemoryStore
    registry: Registry
    authorizer: Authorizer
    tokens: Tokens
    node: NodeAccess
    allocate_cluster_ip: Callable[[Object], str]
    faults: Faults

    def find(self, kind: Kind, namespace: str, name: str) -> Object:
        """With kind and version, also where whoever wrote it left them out. Raises ApiError (404)."""
        try:
            found = kind.present(self.store.get(key_of(kind, namespace, name)))
            return {"apiVersion": kind.api_version, "kind": kind.kind, **found}
        except NotFoundError:
            raise not_found(kind.group, kind.plural, name) from None

    def now(self) -> str:
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class Call:
    """One request, after it was authenticated and authorized."""

    cluster: Cluster
    request: web.Request
    user: User
    target: Target
    warnings: list[str] = field(default_factory=list)
    _kind: Kind | None = None

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query

    @property
    def kind(self) -> Kind:
        """As it was at the first look: a definition may end with the object that this call removes.

        Raises ApiError (404) when the sandbox has no such resource.
        """
        target = self.target
        if self._kind is None:
            self._kind = self.cluster.registry.find(target.group, target.version, target.resource)
        if self._kind is None:
            raise no_such_path()
        return self._kind

    @property
    def key(self) -> Key:
        return key_of(self.kind, self.target.namespace, self.target.name)

    def existing(self) -> Object:
        """Raises ApiError (404)."""
        return self.cluster.find(self.kind, self.target.namespace, self.target.name)

    async def body(self) -> Any:
        """The decoded body, JSON, YAML or protobuf; None when empty. Raises ApiError (400, 415)."""
        raw = await self.request.read()
        if not raw.strip():
            return None
        if self.request.content_type == MEDIA_TYPE:
            return decode_protobuf(raw, self.cluster.registry)
        return parse_body(raw, is_yaml="yaml" in self.request.content_type)


def key_of(kind: Kind, namespace: str, name: str) -> Key:
    return Key(kind.group, kind.plural, namespace if kind.namespaced else "", name)


def parse_body(raw: bytes, *, is_yaml: bool) -> Any:
    if is_yaml and not raw.lstrip().startswith(b"{"):
        try:
            return yaml.load(raw, JsonLikeLoader)  # noqa: S506 - derived from the safe loader
        except yaml.YAMLError as error:
            raise bad_request(f"error decoding YAML: {error}") from error
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error


class JsonLikeLoader(yaml.SafeLoader):
    """YAML that can only mean JSON: dates stay strings."""


JsonLikeLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:timestamp"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
