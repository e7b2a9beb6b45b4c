"""From the resource to what the decision needs: the objects, and the numbers among them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from trireme.adapters.cluster_api import Object
from trireme.api.resource import GaleraCluster, InvalidClusterError, read_cluster
from trireme.base.errors import PermanentError
from trireme.core.reconcile.actions import ClusterPhase
from trireme.core.reconcile.seen import RebuildSeen, RebuildWanted, Strategy, Wanted
from trireme.core.reconcile.status import Told
from trireme.manifests.cluster import Manifests, Options, manifests, selector_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is wanted, and what the status needs beside it."""

    wanted: Wanted
    told: Told
    image: str
    selector: str
    warnings: tuple[str, ...] = ()


def plan(found: Object, options: Options, founder: str | None) -> Plan:
    """Never raises: settings that cannot be used are the plan's refusal, and nothing of them is applied."""
    status = found.get("status") or {}
    told = Told(
        history=status.get("clusterUUID"),
        primary=status.get("primary"),
        rebuild=status.get("rebuild") or _made_with(found),
        image=status.get("image"),
    )
    try:
        cluster = read_cluster(found)
        built = manifests(cluster, options, founder)
    except PermanentError as error:
        return Plan(
            wanted=_refused(found, _said(found, error)), told=told, image=status.get("image", ""), selector=""
        )
    if cluster.spec.image is None:
        told = replace(told, image=built.image)
    return Plan(
        wanted=_wanted(cluster, built, {**status, "rebuild": told.rebuild}),
        told=told,
        image=built.image,
        selector=selector_text(cluster),
        warnings=built.warnings,
    )


def _made_with(found: Object) -> Mapping[str, Any] | None:
    """A resource that is made with a word, anew perhaps, with its volumes kept, asks for nothing: it is an old one."""
    wanted = (found.get("spec") or {}).get("rebuild")
    if found.get("status") or not wanted:
        return None
    return {
        **wanted,
        "phase": "Done",
        "message": "the resource was made with this word: nothing was rebuilt for it",
    }


def _said(found: Object, error: PermanentError) -> str:
    """Without the resource's own name: it is said in the resource."""
    if isinstance(error, InvalidClusterError):
        return "; ".join(str(problem) for problem in error.problems)
    metadata = found["metadata"]
    return str(error).removeprefix(f"GaleraCluster {metadata['namespace']}/{metadata['name']}: ")


def _refused(found: Object, why: str) -> Wanted:
    metadata, spec = found["metadata"], found.get("spec") or {}
    return Wanted(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=int(metadata.get("generation") or 0),
        replicas=int(spec.get("replicas") or 3),
        restart_hash="",
        set={},
        deleting="deletionTimestamp" in metadata,
        suspend=bool(spec.get("suspend")),
        history=(found.get("status") or {}).get("clusterUUID"),
        refusal=why,
    )


def _wanted(cluster: GaleraCluster, built: Manifests, status: Mapping[str, Any]) -> Wanted:
    spec, metadata = cluster.spec, cluster.metadata
    return Wanted(
        name=cluster.name,
        namespace=cluster.namespace,
        uid=metadata.uid,
        generation=metadata.generation,
        replicas=spec.replicas,
        restart_hash=built.restart_hash,
        set=built.set,
        objects=built.others,
        variables=built.variables,
        size=built.size,
        deleting=metadata.deletion_timestamp is not None,
        suspend=spec.suspend,
        hibernate=spec.hibernate,
        strategy=Strategy(spec.update_strategy.type),
        deadline=float(spec.update_strategy.progress_deadline_seconds),
        budget_blocks=_budget_blocks(cluster),
        replace_to_grow=spec.storage.replace_to_grow,
        delete_scaled=spec.storage.pvc_retention_policy.when_scaled == "Delete",
        primary=spec.primary.pod_index,
        primary_done=(status.get("primary") or {}).get("podIndex"),
        rebuild=(
            RebuildWanted(ordinal=spec.rebuild.pod_index, request=spec.rebuild.request)
            if spec.rebuild is not None
            else None
        ),
        rebuild_seen=_rebuild_seen(status.get("rebuild")),
        history=status.get("clusterUUID"),
        phase=status.get("phase") or ClusterPhase.FORMING,
    )


def _rebuild_seen(found: Mapping[str, Any] | None) -> RebuildSeen | None:
    if not found:
        return None
    return RebuildSeen(
        ordinal=int(found["podIndex"]),
        request=found["request"],
        phase=found["phase"],
        message=found.get("message", ""),
    )


def _budget_blocks(cluster: GaleraCluster) -> bool:
    """The budget lets nobody go: it is meant for drains, and would stop every update too."""
    budget = cluster.spec.pod_disruption_budget
    if not budget.enabled:
        return False
    return budget.max_unavailable == 0 or (budget.min_available or 0) >= cluster.spec.replicas
