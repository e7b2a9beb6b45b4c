"""The status of a GaleraCluster: what the operator saw, and why it does what it does.

It is read leniently: what a newer operator wrote must not stop an older one.
"""

from typing import Literal

from pydantic import ConfigDict

from trireme.api.resource.base import Model, said

ClusterPhase = Literal[
    "Pending",
    "Forming",
    "Running",
    "Degraded",
    "Recovering",
    "Scaling",
    "Updating",
    "Upgrading",
    "SwitchingOver",
    "Rebuilding",
    "Hibernating",
    "Hibernated",
    "Suspended",
    "Blocked",
    "Deleting",
    "Unknown",
]
CONDITIONS = (
    "Ready",
    "Healthy",
    "Progressing",
    "Recovering",
    "DataAtRisk",
    "Accepted",
    "Updated",
    "PasswordsInStep",
    "StorageResized",
)
"""The types of conditions; docs/operator.md says what each means."""

RebuildPhase = Literal["Running", "Done", "Refused", "Failed"]


class Lenient(Model):
    """A part of the status."""

    model_config = ConfigDict(extra="ignore")


class Condition(Lenient):
    """One aspect of the cluster, as in all of Kubernetes."""

    type: str = said("Which aspect.", ..., max_length=63)
    status: Literal["True", "False", "Unknown"] = said("Whether it holds.", ...)
    reason: str = said("The reason in one word.", "", max_length=128)
    message: str = said("The reason in a sentence.", "", max_length=4096)
    observed_generation: int | None = said("Generation of the spec that it was judged by.")
    last_transition_time: str | None = said(
        "When the status last changed, as in 2026-11-25T04:50:00Z.", max_length=40
    )


class MemberStatus(Lenient):
    """One member, as its agent reports it."""

    pod_index: int = said("Its ordinal.", ...)
    name: str = said("Name of its pod.", ..., max_length=63)
    role: Literal["primary", "secondary", ""] = said("Writer or not; empty while it does not serve.", "")
    phase: str = said(
        "What it does; the words of docs/protocol.md. Unreachable if its agent does not answer.",
        "",
        max_length=32,
    )
    ready: bool = said("Whether it is Primary, Synced and takes SQL.", False)
    why: str = said("Why it does so, in a sentence.", "", max_length=1024)
    position: str | None = said("How far its data is, uuid:seqno.", max_length=64)
    version: str | None = said("Version of its server.", max_length=64)
    node: str | None = said("Node of its pod.", max_length=253)
    updated: bool = said("Whether its pod has the settings of the spec.", False)


class RebuildStatus(Lenient):
    """What became of the last spec.rebuild."""

    request: str = said("Its word.", ..., max_length=63)
    pod_index: int = said("The member.", ...)
    phase: RebuildPhase = said("How far it is.", ...)
    message: str = said("In a sentence.", "", max_length=1024)


class PrimaryStatus(Lenient):
    """What became of the last spec.primary.podIndex."""

    pod_index: int = said("The ordinal that was asked for.", ...)
    message: str = said("In a sentence.", "", max_length=1024)


class GaleraClusterStatus(Lenient):
    """What the operator saw. It is written by the operator alone."""

    observed_generation: int = said("Generation of the spec that this status is about.", 0)
    phase: ClusterPhase = said("What the cluster does, in one word.", "Unknown")
    message: str = said("What it does and why, in a sentence.", "", max_length=4096)
    conditions: tuple[Condition, ...] = said("Its aspects.", (), keys=("type",), max_length=32)
    members: tuple[MemberStatus, ...] = said("Its members.", (), keys=("podIndex",), max_length=32)
    replicas: int = said("Members that there are pods for.", 0)
    ready_replicas: int = said("Members that are ready.", 0)
    members_ready: str = said("Ready of wanted members, such as 3/3.", "", max_length=16)
    selector: str = said("Label selector of the pods, for the scale subresource.", "", max_length=512)
    writer: str | None = said("Pod of the writer.", max_length=63)
    cluster_uuid: str | None = said("History of the data: Galera's uuid.", alias="clusterUUID", max_length=36)
    version: str | None = said("The lowest server version among the members.", max_length=64)
    image: str | None = said(
        "The image that all members last ran together. Members get it while the spec names none.",
        max_length=512,
    )
    primary: PrimaryStatus | None = said("What became of the last spec.primary.podIndex.")
    rebuild: RebuildStatus | None = said("What became of the last spec.rebuild.")
