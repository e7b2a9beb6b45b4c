"""A cluster judged from outside: what its members say, and what Kubernetes says of their pods.

For people and for the exit status of ``trireme status``; no member acts on it. Silence of a member is shown as
silence (invariant 5): nothing is concluded from it but that nobody knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from trireme.api.names import PRIMARY
from trireme.api.report import Directory, Phase, Report


class Health(StrEnum):
    """Of a cluster as a whole."""

    HEALTHY = "healthy"
    """Every member that is asked for is Synced (or a donor) in one Primary, ready, and one of them takes writes."""
    DEGRADED = "degraded"
    """Known to be less than that, be it that it only forms."""
    UNKNOWN = "unknown"
    """Pods run, and none of them answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """What Kubernetes says of one member's pod."""

    state: str
    """kubectl's word: Running, Pending, ContainerCreating, CrashLoopBackOff, Terminating…"""
    running: bool
    """The agent's container runs."""
    ready: bool
    message: str = ""
    """Why it does not run, in the words of Kubernetes or of the container's last end."""
    container: str = ""
    """The container that does not start or that ended, if it is one's fault."""
    restarts: int = 0
    node: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a member's agent says at /status."""

    report: Report
    role: str
    restarts: int = 0
    """Of the server, in this life of the agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One ordinal, as it is seen from outside. ``silence`` says why there is no answer, if it was asked."""

    name: str
    ordinal: int
    pod: Pod | None = None
    answer: Answer | None = None
    silence: str = ""

    @property
    def phase(self) -> str:
        """The member's own phase, else its pod's state, else Silent."""
        if self.answer is not None:
            return self.answer.report.phase
        if self.pod is None:
            return "NoPod"
        return "Silent" if self.pod.running else self.pod.state

    @property
    def why(self) -> str:
        if self.answer is not None:
            return self.answer.report.why
        if self.pod is None:
            return "Kubernetes has not created its pod"
        return (self.silence or "not asked") if self.pod.running else self.pod.message

    @property
    def ready(self) -> bool:
        """Takes traffic: in its own eyes and in those of Kubernetes."""
        return self.ready_by_itself and self.pod is not None and self.pod.ready

    @property
    def ready_by_itself(self) -> bool:
        return self.answer is not None and self.answer.report.ready

    @property
    def primary(self) -> bool:
        return self.answer is not None and self.answer.report.primary

    @property
    def role(self) -> str:
        return self.answer.role if self.answer is not None else ""

    @property
    def restarts(self) -> int:
        """How often its server started again, with or without its container."""
        ofpod = self.pod.restarts if self.pod is not None else 0
        return ofpod + (self.answer.restarts if self.answer is not None else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One cluster as found. ``wanted`` is the StatefulSet's number of members, None if that may not be read."""

    name: str
    namespace: str
    wanted: int | None
    members: tuple[Member, ...]
    """By ordinal; a wanted one without a pod is there too."""

    @property
    def size(self) -> int:
        return len(self.members) if self.wanted is None else self.wanted

    @property
    def writer(self) -> Member | None:
        writers = [each for each in self.members if each.primary and each.role == PRIMARY]
        return writers[0] if len(writers) == 1 else None

    @property
    def answering(self) -> tuple[Member, ...]:
        return tuple(each for each in self.members if each.answer is not None)

    @property
    def history(self) -> str:
        """The uuid of the living Primary's data; empty without one."""
        return next(
            (
                each.answer.report.server.uuid
                for each in self.members
                if each.answer is not None and each.primary and each.answer.report.server is not None
            ),
            "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The judgement: one sentence, and what a person should do next, most urgent first."""

    health: Health
    sentence: str
    advice: tuple[str, ...]


def summarize(cluster: Cluster, *, kubectl: str = "kubectl") -> Summary:
    """Judge one cluster. ``kubectl`` is how advice calls it (with namespace and context)."""
    health = _health(cluster)
    advice = () if health is Health.HEALTHY else tuple(_advice(cluster, kubectl))
    return Summary(health=health, sentence=_sentence(cluster), advice=advice)


def _health(cluster: Cluster) -> Health:
    if not cluster.answering and any(each.pod is not None and each.pod.running for each in cluster.members):
        return Health.UNKNOWN
    whole = len(cluster.members) == cluster.size > 0 and cluster.writer is not None
    if whole and not split(cluster) and all(_serves(each, cluster.size) for each in cluster.members):
        return Health.HEALTHY
    return Health.DEGRADED


def _serves(member: Member, size: int) -> bool:
    server = member.answer.report.server if member.answer is not None else None
    return (
        member.ready
        and server is not None
        and server.size == size
        and member.phase in (Phase.SYNCED, Phase.DONOR)
    )


def split(cluster: Cluster) -> tuple[Member, ...]:
    """Members of Primaries that do not know each other: two histories, or two views without a common member."""
    primaries = [each for each in cluster.answering if each.primary]
    apart = {
        each.name: each
        for one in primaries
        for other in primaries
        if one.ordinal < other.ordinal and _apart(one, other)
        for each in (one, other)
    }
    return tuple(apart.values())


def _apart(one: Member, other: Member) -> bool:
    """Views change while members are asked, so only mutual absence counts."""
    if _uuid(one) != _uuid(other):
        return True
    return not (_in_view(one, other.ordinal) or _in_view(other, one.ordinal))


def _uuid(member: Member) -> str:
    server = member.answer.report.server if member.answer is not None else None
    return server.uuid if server is not None else ""


def _in_view(member: Member, ordinal: int) -> bool:
    view = member.answer.report.last_view if member.answer is not None else None
    return view is None or ordinal in view.members


def _sentence(cluster: Cluster) -> str:
    if cluster.size == 0 and not cluster.members:
        return "stopped, its StatefulSet asks for 0 members"
    apart = split(cluster)
    if apart:
        sides = "; ".join(f"{each.name} in history {short(_uuid(each))}" for each in apart)
        return f"TWO PRIMARIES: {sides}"
    if not cluster.answering:
        if _health(cluster) is Health.UNKNOWN:
            return f"cannot tell: none of its {cluster.size} members answers"
        return f"no member runs: {_others(cluster)}"
    if cluster.history:
        return f"{_counts(cluster)}, {_data(cluster)}"
    heard = f"{len(cluster.answering)} of {cluster.size} members"
    if all(
        each.answer is None or each.answer.report.directory is Directory.FRESH for each in cluster.members
    ):
        return f"forms, {heard} answer: {_others(cluster)}"
    return f"takes no SQL, no Primary among the {heard} that answer: {_others(cluster)}"


def _counts(cluster: Cluster) -> str:
    synced = sum(each.phase == Phase.SYNCED for each in cluster.members)
    others = _others(cluster)
    return f"{synced} of {cluster.size} Synced{f', {others}' if others else ''}"


def _others(cluster: Cluster) -> str:
    """Who is in another phase than Synced: names, or numbers where one phase has several."""
    phases: dict[str, list[str]] = {}
    for each in cluster.members:
        if each.phase != Phase.SYNCED:
            phases.setdefault(each.phase, []).append(each.name)
    return ", ".join(
        f"{names[0]} {phase}" if len(names) == 1 else f"{len(names)} {phase}"
        for phase, names in phases.items()
    )


def _data(cluster: Cluster) -> str:
    writer = f"writer {cluster.writer.name}" if cluster.writer is not None else "no writer yet"
    reports = [each.answer.report for each in cluster.answering if each.answer is not None and each.primary]
    position = max((report.position.seqno for report in reports if report.position is not None), default=-1)
    return f"{writer}, history {short(cluster.history)}, position {position}"


def short(uuid: str) -> str:
    """A history's first eight characters: enough for people to tell two apart."""
    return uuid[:8]


def _advice(cluster: Cluster, kubectl: str) -> list[str]:
    if split(cluster):
        return [
            "Stop writing. Two Primaries must never be: keep all volumes, and compare the data before you act."
        ]
    advice = [text for each in cluster.members for text in [_advice_for(each, cluster, kubectl)] if text]
    beyond = _missing_beyond(cluster)
    if beyond:
        needed = max(beyond) + 1
        advice.insert(
            0,
            f"The latest view had {_names(cluster, beyond)}, which may hold the newest data: "
            f"`{kubectl} scale statefulset {cluster.name} --replicas={needed}`",
        )
    if advice:
        return advice
    if cluster.size == 0:
        return (
            [f"`{kubectl} scale statefulset {cluster.name} --replicas=3` starts it"]
            if not cluster.members
            else []
        )
    return ["Nothing to do: members are on their way. `trireme status --watch` shows them arrive."]


def _advice_for(member: Member, cluster: Cluster, kubectl: str) -> str:
    """What to do about one member; empty for one that is well, or on its way."""
    name, pod = member.name, member.pod
    if pod is None:
        return f"{name} has no pod: `{kubectl} describe statefulset {cluster.name}` says why"
    if member.answer is not None:
        if member.phase == Phase.BLOCKED:
            return f"{name} waits for a person, for the reason given. Its log: `{kubectl} logs {name}`"
        if member.ready_by_itself and not pod.ready:
            return f"{name} is ready, but Kubernetes does not find it so: `{kubectl} describe pod {name}`"
        return ""
    if pod.running:
        return f"{name} runs and does not answer: `{kubectl} logs {name}`"
    if pod.state in ("CrashLoopBackOff", "Error", "OOMKilled"):
        container = f" -c {pod.container}" if pod.container else ""
        return f"{name} ends by itself: `{kubectl} logs {name}{container} --previous`"
    if pod.state in ("ContainerCreating", "PodInitializing", "Terminating", "Running"):
        return ""
    return f"{name} does not start: `{kubectl} describe pod {name}`"


def _missing_beyond(cluster: Cluster) -> tuple[int, ...]:
    """Without a Primary: members of the latest view that the StatefulSet no longer asks for."""
    if cluster.history or cluster.wanted is None:
        return ()
    reports = [each.answer.report for each in cluster.answering if each.answer is not None]
    views = [report.last_view for report in reports if report.last_view is not None]
    latest = max(views, key=lambda view: view.seqno, default=None)
    present = {each.ordinal for each in cluster.members}
    return tuple(o for o in latest.members if o >= cluster.size and o not in present) if latest else ()


def _names(cluster: Cluster, ordinals: Sequence[int]) -> str:
    return ", ".join(f"{cluster.name}-{ordinal}" for ordinal in ordinals)
