"""Reads of the Kubernetes API over one connection that stays open, for what tests ask again and again while they wait.

A kubectl takes 50 to 100 ms of a core for each question; ten of them a second starve the servers that are waited for.
"""

import http.client
import json
import subprocess
import threading
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import yaml

from trireme.sandbox.client import tls

ANSWER_SECONDS = 10.0

_NAMESPACED = {
    "pod": "/api/v1/namespaces/{}/pods",
    "service": "/api/v1/namespaces/{}/services",
    "statefulset": "/apis/apps/v1/namespaces/{}/statefulsets",
    "endpointslice": "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    "galeracluster": "/apis/trireme.dev/v1alpha1/namespaces/{}/galeraclusters",
}


def path_of(namespace: str, what: tuple[str, ...]) -> str | None:
    """Where the API has what ``kubectl get WHAT`` shows; None for what only kubectl is asked."""
    match what:
        case (kind, "-l", selector) if kind.removesuffix("s") in _NAMESPACED:
            collection = _NAMESPACED[kind.removesuffix("s")].format(namespace)
            return f"{collection}?labelSelector={quote(selector)}"
        case (kind,) if kind.endswith("s") and kind[:-1] in _NAMESPACED:
            return _NAMESPACED[kind[:-1]].format(namespace)
        case (kind, name) if kind in _NAMESPACED and not name.startswith("-"):
            return f"{_NAMESPACED[kind].format(namespace)}/{name}"
        case _:
            return None


class Reader:
    """GETs with the credentials of one kubeconfig, which has its certificates in it. For several threads."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self._connection: http.client.HTTPSConnection | None = None
        self._headers: dict[str, str] = {}
        self._lock = threading.Lock()

    def get(self, path: str) -> Any:
        """Raises CalledProcessError, as kubectl's, with what the API said; OSError where it does not answer."""
        with self._lock:
            try:
                status, body = self._ask(path)
            except (
                OSError,
                http.client.HTTPException,
            ):  # it was closed while it was idle, or is another server now
                self._connection = None
                status, body = self._again(path)
        if status != 200:
            raise subprocess.CalledProcessError(1, ["GET", path], "", body.decode(errors="replace"))
        return json.loads(body)

    def _again(self, path: str) -> tuple[int, bytes]:
        try:
            return self._ask(path)
        except (OSError, http.client.HTTPException) as error:
            self._connection = None
            raise OSError(f"GET {path}: {error!r}") from error

    def _ask(self, path: str) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection, self._headers = _open(self._kubeconfig)
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()


@cache
def reader(kubeconfig: Path) -> Reader | None:
    """None where this kubeconfig's user needs more than what is in the file: then kubectl is asked."""
    content = yaml.safe_load(kubeconfig.read_text())
    user = content["users"][0]["user"]
    known = "client-certificate-data" in user or "token" in user
    plain = len(content["users"]) == len(content["clusters"]) == 1
    return Reader(kubeconfig) if known and plain else None


def _open(kubeconfig: Path) -> tuple[http.client.HTTPSConnection, dict[str, str]]:
    content = yaml.safe_load(kubeconfig.read_text())
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    server = urlsplit(cluster["server"])
    connection = http.client.HTTPSConnection(
        str(server.hostname),
        server.port,
        timeout=ANSWER_SECONDS,
        context=tls(cluster, user, kubeconfig.parent),
    )
    return connection, {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
