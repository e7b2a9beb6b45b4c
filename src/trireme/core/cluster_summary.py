"""The judgement of a whole cluster from outside: its health, one sentence, and what to do.

Silence of a member is shown as silence (invariant 5): nothing is concluded from it but that nobody knows.
"""

from dataclasses import dataclass
from enum import StrEnum

from trireme.api.report import Directory, Phase
from trireme.core.cluster_advice import advise
from trireme.core.cluster_conditions import Condition, conditions
from trireme.core.cluster_seen import Cluster, Member, short


class Health(StrEnum):
    """Of a cluster as a whole."""

    HEALTHY = "healthy"
    """Every member that is asked for is Synced (or a donor) in one Primary, ready, and one of them takes writes."""
    DEGRADED = "degraded"
    """Known to be less than that, be it that it only forms."""
    UNKNOWN = "unknown"
    """Pods run, and none of them answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    health: Health
    sentence: str
    advice: tuple[str, ...]
    """What a person should do next, most urgent first; nothing if it is healthy."""
    conditions: tuple[Condition, ...] = ()
    """What lasts, be the cluster healthy or not."""


def summarize(cluster: Cluster, *, kubectl: str = "kubectl") -> Summary:
    """Judge one cluster. ``kubectl`` is how advice calls it (with namespace and context)."""
    health = judge(cluster)
    return Summary(
        health=health,
        sentence=_sentence(cluster, health),
        advice=() if health is Health.HEALTHY else tuple(advise(cluster, kubectl)),
        conditions=conditions(cluster),
    )


def judge(cluster: Cluster) -> Health:
    if not cluster.answering and any(each.pod is not None and each.pod.running for each in cluster.members):
        return Health.UNKNOWN
    complete = len(cluster.members) == cluster.size > 0 and cluster.writer is not None and not cluster.split
    if complete and all(_serves(each, cluster.size) for each in cluster.members):
        return Health.HEALTHY
    return Health.DEGRADED


def _serves(member: Member, size: int) -> bool:
    in_whole_primary = member.server is not None and member.server.size == size
    return in_whole_primary and member.ready and member.phase in (Phase.SYNCED, Phase.DONOR)


def _sentence(cluster: Cluster, health: Health) -> str:
    if cluster.declared is not None and cluster.wanted is None and not cluster.members:
        return "declared, and not made yet"
    if cluster.size == 0 and not cluster.members:
        return "stopped, its StatefulSet asks for 0 members"
    if health is Health.UNKNOWN:
        return f"cannot tell, none of its {cluster.size} members answers"
    if cluster.split:
        return "TWO PRIMARIES: " + ", ".join(
            f"{each.name} in history {short(each.server.uuid)}"
            for each in cluster.split
            if each.server is not None
        )
    others = _others(cluster)
    if cluster.history:
        return "; ".join(part for part in (_primary(cluster), others) if part)
    if not cluster.answering:
        return f"no member runs: {others}"
    heard = f"{len(cluster.answering)} of {cluster.size}"
    if all(each.report.directory is Directory.FRESH for each in cluster.answering if each.report):
        return f"no Primary yet, {heard} members answer and none has data: {others}"
    return f"takes no SQL, no Primary among the {heard} members that answer: {others}"


def _primary(cluster: Cluster) -> str:
    synced = sum(each.phase == Phase.SYNCED for each in cluster.members)
    ready = sum(each.phase == Phase.SYNCED and each.ready for each in cluster.members)
    counts = f"{synced} of {cluster.size} Synced" + (f", {ready} of them ready" if ready < synced else "")
    writer = f"writer {cluster.writer.name}" if cluster.writer is not None else "no writer yet"
    position = max(
        (each.position.seqno for each in cluster.primaries if each.position is not None), default=0
    )
    return f"{counts}, {writer}, history {short(cluster.history)}, position {position}"


def _others(cluster: Cluster) -> str:
    """Who is in another phase than Synced: names, or numbers where one phase has several."""
    phases: dict[str, list[str]] = {}
    for each in cluster.members:
        if each.phase != Phase.SYNCED:
            phases.setdefault(each.phase, []).append(each.name)
    return ", ".join(
        f"{names[0] if len(names) == 1 else len(names)} {phase}" for phase, names in phases.items()
    )
