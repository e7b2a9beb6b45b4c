"""Asks for pods' addresses and ends: ``python -m trireme.adapters.pod_addresses NAMESPACE POD …``.

Writes one JSON object, ``{POD: ADDRESS}``. A pod that is gone, or has no address yet, is left out.
"""

import json
import sys
from collections.abc import Callable, Sequence

from trireme.adapters import in_cluster
from trireme.base.errors import PermanentError, TemporaryError, TriremeError

Get = Callable[[str], tuple[int, in_cluster.Answer]]
"""Of a path: the HTTP status and the answer."""


def addresses(namespace: str, pods: Sequence[str], get: Get) -> dict[str, str]:
    """Raises as ``get``, PermanentError where RBAC forbids it, TemporaryError where the API server fails."""
    found = {}
    for pod in pods:
        status, answer = get(f"/api/v1/namespaces/{namespace}/pods/{pod}")
        said = (
            f"looking for pod {pod}: the API server answers {status}: {answer.get('message', 'no message')}"
        )
        if status == 401:
            raise PermanentError(f"{said}; {in_cluster.VOID}")
        if status == 403:
            raise PermanentError(
                f"{said}; the ServiceAccount needs get on pods (see the Role in deploy/plain)"
            )
        if status not in (200, 404):
            raise TemporaryError(said)
        address = (answer.get("status") or {}).get("podIP") if status == 200 else None
        if address:
            found[pod] = address
    return found


def _get(path: str) -> tuple[int, in_cluster.Answer]:
    return in_cluster.request("GET", path, kind="application/json")


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(addresses(sys.argv[1], sys.argv[2:], _get)))
    except TriremeError as error:
        sys.exit(str(error))
