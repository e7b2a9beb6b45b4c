"""Finds clusters on a Kubernetes and asks their members, through the API server alone.

Needs the rights to list pods and StatefulSets and to get pods/proxy, and to list GaleraClusters where there are any.
Where the last three are missing, what is left is still shown.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import msgspec

from trireme.adapters.cluster_api import ClusterApi, Object, RefusedError
from trireme.adapters.pod_state import SERVER_CONTAINER, pod_state
from trireme.api.names import GROUP, HTTP_PORT
from trireme.api.report import WIRE_VERSION, Report
from trireme.base.errors import TriremeError
from trireme.core.cluster_seen import Answer, Cluster, Declared, Member, Outlook, Told

SELECTOR = "app.kubernetes.io/name=trireme,app.kubernetes.io/component=database"
INSTANCE = "app.kubernetes.io/instance"

ANSWER_SECONDS = 4.0
"""An agent answers in milliseconds; a node that is gone would hold the API server's proxy for half a minute."""


PROXY_SAYS = "error trying to reach service: "
"""Before what the API server found when it called the pod."""


class _Extra(msgspec.Struct):
    """What /status says beside the report."""

    role: str
    restarts: int = 0


async def read_clusters(api: ClusterApi, namespace: str | None, name: str | None = None) -> list[Cluster]:
    """All clusters of ``namespace`` (None: of all namespaces), or the one called ``name``, by name.

    Raises PermanentError or TemporaryError where the API server refuses or does not answer.
    """
    selector = SELECTOR if name is None else f"{SELECTOR},{INSTANCE}={name}"
    within = f"namespaces/{namespace}/" if namespace is not None else ""
    pods, wanted, declared = await asyncio.gather(
        api.list(f"/api/v1/{within}pods", selector),
        _wanted(api, f"/apis/apps/v1/{within}statefulsets", selector),
        _declared(api, f"/apis/{GROUP}/v1alpha1/{within}galeraclusters", name),
    )
    by_cluster: dict[tuple[str, str], dict[int, Object]] = {key: {} for key in (*wanted, *declared)}
    for pod in pods:
        key = _cluster_of(pod)
        ordinal = pod["metadata"]["name"].removeprefix(f"{key[1]}-")
        if ordinal.isdecimal():
            by_cluster.setdefault(key, {})[int(ordinal)] = pod
    found = await asyncio.gather(
        *(_read(api, key, wanted.get(key), pods) for key, pods in sorted(by_cluster.items()))
    )
    return [replace(each, declared=declared.get((each.namespace, each.name))) for each in found]


async def _wanted(api: ClusterApi, path: str, selector: str) -> dict[tuple[str, str], int]:
    """How many members each StatefulSet asks for; nothing where that may not be read."""
    try:
        sets = await api.list(path, selector)
    except RefusedError as refusal:
        if refusal.status != HTTPStatus.FORBIDDEN:
            raise
        return {}
    return {_cluster_of(each): int((each.get("spec") or {}).get("replicas", 1)) for each in sets}


async def _declared(api: ClusterApi, path: str, name: str | None) -> dict[tuple[str, str], Declared]:
    """GaleraClusters; nothing where there is no such kind, or where they may not be read."""
    try:
        found = await api.list(path)
    except RefusedError:
        return {}
    return {
        (each["metadata"]["namespace"], each["metadata"]["name"]): Declared(told=tuple(_told(each)))
        for each in found
        if name in (None, each["metadata"]["name"])
    }


def _told(found: Object) -> Iterator[Told]:
    """Settings that are refused, what is stuck, an arbitrator without a vote; nothing where the spec is newer."""
    status = found.get("status") or {}
    if int(status.get("observedGeneration") or 0) < int(found["metadata"].get("generation") or 0):
        return
    by_type = {each["type"]: each for each in status.get("conditions") or ()}
    refused, stuck = by_type.get("Accepted", {}), by_type.get("Progressing", {})
    if refused.get("status") == "False":
        yield Told(refused.get("reason", "Refused"), refused.get("message", ""))
    elif stuck.get("reason") in ("UpdateStuck", "Stuck"):
        yield Told(stuck["reason"], stuck.get("message", ""))
    healthy = by_type.get("Healthy", {})
    if healthy.get("reason") == "ArbitratorAway":
        yield Told(healthy["reason"], healthy.get("message", ""))


def _cluster_of(labelled: Object) -> tuple[str, str]:
    """Namespace and name of the cluster that an object belongs to."""
    metadata = labelled["metadata"]
    return metadata["namespace"], (metadata.get("labels") or {}).get(INSTANCE, metadata["name"])


async def _read(
    api: ClusterApi, key: tuple[str, str], wanted: int | None, pods: dict[int, Object]
) -> Cluster:
    namespace, name = key
    ordinals = sorted({*pods, *range(wanted or 0)})
    members = await asyncio.gather(
        *(_member(api, namespace, name, ordinal, pods.get(ordinal)) for ordinal in ordinals)
    )
    return Cluster(name=name, namespace=namespace, wanted=wanted, members=tuple(members))


async def _member(
    api: ClusterApi, namespace: str, cluster: str, ordinal: int, found: Object | None
) -> Member:
    name = f"{cluster}-{ordinal}"
    if found is None:
        return Member(name=name, ordinal=ordinal)
    pod = replace(pod_state(found), http_port=http_port(found))
    member = Member(name=name, ordinal=ordinal, pod=pod)
    if not pod.running:
        return member
    path = f"/api/v1/namespaces/{namespace}/pods/{name}:{pod.http_port}/proxy/status"
    try:
        return replace(member, answer=decode_answer(await api.get_bytes(path, seconds=ANSWER_SECONDS)))
    except RefusedError as refusal:
        said = refusal.said.removeprefix(PROXY_SAYS) or str(refusal)
        return replace(member, silence=said, forbidden=refusal.status == HTTPStatus.FORBIDDEN)
    except (TriremeError, msgspec.DecodeError) as error:
        return replace(member, silence=str(error))


def decode_answer(body: bytes) -> Answer:
    """Raises msgspec.DecodeError for what is no /status of this version."""
    report = msgspec.json.decode(body, type=Report)
    if report.version != WIRE_VERSION:
        raise msgspec.DecodeError(
            f"its agent speaks version {report.version}, this trireme speaks {WIRE_VERSION}"
        )
    extra = msgspec.json.decode(body, type=_Extra)
    outlook = msgspec.json.decode(body, type=Outlook)
    return Answer(report=report, role=extra.role, restarts=extra.restarts, outlook=outlook)


def http_port(pod: Object) -> int:
    """Where its agent listens: the port that the pod calls http."""
    containers: Sequence[dict[str, Any]] = (pod.get("spec") or {}).get("containers") or []
    return next(
        (
            int(port["containerPort"])
            for container in containers
            if container.get("name") == SERVER_CONTAINER
            for port in container.get("ports") or []
            if port.get("name") == "http"
        ),
        HTTP_PORT,
    )
