"""Reads of the sandbox's API for the command line: a few GETs with the administrator's kubeconfig."""

import base64
import json
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from trireme.base.errors import PermanentError, TemporaryError
from trireme.sandbox.store.interface import Object

CALL_SECONDS = 5.0


class Client:
    """Raises TemporaryError from ``get`` and ``list`` when the sandbox does not answer."""

    def __init__(self, kubeconfig: Path) -> None:
        """Raises PermanentError when the file is missing or not what the sandbox writes."""
        try:
            content = yaml.safe_load(kubeconfig.read_text())
            cluster = content["clusters"][0]["cluster"]
            user = content["users"][0]["user"]
            self._server = str(cluster["server"])
            self._context = tls(cluster, user, kubeconfig.parent)
        except (OSError, KeyError, IndexError, TypeError, yaml.YAMLError) as error:
            raise PermanentError(f"{kubeconfig}: not a kubeconfig of a sandbox: {error!r}") from error
        self._token = user.get("token")

    @property
    def server(self) -> str:
        """The API's URL."""
        return self._server

    def get(self, path: str) -> Object | None:
        """The JSON at this path; None if the API says that it does not exist."""
        request = urllib.request.Request(f"{self._server}{path}")  # noqa: S310 - https, by the kubeconfig
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=CALL_SECONDS, context=self._context) as answer:  # noqa: S310
                found: Object = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise TemporaryError(f"GET {path}: the sandbox answers {error.code} {error.reason}") from error
        except (OSError, ValueError) as error:
            raise TemporaryError(f"GET {path}: the sandbox does not answer: {error}") from error

    def list(self, path: str) -> list[Object]:
        """The items of a collection."""
        found = self.get(path)
        items: list[Object] = (found or {}).get("items") or []
        return items


def tls(cluster: Mapping[str, Any], user: Mapping[str, Any], folder: Path) -> ssl.SSLContext:
    """As a kubeconfig's cluster and user say; ``folder``: where the files are that they name.

    Raises OSError and KeyError for what is not there.
    """
    if "certificate-authority-data" in cluster:
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
    else:
        context = ssl.create_default_context(cafile=str(folder / cluster["certificate-authority"]))
    if "client-certificate-data" in user:
        # The ssl module reads client certificates from files only.
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(base64.b64decode(user["client-certificate-data"]))
            file.write(base64.b64decode(user["client-key-data"]))
            file.flush()
            context.load_cert_chain(file.name)
    return context
