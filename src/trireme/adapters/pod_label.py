"""Sets pods' role labels in order and ends: ``python -m trireme.adapters.pod_label NAMESPACE``.

What to do, ``POD=ROLE POD=ROLE …``, comes on its standard input, perhaps long after its start. Writes one JSON object a
line, ``{POD: READY}``: whether Kubernetes leads clients to the pod. The answer to a patch is the whole pod, so that this
takes no further right.
"""

import json
import sys

from trireme.adapters import in_cluster
from trireme.api.names import ROLE_LABEL
from trireme.base.errors import PermanentError, TemporaryError, TriremeError


def label(namespace: str, pod: str, role: str) -> bool | None:
    """Whether Kubernetes finds the pod ready; None for a pod that is gone, which is fine.

    Raises as :func:`in_cluster.request`, and PermanentError where RBAC forbids it.
    """
    body = json.dumps({"metadata": {"labels": {ROLE_LABEL: role}}})
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
    status, answer = in_cluster.request("PATCH", path, body, kind="application/merge-patch+json")
    said = f"labelling pod {pod}: the API server answers {status}: {answer.get('message', 'no message')}"
    if status in (401, 403):
        raise PermanentError(f"{said}; the ServiceAccount needs patch on pods (see the Role in deploy/plain)")
    if status not in (200, 404):
        raise TemporaryError(said)
    return is_ready(answer) if status == 200 else None


def is_ready(pod: in_cluster.Answer) -> bool:
    """By its condition, which the node's controller turns to False where the kubelet is silent."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


if __name__ == "__main__":
    try:
        for change in sys.stdin.read().split():
            pod, _, role = change.partition("=")
            ready = label(sys.argv[1], pod, role)
            if ready is not None:
                sys.stdout.write(json.dumps({pod: ready}) + "\n")
    except TriremeError as error:
        sys.exit(str(error))
