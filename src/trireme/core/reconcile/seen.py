"""The picture that a decision is made of: what a person wants, what Kubernetes has, what the agents say.

Times are seconds of one clock; ``now`` is given. Objects are plain JSON and never changed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from trireme.api.report import Phase, Report

Object: TypeAlias = Mapping[str, Any]
Ref: TypeAlias = tuple[str, str]
"""Kind and name; the namespace is always the cluster's."""


class Strategy(StrEnum):
    ROLLING_UPDATE = "RollingUpdate"
    ON_DELETE = "OnDelete"
    NEVER = "Never"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildWanted:
    """``request`` is a word; each new one is acted upon once."""

    ordinal: int
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildSeen:
    """What status.rebuild says: the last word acted upon, and how far it is (Running, Done, Refused, Failed)."""

    ordinal: int
    request: str
    phase: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the resource asks for, and what its status remembers."""

    name: str
    namespace: str
    uid: str
    generation: int
    replicas: int
    restart_hash: str
    set: Object
    """The StatefulSet, with any number of replicas: the decision sets it."""
    objects: tuple[Object, ...] = ()
    """All others."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Server variables that are set live."""
    size: int | None = None
    """Bytes of each volume; None where volumes are ephemeral."""
    deleting: bool = False
    suspend: bool = False
    hibernate: bool = False
    strategy: Strategy = Strategy.ROLLING_UPDATE
    deadline: float = 600.0
    """Seconds without progress after which an update counts as stuck."""
    budget_blocks: bool = False
    """The disruption budget forbids every eviction: restarts go past it, one at a time as ever."""
    replace_to_grow: bool = True
    delete_scaled: bool = False
    primary: int | None = None
    primary_done: int | None = None
    """The last spec.primary.podIndex that was acted upon."""
    rebuild: RebuildWanted | None = None
    rebuild_seen: RebuildSeen | None = None
    history: str | None = None
    """status.clusterUUID: there was a cluster."""
    phase: str = ""
    """status.phase until now."""
    refusal: str | None = None
    """Why the settings cannot be used, in words: nothing of them is applied."""

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSeen:
    """One member's pod."""

    ordinal: int
    name: str
    uid: str
    hash: str
    """Its restart hash."""
    terminating: bool = False
    ready: bool = False
    running: bool = False
    """The agent's container runs, as the kubelet says."""
    node: str = ""
    role: str = ""
    """The label that leads clients."""
    trouble: str = ""
    """Why it does not start, in the words of Kubernetes; '' where nothing is wrong."""
    beside: str = ""
    """A container beside the agent's that keeps the pod from being ready, and why; '' for none."""
    beside_never: bool = False
    """It cannot be started at all: its image, say, is nowhere."""
    restarts: int = 0
    """Of all its containers."""
    configs: frozenset[str] = frozenset()
    """ConfigMaps that it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSeen:
    """One member's claim. Sizes are bytes."""

    ordinal: int
    name: str
    uid: str
    requested: int
    capacity: int = 0
    terminating: bool = False
    expandable: bool = True
    """Whether its class can grow it in place; True where nobody may ask the class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSeen:
    """The StatefulSet."""

    uid: str
    replicas: int
    hash: str
    """Restart hash of its template."""
    size: int | None = None
    """Bytes that its claim template asks for."""
    observed: bool = True
    """Its controller has seen its latest generation: a pod made now has the latest template."""
    terminating: bool = False
    configs: frozenset[str] = frozenset()
    """ConfigMaps that its template names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One immutable picture."""

    now: float
    wanted: Wanted
    set: SetSeen | None = None
    pods: Mapping[int, PodSeen] = field(default_factory=dict)
    volumes: Mapping[int, VolumeSeen] = field(default_factory=dict)
    live: Mapping[Ref, Object] = field(default_factory=dict)
    """Objects as they are, wanted or owned."""
    reports: Mapping[int, Report] = field(default_factory=dict)
    silent: Mapping[int, str] = field(default_factory=dict)
    """Members that were asked and did not answer, and in what words. It proves nothing (invariant 5)."""
    unmoved: Mapping[int, float] = field(default_factory=dict)
    """Seconds since a member last showed progress; of one without a pod, since it has none."""
    uncreated: Mapping[int, str] = field(default_factory=dict)
    """Why Kubernetes does not create members' pods, where it says so."""
    arbitrator_away: str = ""
    """Why the arbitrator that is wanted has no vote; '' where it has one, or none is wanted."""
    misled: float = 0.0
    """Seconds for which the same writer has said that clients are not led to it, or labels lead them elsewhere."""
    relapsed: frozenset[int] = frozenset()
    """Members of whose containers one was restarted a moment ago: that they are ready may not last."""
    tolerated: Mapping[Ref, str] = field(default_factory=dict)
    """Differences that were there right after an object was applied: the API server's own spelling."""
    unapplied: Mapping[Ref, tuple[str, str]] = field(default_factory=dict)
    """The stamps of objects that the API server did not take when they were last applied, and what it said."""
    refusals: Mapping[str, str] = field(default_factory=dict)
    """What agents last said to a request that they did not take on, by its kind."""

    def refused(self, kind: str) -> str:
        """The refusal, to be put at the end of a sentence; '' for none."""
        said = self.refusals.get(kind)
        return f" (so far it says: {said})" if said else ""


BUSY = (
    Phase.STARTING,
    Phase.RECOVERING,
    Phase.INITIALIZING,
    Phase.BOOTSTRAPPING,
    Phase.JOINING,
    Phase.TRANSFERRING,
    Phase.LEAVING,
)
"""What a member does in these is not interrupted."""
