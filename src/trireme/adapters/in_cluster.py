"""The Kubernetes API as a pod reaches it: its own ServiceAccount, its own namespace.

Standard library only and synchronous: its callers are short-lived processes (the init container, the labelling).
"""

import http.client
import json
import os
import ssl
from pathlib import Path
from typing import Any, TypeAlias

from trireme.base.errors import PermanentError, TemporaryError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT_SECONDS = 10.0

VOID = (
    "this pod's token is void: was its ServiceAccount deleted and made anew? The kubelet brings a new token within the "
    "hour, a restart of the pod at once"
)
"""What 401 means here."""

Answer: TypeAlias = dict[str, Any]
"""A Kubernetes object or Status, as JSON."""


def request(
    method: str, path: str, body: str | None = None, *, kind: str, account: Path = SERVICE_ACCOUNT
) -> tuple[int, Answer]:
    """Send one request; ``kind`` is the body's content type. The HTTP status and the answer, whatever they are.

    Raises TemporaryError if there is no answer, PermanentError if this is no pod.
    """
    try:
        context = ssl.create_default_context(cafile=str(account / "ca.crt"))
        # As in credentials.py: Python 3.13 refuses authorities without key identifiers, which many clusters have.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        headers = {
            "Authorization": f"Bearer {(account / 'token').read_text().strip()}",
            "Content-Type": kind,
            "Accept": "application/json",
        }
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])
    except (OSError, KeyError, ValueError) as error:
        raise PermanentError(
            f"no way to the Kubernetes API from here: {error!r}. This runs in a pod, "
            f"with a ServiceAccount token in {account}"
        ) from error
    connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"{}")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise TemporaryError(f"no answer from the API server at {host}:{port}: {error!r}") from error
    finally:
        connection.close()
