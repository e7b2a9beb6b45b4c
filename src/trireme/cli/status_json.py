"""A cluster as JSON, for programs: every field is always there, null where it is not known."""

from collections.abc import Iterable
from typing import Any

import msgspec

from trireme.core.cluster_seen import Cluster, Member
from trireme.core.cluster_summary import Summary

Found = Iterable[tuple[Cluster, Summary]]


def clusters_json(found: Found) -> str:
    """One document, whatever the number of clusters."""
    return msgspec.json.format(_encode(found), indent=2).decode()


def clusters_line(found: Found) -> str:
    """The same in one line, for a stream of them."""
    return _encode(found).decode()


def _encode(found: Found) -> bytes:
    return msgspec.json.encode(
        {"clusters": [cluster_document(cluster, summary) for cluster, summary in found]}
    )


def cluster_document(cluster: Cluster, summary: Summary) -> dict[str, Any]:
    """To be encoded by msgspec."""
    return {
        "name": cluster.name,
        "namespace": cluster.namespace,
        "health": summary.health,
        "sentence": summary.sentence,
        "advice": summary.advice,
        "conditions": [{"type": each.type, "message": each.message} for each in summary.conditions],
        "wanted": cluster.wanted,
        "writer": cluster.writer.name if cluster.writer is not None else None,
        "history": cluster.history or None,
        "members": [_member(each) for each in cluster.members],
    }


def _member(member: Member) -> dict[str, Any]:
    return {
        "name": member.name,
        "ordinal": member.ordinal,
        "role": member.role or None,
        "phase": member.phase,
        "ready": member.ready,
        "position": str(member.position) if member.position is not None else None,
        "view": member.view.members if member.view is not None else None,
        "restarts": member.restarts,
        "why": member.why,
        "pod": member.pod,
        "report": member.report,
        "outlook": member.answer.outlook if member.answer is not None else None,
        "silence": member.silence or None,
        "forbidden": member.forbidden,
    }
