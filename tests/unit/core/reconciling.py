"""Clusters in the words of docs/operator.md: ``cluster(3)`` runs in peace; its methods say what is different."""

from dataclasses import replace
from typing import Any

from tests.unit.core.builders import Builder, member
from trireme.api.names import PRIMARY, SECONDARY
from trireme.api.report import Phase, Report
from trireme.core.reconcile.actions import Decision
from trireme.core.reconcile.decide import decide
from trireme.core.reconcile.drift import ref, stamped
from trireme.core.reconcile.keep import with_replicas
from trireme.core.reconcile.seen import PodSeen, SetSeen, View, VolumeSeen, Wanted

NEW, OLD = "new-hash", "old-hash"
GIB = 1024**3
OWNER = {"metadata": {"ownerReferences": [{"uid": "cluster-uid"}]}}


def an_object(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "ownerReferences": [{"uid": "cluster-uid"}]}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}


SET = an_object("StatefulSet", "demo", template="the template")
SERVICE = an_object("Service", "demo", ports=[{"name": "mysql", "port": 3306}])


class Cluster:
    """A view under construction; every method gives a new one."""

    def __init__(self, view: View) -> None:
        self.view = view

    def decide(self) -> Decision:
        return decide(self.view)

    def _with(self, **fields: Any) -> "Cluster":
        return Cluster(replace(self.view, **fields))

    def wanting(self, **fields: Any) -> "Cluster":
        return self._with(wanted=replace(self.view.wanted, **fields))

    def set(self, **fields: Any) -> "Cluster":
        assert self.view.set is not None
        found = replace(self.view.set, **fields)
        live = {**self.view.live, ("StatefulSet", "demo"): stamped(with_replicas(SET, found.replicas))}
        return self._with(set=found, live=live)

    def without_set(self) -> "Cluster":
        return self._with(set=None, live={k: v for k, v in self.view.live.items() if k[0] != "StatefulSet"})

    def pod(self, ordinal: int, **fields: Any) -> "Cluster":
        return self._with(pods={**self.view.pods, ordinal: replace(self.view.pods[ordinal], **fields)})

    def without_pod(self, *ordinals: int) -> "Cluster":
        made = self._with(pods={o: p for o, p in self.view.pods.items() if o not in ordinals})
        return made._with(reports={o: r for o, r in made.view.reports.items() if o not in ordinals})

    def report(self, ordinal: int, **fields: Any) -> "Cluster":
        reports = {**self.view.reports, ordinal: replace(self.view.reports[ordinal], **fields)}
        return self._with(reports=reports)

    def server(self, ordinal: int, **fields: Any) -> "Cluster":
        server = self.view.reports[ordinal].server
        assert server is not None
        return self.report(ordinal, server=replace(server, **fields))

    def silent(self, *ordinals: int) -> "Cluster":
        reports = {o: r for o, r in self.view.reports.items() if o not in ordinals}
        return self._with(reports=reports, silent=dict.fromkeys(ordinals, "connection refused"))

    def down(self, ordinal: int, phase: Phase = Phase.WAITING, why: str = "waits") -> "Cluster":
        """Its agent runs and its server does not; the others go on without it."""
        made = self.report(ordinal, server=None, running=False, phase=phase, why=why)
        return made.pod(ordinal, ready=False)

    def all_down(self, phase: Phase = Phase.WAITING) -> "Cluster":
        made = self
        for ordinal in self.view.pods:
            made = made.down(ordinal, phase)
        return made

    def outdated(self, *ordinals: int) -> "Cluster":
        made = self
        for ordinal in ordinals:
            made = made.pod(ordinal, hash=OLD)
        return made

    def volume(self, ordinal: int, **fields: Any) -> "Cluster":
        volumes = {**self.view.volumes, ordinal: replace(self.view.volumes[ordinal], **fields)}
        return self._with(volumes=volumes)

    def writer(self, ordinal: int) -> "Cluster":
        """This member takes the writes, and clients are led there."""
        reports: dict[int, Report] = {
            o: Builder(r).claiming(2, ordinal).report for o, r in self.view.reports.items()
        }
        pods = {o: replace(p, role=PRIMARY if o == ordinal else SECONDARY) for o, p in self.view.pods.items()}
        return self._with(reports=reports, pods=pods)

    def moving(self, **fields: Any) -> "Cluster":
        return self._with(**fields)


def cluster(members: int = 3) -> Cluster:
    """All are Synced, have the wanted settings, and member 0 writes."""
    wanted = Wanted(
        name="demo",
        namespace="default",
        uid="cluster-uid",
        generation=1,
        replicas=members,
        restart_hash=NEW,
        set=SET,
        objects=(SERVICE,),
        size=10 * GIB,
        history="11111111-1111-1111-1111-111111111111",
        primary_done=None,
    )
    pods = {o: pod(o) for o in range(members)}
    reports = {o: synced(o, members).report for o in range(members)}
    volumes = {
        o: VolumeSeen(
            ordinal=o,
            name=f"data-demo-{o}",
            uid=f"volume-uid-{o}",
            requested=10 * GIB,
            capacity=10 * GIB,
        )
        for o in range(members)
    }
    live = {ref(obj): stamped(obj) for obj in (SERVICE, with_replicas(SET, members))}
    found = SetSeen(uid="set-uid", replicas=members, hash=NEW, size=10 * GIB)
    return Cluster(
        View(now=1000.0, wanted=wanted, set=found, pods=pods, volumes=volumes, live=live, reports=reports)
    ).writer(0)


def pod(ordinal: int) -> PodSeen:
    return PodSeen(
        ordinal=ordinal,
        name=f"demo-{ordinal}",
        uid=f"pod-uid-{ordinal}",
        hash=NEW,
        ready=True,
        running=True,
        node="node",
    )


def synced(ordinal: int, members: int) -> Builder:
    built = member(ordinal).primary(size=members).in_view(5, *range(members))
    return Builder(replace(built.report, phase=Phase.SYNCED, why="is Synced", ready=True))
