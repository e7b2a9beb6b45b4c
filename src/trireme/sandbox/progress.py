"""What there is to see while a cluster forms: members, Services, warnings. Gathered over the API, shown as text."""

import json
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trireme.sandbox.client import Client
from trireme.sandbox.controllers.objects import (
    controller_of,
    name_of,
    namespace_of,
    ready,
    spec_of,
    status_of,
)
from trireme.sandbox.store.interface import Object

AGENT_PORT = 8080
AGENT_CONTAINER = "mariadb"
AGENT_SECONDS = 1.0
MADE_OF_SETS = ("statefulset.apps/", "galeracluster.trireme.dev/")
"""What `kubectl apply` says of them, up to the name."""
GALERA_CLUSTERS = "/apis/trireme.dev/v1alpha1/galeraclusters"


@dataclass(frozen=True, slots=True)
class Member:
    """One pod as a person wants to see it."""

    pod: str
    ready: bool
    phase: str
    """The agent's phase once it answers; before that, what Kubernetes says of the pod."""
    role: str
    why: str

    def line(self) -> str:
        words = [f"{self.pod}: {self.phase}"]
        if self.role:
            words.append(f"({self.role})")
        return " ".join(words) + (f": {self.why}" if self.why else "")


@dataclass(frozen=True, slots=True)
class SetRef:
    """A StatefulSet to wait for."""

    namespace: str
    name: str

    @property
    def path(self) -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}/statefulsets/{self.name}"


@dataclass(frozen=True, slots=True)
class Progress:
    """A StatefulSet at one moment."""

    wanted: int
    ready: int
    settled: bool
    """All of this generation are ready, as ``kubectl rollout status`` judges it."""
    members: tuple[Member, ...]


def observe(client: Client, ref: SetRef) -> Progress:
    """Raises TemporaryError when the sandbox does not answer."""
    workload = client.get(ref.path)
    if workload is None:
        return Progress(0, 0, False, ())
    pods = client.list(f"/api/v1/namespaces/{ref.namespace}/pods")
    owned = [pod for pod in pods if (controller_of(pod) or {}).get("name") == ref.name]
    members = tuple(_member(pod) for pod in sorted(owned, key=_ordinal))
    wanted, status = int(spec_of(workload).get("replicas", 1)), status_of(workload)
    ready_count = int(status.get("readyReplicas") or 0)
    settled = (
        status.get("observedGeneration") == workload["metadata"].get("generation")
        and ready_count == wanted == int(status.get("replicas") or 0)
        and int(status.get("updatedReplicas") or 0) == wanted
    )
    return Progress(wanted, ready_count, settled, members)


def _ordinal(pod: Object) -> int:
    number = name_of(pod).rpartition("-")[2]
    return int(number) if number.isdigit() else -1


def _member(pod: Object) -> Member:
    phase, why = pod_state(pod)
    role = ""
    if phase == "Running" and any(each["name"] == AGENT_CONTAINER for each in spec_of(pod)["containers"]):
        said = _agent_status(pod)
        phase, why = str(said.get("phase", phase)), str(said.get("why", why))
        role = str(said.get("role") or "") if ready(pod) else ""
    return Member(name_of(pod), ready(pod), phase, role, why)


def _agent_status(pod: Object) -> Object:
    """Asked directly: a pod's address is one of this machine's. Empty until the agent answers."""
    url = f"http://{status_of(pod).get('podIP')}:{AGENT_PORT}/status"
    try:
        with urllib.request.urlopen(url, timeout=AGENT_SECONDS) as answer:
            said: Object = json.load(answer)
            return said
    except (OSError, ValueError):
        return {}


def pod_state(pod: Object) -> tuple[str, str]:
    """Phase and reason in the words of `kubectl get pods`: what waits or ended goes before the phase."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating", ""
    status = status_of(pod)
    initial = status.get("initContainerStatuses") or []
    for each in (*initial, *(status.get("containerStatuses") or ())):
        state = each.get("state") or {}
        waiting, ended = state.get("waiting"), state.get("terminated")
        if waiting and waiting.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            return str(waiting["reason"]), str(waiting.get("message") or "")
        if ended and ended.get("exitCode"):
            return str(ended.get("reason") or "Error"), str(ended.get("message") or "").strip()
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return "Pending", str(condition.get("message") or "")
    if any((each.get("state") or {}).get("running") for each in initial) or (
        initial and status.get("phase") == "Pending"
    ):
        return "Initializing", ""
    return str(status.get("phase", "Pending")), ""


def warnings(client: Client, namespace: str, seen: set[str]) -> list[str]:
    """The Warning events that are not in ``seen`` yet, which are added to it."""
    fresh = []
    for event in client.list(f"/api/v1/namespaces/{namespace}/events"):
        regarding = event.get("involvedObject") or event.get("regarding") or {}
        line = (
            f"{regarding.get('kind')} {regarding.get('name')}: {event.get('reason')}: {event.get('message')}"
        )
        if event.get("type") == "Warning" and line not in seen:
            seen.add(line)
            fresh.append(line)
    return fresh


def passing(line: str) -> bool:
    """What every start says for a moment: probes fail while a member forms, volumes are bound after the pod is made."""
    return ": Unhealthy: " in line or "is not bound yet" in line


def connect_lines(client: Client, ref: SetRef) -> list[str]:
    """How to connect to the writer of this cluster; empty if it has no ``NAME-primary``."""
    service = client.get(f"/api/v1/namespaces/{ref.namespace}/services/{ref.name}-primary")
    if service is None:
        return []
    address, port = spec_of(service).get("clusterIP"), spec_of(service)["ports"][0]["port"]
    settings = _settings(client, ref)
    user, database = settings.get("TRIREME_USER", "root"), settings.get("TRIREME_DATABASE", "")
    options = f"-n {ref.namespace} " if ref.namespace != "default" else ""
    return [
        f"the writer:   mariadb -h {address} -P {port} -u {user} -p {database}".rstrip(),
        f"the password: kubectl get secret {ref.name} {options}-o jsonpath='{{.data.password}}' | base64 -d",
        "as root:      trireme sql",
    ]


def _settings(client: Client, ref: SetRef) -> dict[str, str]:
    workload = client.get(ref.path) or {}
    template = (spec_of(workload).get("template") or {}).get("spec") or {}
    found: dict[str, str] = {}
    for container in template.get("containers") or ():
        found |= {each["name"]: each["value"] for each in container.get("env") or () if "value" in each}
        for source in container.get("envFrom") or ():
            name = (source.get("configMapRef") or {}).get("name")
            if name:
                path = f"/api/v1/namespaces/{ref.namespace}/configmaps/{name}"
                found |= (client.get(path) or {}).get("data") or {}
    return found


def set_refs(applied: Iterable[str], default_namespace: str, sets: Sequence[Object]) -> list[SetRef]:
    """The StatefulSets among the lines that `kubectl apply` printed, looked up among those that exist.

    ``sets`` may be GaleraClusters, too: an operator makes a StatefulSet of the same name for each.
    """
    names = {line.split()[0].partition("/")[2] for line in applied if line.startswith(MADE_OF_SETS)}
    found = [SetRef(namespace_of(each), name_of(each)) for each in sets if name_of(each) in names]
    return sorted(found, key=lambda ref: (ref.namespace != default_namespace, ref.namespace, ref.name))
