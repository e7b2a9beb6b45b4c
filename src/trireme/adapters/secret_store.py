"""One Secret of the pod's own namespace, read and filled in with the pod's own ServiceAccount.

Standard library only and synchronous: its caller is an init container that does nothing else.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from trireme.adapters.in_cluster import SERVICE_ACCOUNT, Answer, request
from trireme.base.errors import PermanentError, TemporaryError


class SecretStore:
    """The Secret ``name`` in ``namespace``. Its methods raise TemporaryError or PermanentError only."""

    def __init__(self, namespace: str, name: str, account: Path = SERVICE_ACCOUNT) -> None:
        self._account = account
        self._path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        self._name = name

    def read(self) -> Mapping[str, bytes]:
        """Return the Secret's content; empty where there is no such Secret."""
        status, answer = self._request("GET", self._path)
        if status == HTTPStatus.NOT_FOUND:
            return {}
        self._expect_success(status, answer, "read")
        return {key: base64.b64decode(value) for key, value in (answer.get("data") or {}).items()}

    def add(self, content: Mapping[str, bytes]) -> bool:
        """Add keys, creating the Secret if need be. False if somebody else added one of them meanwhile.

        Server-side apply rather than a POST: RBAC can limit it to this one name. A field manager of its own
        for every call makes the API server refuse (409) to overwrite what any other call, even ours, wrote.
        """
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self._name},
            "data": {key: base64.b64encode(value).decode() for key, value in content.items()},
        }
        path = f"{self._path}?fieldManager=trireme-{secrets.token_hex(8)}&force=false"
        status, answer = self._request("PATCH", path, json.dumps(body))
        if status == HTTPStatus.CONFLICT:
            return False
        self._expect_success(status, answer, "create or fill")
        return True

    def _expect_success(self, status: int, answer: Answer, verb: str) -> None:
        if status < HTTPStatus.BAD_REQUEST:
            return
        said = f"the API server answered {status}: {answer.get('message', 'no message')}"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise PermanentError(
                f"may not {verb} Secret {self._name}: {said}. "
                f"Apply the Role and RoleBinding of deploy/plain, or create the Secret yourself"
            )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise TemporaryError(f"could not {verb} Secret {self._name}: {said}")
        raise PermanentError(f"could not {verb} Secret {self._name}: {said}")

    def _request(self, method: str, path: str, body: str | None = None) -> tuple[int, Answer]:
        return request(method, path, body, kind="application/apply-patch+yaml", account=self._account)
