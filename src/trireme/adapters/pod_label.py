"""Sets pods' role labels in order and ends: ``python -m trireme.adapters.pod_label NAMESPACE``.

What to do, ``POD=ROLE POD=ROLE …``, comes on its standard input, perhaps long after its start.
"""

import json
import sys

from trireme.adapters import in_cluster
from trireme.api.names import ROLE_LABEL
from trireme.base.errors import PermanentError, TemporaryError, TriremeError


def label(namespace: str, pod: str, role: str) -> None:
    """Raises as :func:`in_cluster.request`, and PermanentError where RBAC forbids it. A pod that is gone is fine."""
    body = json.dumps({"metadata": {"labels": {ROLE_LABEL: role}}})
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
    status, answer = in_cluster.request("PATCH", path, body, kind="application/merge-patch+json")
    said = f"labelling pod {pod}: the API server answers {status}: {answer.get('message', 'no message')}"
    if status in (401, 403):
        raise PermanentError(f"{said}; the ServiceAccount needs patch on pods (see the Role in deploy/plain)")
    if status not in (200, 404):
        raise TemporaryError(said)


if __name__ == "__main__":
    try:
        for change in sys.stdin.read().split():
            pod, _, role = change.partition("=")
            label(sys.argv[1], pod, role)
    except TriremeError as error:
        sys.exit(str(error))
