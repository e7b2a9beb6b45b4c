"""Sets pods' role labels in order and ends: ``python -m trireme.adapters.pod_label NAMESPACE``.

What to do, ``POD=ROLE POD=ROLE …``, comes on its standard input, perhaps long after its start. Writes one JSON object a
line, ``{POD: READY}``: whether Kubernetes leads clients to the pod, null for one that is gone. The answer to a patch is
the whole pod, so that this takes no further right.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence

from trireme.adapters import in_cluster
from trireme.api.names import PRIMARY, ROLE_LABEL
from trireme.base.errors import PermanentError, TemporaryError, TriremeError


def label(namespace: str, pod: str, role: str) -> bool | None:
    """Whether Kubernetes finds the pod ready; None for a pod that is gone, which is fine.

    Raises as :func:`in_cluster.request`, and PermanentError where RBAC forbids it.
    """
    body = json.dumps({"metadata": {"labels": {ROLE_LABEL: role}}})
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
    status, answer = in_cluster.request("PATCH", path, body, kind="application/merge-patch+json")
    said = f"labelling pod {pod}: the API server answers {status}: {answer.get('message', 'no message')}"
    if status == 401:
        raise PermanentError(f"{said}; {in_cluster.VOID}")
    if status == 403:
        raise PermanentError(f"{said}; the ServiceAccount needs patch on pods (see the Role in deploy/plain)")
    if status not in (200, 404):
        raise TemporaryError(said)
    return is_ready(answer) if status == 200 else None


def is_ready(pod: in_cluster.Answer) -> bool:
    """By its condition, which the node's controller turns to False where the kubelet is silent."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def in_order(
    changes: Sequence[tuple[str, str]], set_role: Callable[[str, str], bool | None]
) -> Iterator[tuple[str, bool | None]]:
    """Each pod that was labelled, and what :func:`label` said of it.

    What follows a new writer that Kubernetes does not find ready yet is left: its predecessor keeps its label, and
    its clients, until there is another to lead them to.
    """
    for pod, role in changes:
        ready = set_role(pod, role)
        yield pod, ready
        if role == PRIMARY and ready is False:
            return


def _main(namespace: str, orders: str) -> None:
    changes = [(pod, role) for pod, _, role in (order.partition("=") for order in orders.split())]
    for pod, ready in in_order(changes, lambda pod, role: label(namespace, pod, role)):
        sys.stdout.write(json.dumps({pod: ready}) + "\n")


if __name__ == "__main__":
    try:
        _main(sys.argv[1], sys.stdin.read())
    except TriremeError as error:
        sys.exit(str(error))
