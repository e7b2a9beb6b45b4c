"""Bearer tokens: one static for the administrator, signed ones (JWT, HS256) for ServiceAccounts."""

import base64
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trireme.sandbox.apiserver.auth.certificates import write_private
from trireme.sandbox.store.interface import Key, NotFoundError, Store

ISSUER = "https://kubernetes.default.svc.cluster.local"
HEADER = {"alg": "HS256", "typ": "JWT"}
YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class User:
    """Who asks, as RBAC knows them."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


ADMINISTRATOR = User("kubernetes-admin", ("system:masters", "system:authenticated"))
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


@dataclass(frozen=True, slots=True)
class Bound:
    """What a token lives and dies with, besides its ServiceAccount."""

    pod_name: str = ""
    pod_uid: str = ""


class Tokens:
    """Signs and checks. The keys are files in ``directory``, so that tokens survive a restart of the sandbox."""

    def __init__(self, directory: Path, store: Store, now: Callable[[], float]) -> None:
        self._key = _provide(directory / "token.key").encode()
        self._admin = _provide(directory / "admin.token")
        self._store = store
        self._now = now

    @property
    def administrator(self) -> str:
        return self._admin

    def mint(
        self,
        namespace: str,
        account: str,
        *,
        seconds: int = YEAR,
        audience: str = "",
        bound: Bound | None = None,
    ) -> str:
        """Raises NotFoundError when there is no such ServiceAccount."""
        uid = self._store.get(Key("", "serviceaccounts", namespace, account))["metadata"]["uid"]
        now = int(self._now())
        about: dict[str, Any] = {"namespace": namespace, "serviceaccount": {"name": account, "uid": uid}}
        if bound is not None and bound.pod_name:
            about["pod"] = {"name": bound.pod_name, "uid": bound.pod_uid}
        claims = {
            "aud": [audience or ISSUER],
            "exp": now + seconds,
            "iat": now,
            "nbf": now,
            "iss": ISSUER,
            "kubernetes.io": about,
            "sub": f"system:serviceaccount:{namespace}:{account}",
        }
        signed = f"{_encode(HEADER)}.{_encode(claims)}"
        return f"{signed}.{self._signature(signed)}"

    def user_of(self, token: str, *, audience: str = "") -> User | None:
        """None when the token is not ours, has expired, is for others, or its account or pod is gone."""
        if hmac.compare_digest(token.encode(), self._admin.encode()):
            return ADMINISTRATOR
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._signature(signed).encode(), signature.encode()):
            return None
        claims = json.loads(_decode(signed.partition(".")[2]))
        if claims["exp"] <= self._now() or (audience or ISSUER) not in claims["aud"]:
            return None
        return self._living_account(claims["kubernetes.io"])

    def _living_account(self, about: dict[str, Any]) -> User | None:
        namespace, account, pod = about["namespace"], about["serviceaccount"], about.get("pod")
        if not self._lives("serviceaccounts", namespace, account):
            return None
        if pod is not None and not self._lives("pods", namespace, pod):
            return None
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
        extra: tuple[tuple[str, tuple[str, ...]], ...] = ()
        if pod is not None:
            prefix = "authentication.kubernetes.io/pod-"
            extra = ((f"{prefix}name", (pod["name"],)), (f"{prefix}uid", (pod["uid"],)))
        return User(f"system:serviceaccount:{namespace}:{account['name']}", groups, account["uid"], extra)

    def _lives(self, resource: str, namespace: str, wanted: dict[str, str]) -> bool:
        try:
            found = self._store.get(Key("", resource, namespace, wanted["name"]))
        except NotFoundError:
            return False
        return bool(found["metadata"]["uid"] == wanted["uid"])

    def _signature(self, signed: str) -> str:
        return _base64url(hmac.digest(self._key, signed.encode(), "sha256"))


def _provide(path: Path) -> str:
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode())
    return path.read_text()


def _encode(value: object) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
