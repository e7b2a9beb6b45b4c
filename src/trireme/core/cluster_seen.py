"""A cluster as it is seen from outside: what its members say, and what Kubernetes says of their pods.

For people, programs and the exit status of ``trireme status``; no member acts on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trireme.api.names import HTTP_PORT, PRIMARY
from trireme.api.position import Position, View
from trireme.api.report import Report, ServerReport
from trireme.core.rivals import apart
from trireme.core.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """What Kubernetes says of one member's pod."""

    state: str
    """kubectl's word: Running, Pending, ContainerCreating, CrashLoopBackOff, Terminating…"""
    running: bool
    """The agent's container runs."""
    started: bool = True
    """It passed its startup probe. Until then silence is nothing to look into; Kubernetes has a time-out for it."""
    ready: bool
    message: str = ""
    """Why it does not run, in the words of Kubernetes or of the container's last end."""
    container: str = ""
    """The container that does not start or that ended, if it is one's fault."""
    restarts: int = 0
    node: str = ""
    address: str = ""
    http_port: int = HTTP_PORT
    """Its agent's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a member goes by beside the reports: whom it hears, and how long it waits for who is silent."""

    heard: Mapping[str, str] = field(default_factory=dict)
    """The others' phases, by ordinal."""
    silent: Mapping[str, str] = field(default_factory=dict)
    """Why, by address."""
    fault: str | None = None
    terms: Terms | None = None
    """None: its agent does not say."""
    patience: float | None = None
    """Seconds that its policy waits for missing members; None: for ever."""
    patience_left: float | None = None
    unchanged: float | None = None
    """Seconds since when the same members answer it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a member's agent says at /status."""

    report: Report
    role: str
    restarts: int = 0
    """Of the server, in this life of the agent."""
    outlook: Outlook = Outlook()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One ordinal, as it is seen from outside."""

    name: str
    ordinal: int
    pod: Pod | None = None
    answer: Answer | None = None
    silence: str = ""
    """Why it did not answer, if it was asked."""
    forbidden: bool = False
    """Its agent may not be asked by whoever looks."""

    @property
    def report(self) -> Report | None:
        return self.answer.report if self.answer is not None else None

    @property
    def server(self) -> ServerReport | None:
        return self.report.server if self.report is not None else None

    @property
    def view(self) -> View | None:
        return self.report.last_view if self.report is not None else None

    @property
    def position(self) -> Position | None:
        """None while it is not known."""
        position = self.report.position if self.report is not None else None
        return position if position is not None and position.known else None

    @property
    def primary(self) -> bool:
        return self.report is not None and self.report.primary

    @property
    def role(self) -> str:
        return self.answer.role if self.answer is not None else ""

    @property
    def phase(self) -> str:
        """The member's own phase; Silent if it runs and does not say, Starting if it cannot yet; else its pod's state."""
        if self.report is not None:
            return self.report.phase
        if self.pod is None:
            return "NoPod"
        if not self.pod.running or self.forbidden:
            return self.pod.state
        return "Silent" if self.pod.started else "Starting"

    @property
    def why(self) -> str:
        """One sentence, or empty where Kubernetes has nothing to say beyond the state."""
        if self.report is not None:
            return self.report.why
        if self.pod is None:
            return "Kubernetes has not created its pod"
        if self.pod.running:
            return self.silence if self.pod.started else ""
        return self.pod.message

    @property
    def ready(self) -> bool:
        """Takes traffic: ready by its own word, and in the eyes of Kubernetes."""
        return self.says_ready and self.pod is not None and self.pod.ready

    @property
    def says_ready(self) -> bool:
        return self.report is not None and self.report.ready

    @property
    def restarts(self) -> int:
        """How often its server started again, with its container or alone."""
        of_container = self.pod.restarts if self.pod is not None else 0
        return of_container + (self.answer.restarts if self.answer is not None else 0)


@dataclass(frozen=True, slots=True)
class Told:
    """What the operator says of a GaleraCluster and a person must mend. ``reason`` is the condition's."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The GaleraCluster of this name."""

    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One cluster as found. ``wanted`` is the StatefulSet's number of members, None if that may not be read."""

    name: str
    namespace: str
    wanted: int | None
    members: tuple[Member, ...]
    """By ordinal; a wanted one without a pod is there too."""
    declared: Declared | None = None
    """None where there is no GaleraCluster, or whoever looks may not see it."""

    @property
    def size(self) -> int:
        """How many members there should be, as far as is known."""
        if self.wanted is not None:
            return self.wanted
        declared = [each.report.declared for each in self.members if each.report is not None]
        return max([len(self.members), *declared])

    @property
    def answering(self) -> tuple[Member, ...]:
        return tuple(each for each in self.members if each.answer is not None)

    @property
    def reports(self) -> dict[int, Report]:
        """Of those who answer, by ordinal."""
        return {each.ordinal: each.report for each in self.members if each.report is not None}

    @property
    def primaries(self) -> tuple[Member, ...]:
        """Whose server is in a Primary."""
        return tuple(each for each in self.members if each.primary)

    @property
    def writer(self) -> Member | None:
        writers = [each for each in self.primaries if each.role == PRIMARY]
        return writers[0] if len(writers) == 1 else None

    @property
    def history(self) -> str:
        """The uuid of the living Primary's data; empty without one."""
        named = [each.server.uuid for each in self.primaries if each.server is not None and each.server.uuid]
        return named[0] if named else ""

    @property
    def split(self) -> tuple[Member, ...]:
        """Members of Primaries that do not know each other: two histories, or two views without each other."""
        rivals = {
            each.name: each
            for one in self.primaries
            for other in self.primaries
            if one.ordinal < other.ordinal and _apart(one.report, other.report)
            for each in (one, other)
        }
        return tuple(sorted(rivals.values(), key=lambda each: each.ordinal))


def _apart(one: Report | None, other: Report | None) -> bool:
    return one is not None and other is not None and apart(one, other)


def short(uuid: str) -> str:
    """A history's first eight characters: enough for people to tell two apart."""
    return uuid[:8]
