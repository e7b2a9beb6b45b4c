"""A pod gets the number of its priority class, which must be there."""

from trireme.sandbox.apiserver.call import Cluster
from trireme.sandbox.apiserver.errors import forbidden
from trireme.sandbox.apiserver.kinds import Kind
from trireme.sandbox.store.interface import Key, NotFoundError, Object

GROUP, RESOURCE = "scheduling.k8s.io", "priorityclasses"


def system_classes() -> list[Object]:
    """Those that every Kubernetes has."""
    values = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
    return [
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": value,
            "preemptionPolicy": "PreemptLowerPriority",
        }
        for name, value in values.items()
    ]


def admit_priority(cluster: Cluster, kind: Kind, pod: Object) -> None:
    """In place. Raises ApiError where the class is not there."""
    name = pod["spec"].get("priorityClassName") or _default(cluster)
    if not name:
        return
    try:
        found = cluster.store.get(Key(GROUP, RESOURCE, "", name))
    except NotFoundError:
        who = pod["metadata"].get("name") or pod["metadata"].get("generateName", "")
        message = f"no PriorityClass with name {name} was found"
        raise forbidden(kind.group, kind.plural, who, message) from None
    pod["spec"] |= {
        "priorityClassName": name,
        "priority": found["value"],
        "preemptionPolicy": found["preemptionPolicy"],
    }


def _default(cluster: Cluster) -> str:
    classes = cluster.store.list(GROUP, RESOURCE)
    return next((str(each["metadata"]["name"]) for each in classes if each.get("globalDefault")), "")
