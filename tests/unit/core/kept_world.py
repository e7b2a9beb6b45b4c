"""A small model of what the operator looks at and acts on: a StatefulSet's controller, pods, volumes, a Galera group.

One tick is a second. It is coarse on purpose: what matters is that changes overtake each other in every order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.unit.core.builders import HISTORY, member
from tests.unit.core.reconciling import GIB, SERVICE, an_object
from trireme.api.names import PRIMARY, SECONDARY
from trireme.api.position import Position
from trireme.api.position import View as Component
from trireme.api.report import Directory, Phase, Report
from trireme.core.reconcile.actions import ClusterPhase
from trireme.core.reconcile.seen import (
    PodSeen,
    RebuildSeen,
    RebuildWanted,
    SetSeen,
    Strategy,
    View,
    VolumeSeen,
    Wanted,
)
from trireme.operator.progress import Progress

NO_IMAGE, NO_SERVER, NO_POD, NO_TEMPLATE = "no-image", "no-server", "no-pod", "no-template"
"""Settings with which a pod does not start, a server does not, no pod is created, the API server takes nothing."""
LAME = "lame"
"""With these a container beside the server never is ready."""
STARTS, JOINS, LEAVES = 2, 3, 3
"""Seconds until an agent answers, until a joiner is Synced, until a pod that is deleted is gone."""


@dataclass(frozen=True)
class Spec:
    settings: str = "base"
    replicas: int = 3
    size: int = 10
    hibernate: bool = False
    suspend: bool = False
    strategy: Strategy = Strategy.ROLLING_UPDATE
    primary: int | None = None
    rebuild: RebuildWanted | None = None
    refused: bool = False
    delete_scaled: bool = False


@dataclass
class Volume:
    uid: str
    size: int
    position: int = -1
    view: Component | None = None
    going: bool = False


@dataclass
class Pod:
    uid: str
    hash: str
    age: int = 0
    leaving: int | None = None
    joins: int | None = None
    rebuilding: bool = False

    @property
    def answers(self) -> bool:
        return self.age >= STARTS and self.hash != NO_IMAGE and self.leaving != 0


@dataclass
class Set:
    uid: str
    replicas: int
    hash: str
    size: int
    live: Mapping[str, Any]


@dataclass
class World:
    """``expandable``: whether the storage class grows volumes in place."""

    expandable: bool
    spec: Spec = field(default_factory=Spec)
    now: int = 0
    uids: int = 0
    owner: str = "resource-0"
    set: Set | None = None
    pods: dict[int, Pod] = field(default_factory=dict)
    volumes: dict[int, Volume] = field(default_factory=dict)
    group: dict[int, bool] = field(default_factory=dict)
    """The Primary Component: its members' ordinals, and whether they are Synced."""
    view: Component = field(default_factory=lambda: Component(HISTORY, 0, ()))
    commits: int = 0
    writer: tuple[int, int] = (0, 0)
    """Term and ordinal."""
    heir: int | None = None
    live: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    unapplied: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    history: str | None = None
    primary_done: int | None = None
    rebuild_seen: RebuildSeen | None = None
    phase: ClusterPhase = ClusterPhase.FORMING
    progress: Progress = field(default_factory=Progress)
    deaf: int = 0
    """Seconds for which no agent is heard."""

    def uid(self) -> str:
        self.uids += 1
        return f"uid-{self.uids}"

    def move(self) -> None:
        """A second goes by, for all but the operator."""
        self.now += 1
        self._control()
        self._pods()
        self._group()
        self.deaf = max(0, self.deaf - 1)
        if self.group:
            self.history = HISTORY

    # --- Kubernetes ----------------------------------------------------------------------------------------------

    def _control(self) -> None:
        """The StatefulSet's controller. It makes what is missing and lets go what is too much."""
        if self.set is None:
            return
        for ordinal in range(self.set.replicas):
            volume = self.volumes.get(ordinal)
            if ordinal in self.pods or self.set.hash == NO_POD or (volume is not None and volume.going):
                continue
            self.volumes.setdefault(ordinal, Volume(self.uid(), self.set.size))
            self.pods[ordinal] = Pod(self.uid(), self.set.hash)
        for ordinal, pod in self.pods.items():
            if ordinal >= self.set.replicas and pod.leaving is None:
                pod.leaving = LEAVES

    def _pods(self) -> None:
        for ordinal, pod in list(self.pods.items()):
            pod.age += 1
            if pod.leaving is None:
                continue
            pod.leaving -= 1
            if pod.leaving <= 1:
                self.leave(ordinal)
            if pod.leaving <= 0:
                del self.pods[ordinal]
        for ordinal, volume in list(self.volumes.items()):
            if volume.going and ordinal not in self.pods:
                del self.volumes[ordinal]

    def crash(self, *ordinals: int) -> None:
        """Their pods are gone at once, and so is the Primary without most of its members."""
        before = len(self.group)
        for ordinal in ordinals:
            self.pods.pop(ordinal, None)
            self.group.pop(ordinal, None)
        if len(self.group) * 2 <= before:
            self.group = {}
            for pod in self.pods.values():
                pod.joins = None
        self._install()

    # --- the members ---------------------------------------------------------------------------------------------

    def leave(self, ordinal: int) -> None:
        if self.group.pop(ordinal, None) is not None:
            self._install()

    def _install(self) -> None:
        """A new view, written down by its members. A commit or more come with it."""
        if not self.group or tuple(sorted(self.group)) == self.view.members:
            return
        self.view = Component(HISTORY, self.view.seqno + 1, tuple(sorted(self.group)))
        for ordinal in self.group:
            self.volumes[ordinal].view = self.view

    def _group(self) -> None:
        able = [
            o for o, pod in self.pods.items() if pod.answers and pod.leaving is None and pod.hash != NO_SERVER
        ]
        if not self.group:
            first = self._elected(able)
            if first is None:
                return
            self.group = {first: True}
            self._install()
        for ordinal in able:
            pod = self.pods[ordinal]
            if ordinal in self.group:
                continue
            pod.joins = JOINS if pod.joins is None else pod.joins - 1
            if pod.joins <= 0:
                pod.joins, pod.rebuilding = None, False
                self.group[ordinal] = True
                self.volumes[ordinal].position = self.commits
                self._install()
        self.commits += 1
        for ordinal in self.group:
            self.volumes[ordinal].position = self.commits
        self._write()

    def _elected(self, able: list[int]) -> int | None:
        """Rule 4: all of the latest view answer; rule 6: all declared, where nobody ever had data."""
        there = {o: self.volumes[o] for o, pod in self.pods.items() if pod.answers and pod.leaving is None}
        views = [volume.view for volume in there.values() if volume.view is not None]
        latest = max(views, key=lambda each: each.seqno, default=None)
        asked = set(latest.members) if latest is not None else set(range(self.spec.replicas))
        if not asked <= set(there):
            return None
        best = max(there[o].position for o in asked)
        return next((o for o in sorted(asked) if there[o].position == best and o in able), None)

    def _write(self) -> None:
        """Somebody of the Primary takes the writes."""
        term, now = self.writer
        if now not in self.group:
            self.writer = (term + 1, min(self.group))
            self.heir = None
        elif self.heir is not None:
            self.writer = (term + 1, self.heir if self.heir in self.group else now)
            self.heir = None

    # --- what the operator sees ----------------------------------------------------------------------------------

    def report(self, ordinal: int) -> Report:
        pod, volume = self.pods[ordinal], self.volumes[ordinal]
        always: dict[str, Any] = {
            "volume": volume.uid,
            "last_view": volume.view,
            "directory": Directory.CLEAN if volume.position >= 0 else Directory.FRESH,
            "rebuilding": pod.rebuilding,
            "leaving": pod.leaving is not None,
        }
        if ordinal in self.group:
            made = member(ordinal).primary(seqno=self.commits, size=len(self.group)).claiming(*self.writer)
            heir = self.heir if ordinal == self.writer[1] else None
            return replace(made.report, **always, phase=Phase.SYNCED, ready=True, heir=heir)
        position = Position(HISTORY, volume.position) if volume.position >= 0 else None
        built = replace(member(ordinal).report, **always, position=position)
        if pod.hash == NO_SERVER:
            return replace(built, phase=Phase.BLOCKED, why="a setting is wrong")
        return replace(built, phase=Phase.JOINING, running=True) if pod.joins is not None else built

    def ready(self, ordinal: int) -> bool:
        """Clients are led to it, and the disruption budget counts it."""
        pod = self.pods.get(ordinal)
        return pod is not None and ordinal in self.group and pod.leaving is None and pod.hash != LAME

    def _pod(self, ordinal: int) -> PodSeen:
        pod = self.pods[ordinal]
        return PodSeen(
            ordinal=ordinal,
            name=f"demo-{ordinal}",
            uid=pod.uid,
            hash=pod.hash,
            terminating=pod.leaving is not None,
            ready=self.ready(ordinal),
            beside="container aside is not ready" if pod.hash == LAME and pod.age >= STARTS else "",
            running=pod.age >= 1 and pod.hash != NO_IMAGE,
            node="node",
            role=PRIMARY if ordinal == self.writer[1] and ordinal in self.group else SECONDARY,
            trouble="ErrImagePull" if pod.hash == NO_IMAGE and pod.age >= STARTS else "",
        )

    def wanted(self) -> Wanted:
        spec = self.spec
        made = an_object("StatefulSet", "demo", template=spec.settings, volumeClaimTemplates=spec.size)
        made["metadata"]["ownerReferences"] = [{"uid": self.owner}]
        service = {**SERVICE, "metadata": made["metadata"]}
        return Wanted(
            name="demo",
            namespace="default",
            uid=self.owner,
            generation=1,
            replicas=spec.replicas,
            restart_hash=spec.settings,
            set=made,
            objects=(service,),
            size=spec.size * GIB,
            suspend=spec.suspend,
            hibernate=spec.hibernate,
            strategy=spec.strategy,
            deadline=60.0,
            delete_scaled=spec.delete_scaled,
            primary=spec.primary,
            primary_done=self.primary_done,
            rebuild=spec.rebuild,
            rebuild_seen=self.rebuild_seen,
            history=self.history,
            phase=self.phase,
            refusal="a Secret is not there" if spec.refused else None,
        )

    def seen(self) -> View:
        pods = {o: self._pod(o) for o in self.pods}
        heard = [o for o, pod in self.pods.items() if pod.answers and not self.deaf]
        reports = {o: self.report(o) for o in heard}
        podless = set(range(self.set.replicas if self.set else 0)) - set(pods)
        live = dict(self.live)
        if self.set is not None:
            live["StatefulSet", "demo"] = {
                **self.set.live,
                "spec": {**self.set.live["spec"], "replicas": self.set.replicas},
            }
        return View(
            now=float(self.now),
            wanted=self.wanted(),
            set=self._set(),
            pods=pods,
            volumes={o: self._volume(o, volume) for o, volume in self.volumes.items()},
            live=live,
            reports=reports,
            silent={o: "time-out" for o in self.pods if o not in heard},
            unmoved=self.progress.unmoved(
                float(self.now), {o: pod.uid for o, pod in self.pods.items()}, reports, podless
            ),
            uncreated=dict.fromkeys(podless, "no such class") if self.set and self.set.hash == NO_POD else {},
            unapplied=dict(self.unapplied),
        )

    def _set(self) -> SetSeen | None:
        if self.set is None:
            return None
        return SetSeen(
            uid=self.set.uid, replicas=self.set.replicas, hash=self.set.hash, size=self.set.size * GIB
        )

    def _volume(self, ordinal: int, volume: Volume) -> VolumeSeen:
        return VolumeSeen(
            ordinal=ordinal,
            name=f"data-demo-{ordinal}",
            uid=volume.uid,
            requested=volume.size * GIB,
            terminating=volume.going,
            expandable=self.expandable,
        )
