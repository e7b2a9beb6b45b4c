"""What the operator may do: a closed union. Each action is idempotent, and harmless where the picture was stale."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from trireme.core.reconcile.seen import Object, Ref


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply one object."""

    obj: Object
    why: str


@dataclass(frozen=True, slots=True)
class Prune:
    """Delete an object of ours that is wanted no more, if it still is the one with this uid."""

    ref: Ref
    api_version: str
    uid: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Ask the StatefulSet with this uid for so many pods."""

    uid: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Recreate:
    """Delete the StatefulSet and leave its pods: the next one, with another claim template, adopts them."""

    uid: str


@dataclass(frozen=True, slots=True)
class Evict:
    """Restart a member's pod, if it is still the one with this uid, within the disruption budget."""

    pod: str
    uid: str


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Replace a pod that serves nobody, or past a budget that forbids everything; the one with this uid."""

    pod: str
    uid: str


@dataclass(frozen=True, slots=True)
class Expand:
    """Let a claim ask for more. Bytes."""

    claim: str
    size: int


@dataclass(frozen=True, slots=True)
class DeleteVolume:
    """Delete a claim, if it is still the one with this uid. It stays until its pod is gone."""

    claim: str
    uid: str


@dataclass(frozen=True, slots=True)
class Label:
    """Give the pod with this uid its role, where the agents cannot."""

    pod: str
    uid: str
    role: str


@dataclass(frozen=True, slots=True)
class AskSwitchover:
    """Ask the writer's agent to hand the role to another member."""

    writer: int
    to: int


@dataclass(frozen=True, slots=True)
class AskRebuild:
    """Ask a member's agent to take a new copy of the data."""

    ordinal: int
    why: str
    id: str
    """The same for the same word of the same resource, whoever asks."""


@dataclass(frozen=True, slots=True)
class AskVariables:
    """Ask a member's agent to set variables live."""

    ordinal: int
    values: Mapping[str, str]


Action = (
    Apply
    | Prune
    | Scale
    | Recreate
    | Evict
    | DeletePod
    | Expand
    | DeleteVolume
    | Label
    | AskSwitchover
    | AskRebuild
    | AskVariables
)


class ClusterPhase(StrEnum):
    """What the cluster does, in one word; the words of status.phase."""

    PENDING = "Pending"
    FORMING = "Forming"
    RUNNING = "Running"
    DEGRADED = "Degraded"
    RECOVERING = "Recovering"
    SCALING = "Scaling"
    UPDATING = "Updating"
    UPGRADING = "Upgrading"
    SWITCHING_OVER = "SwitchingOver"
    REBUILDING = "Rebuilding"
    HIBERNATING = "Hibernating"
    HIBERNATED = "Hibernated"
    SUSPENDED = "Suspended"
    BLOCKED = "Blocked"
    DELETING = "Deleting"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a rule wants: a phase, one sentence of why, actions. ``stuck``: it goes no further by itself."""

    phase: ClusterPhase
    why: str
    actions: tuple[Action, ...] = ()
    again: float = 2.0
    stuck: bool = False
    primary_done: int | None = None
    """This spec.primary.podIndex is done with; ``why`` says how."""
    rebuild: tuple[str, str] | None = None
    """The new phase and message of status.rebuild."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Everything to do now, why in one sentence, and when to look again if nothing wakes earlier."""

    phase: ClusterPhase
    why: str
    actions: tuple[Action, ...] = ()
    wake_at: float = 0.0
    stuck: bool = False
    primary_done: int | None = None
    rebuild: tuple[str, str] | None = None
    foreign: tuple[str, ...] = field(default=())
    """Objects that are in the way and are not ours, in words."""
    unapplied: tuple[str, ...] = field(default=())
    """Objects that the API server does not take, in words."""
