"""Gathers one cluster's view: Kubernetes' objects, read again only when something of their kind changed, and reports.

It judges nothing. Where the API server does not answer there is no view, and so no decision (FIELD-FAILURES 8).
"""

import asyncio
import base64
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus

import aiohttp

from trireme.adapters.cluster_api import ClusterApi, Object, RefusedError
from trireme.adapters.cluster_reader import http_port
from trireme.adapters.peers import Peers, Silence
from trireme.adapters.pod_state import pod_state
from trireme.api.report import Report
from trireme.core.reconcile.drift import ref
from trireme.core.reconcile.facts import misled
from trireme.core.reconcile.founder import founder
from trireme.core.reconcile.seen import PodSeen, Ref, View
from trireme.manifests.cluster import Names, Options
from trireme.operator.kinds import CLAIM, CLASS, CLUSTER, MADE, POD, SECRET, Kind
from trireme.operator.progress import Progress
from trireme.operator.read import arbitrator_away, pods_seen, set_seen, volumes_seen
from trireme.operator.secrets import Secrets
from trireme.operator.uncreated import Uncreated
from trireme.operator.wanted import Plan, plan

NAME_LABEL = "app.kubernetes.io/name=trireme"
READ_AGAIN_SECONDS = 300.0
"""Everything is read again so often, for news that never came."""
CLASSES_SECONDS = 300.0
RELAPSE_SECONDS = 15.0
"""A container that was restarted is trusted after so long: one that crashes in a loop runs for moments."""
TOKEN_SECONDS = 2.0
"""Between two looks for a Secret that is not there yet, or whose token the agents do not accept."""

Identity = tuple[str, str]
"""Namespace and name."""
Address = tuple[str, int]
"""An agent's IP address and port."""


class Classes:
    """Whether storage classes can grow volumes. Read rarely, shared by all clusters."""

    def __init__(self, api: ClusterApi) -> None:
        self._api = api
        self._known: dict[str, tuple[float, bool]] = {}

    async def expandable(self, names: Iterable[str]) -> dict[str, bool]:
        """True where nobody may ask, or there is no such class any more: the API server refuses what cannot be."""
        return {name: await self._expandable(name) for name in set(names)}

    async def _expandable(self, name: str) -> bool:
        since, known = self._known.get(name, (float("-inf"), True))
        if time.monotonic() - since < CLASSES_SECONDS:
            return known
        try:
            found = await self._api.get(f"{CLASS.collection(None)}/{name}")
            known = bool(found.get("allowVolumeExpansion"))
        except RefusedError:
            known = True
        self._known[name] = (time.monotonic(), known)
        return known


class Observer:
    """One cluster. ``dirty`` says what changed; what failed to be read stays dirty."""

    def __init__(
        self,
        api: ClusterApi,
        classes: Classes,
        session: aiohttp.ClientSession,
        identity: Identity,
        options: Options,
    ) -> None:
        self._api, self._classes, self._session = api, classes, session
        self._namespace, self._name = identity
        self._options = options
        self._secrets = Secrets(api, self._namespace, self._name)
        self._uncreated = Uncreated(api, self._namespace, self._name)
        self._stale: set[str] = {kind.name for kind in (CLUSTER, POD, CLAIM, *MADE)}
        self._read_at = float("-inf")
        self._spread = random.uniform(0.8, 1.0)  # noqa: S311
        """Hundreds of clusters that began together are not read again together."""
        self._lists: dict[str, list[Object]] = {}
        self._token: tuple[float, bytes | None] = (float("-inf"), None)
        self._refused: int = HTTPStatus.NOT_FOUND
        """What the API server last answered instead of the Secret with the token."""
        self._progress = Progress()
        self._restarts: dict[str, tuple[int, float]] = {}
        """By pod's uid: how often its containers were restarted, and since when it is that often."""
        self.cluster: Object = {}
        self.plan: Plan | None = None
        self.addresses: dict[int, Address] = {}
        self.tolerated: dict[Ref, str] = {}
        self.unapplied: dict[Ref, tuple[str, str]] = {}
        self.refusals: dict[str, str] = {}
        self._misled: tuple[int | None, float] = (None, 0.0)

    def dirty(self, *kinds: Kind) -> None:
        self._stale.update(kind.name for kind in kinds or (CLUSTER, POD, CLAIM, *MADE))

    def took(self, cluster: Object) -> None:
        """The resource as our own write left it."""
        self.cluster = cluster

    def peer(self, ordinal: int) -> tuple[Peers, str] | None:
        """How to ask a member's agent; None where it cannot be asked now."""
        token, where = self._token[1], self.addresses.get(ordinal)
        if token is None or where is None:
            return None
        address, port = where
        return Peers(token, port, None, self._session), address

    async def observe(self, now: float, age: float = READ_AGAIN_SECONDS) -> View | None:
        """None where the resource is gone. ``age``: seconds that what was read may be old. Raises as the API's reads."""
        if now - self._read_at > age * self._spread:
            self.dirty()
            self._read_at = now
        if not await self._read_cluster():
            return None
        await asyncio.gather(*(self._read(kind) for kind in (POD, CLAIM, *MADE)))
        live = {ref(each): each for kind in MADE for each in self._lists[kind.name]}
        claims = self._lists[CLAIM.name]
        classes = await self._classes.expandable(filter(None, (_class_of(each) for each in claims)))
        pods = pods_seen(self._name, self._lists[POD.name])
        self.addresses = self._addresses()
        reports, silent = await self._ask()
        self.plan = await self._with_secrets(plan(self.cluster, self._options, self._founder(live, reports)))
        made = set_seen(live.get(("StatefulSet", self._name)))
        podless = set(range(made.replicas if made is not None else 0)) - set(pods)
        unmoved = self._progress.unmoved(now, {o: pod.uid for o, pod in pods.items()}, reports, podless)
        view = View(
            now=now,
            wanted=self.plan.wanted,
            set=made,
            pods=pods,
            volumes=volumes_seen(self._name, claims, classes),
            live=live,
            reports=reports,
            silent=silent,
            unmoved=unmoved,
            uncreated=await self._uncreated.words(
                {ordinal: unmoved[ordinal] for ordinal in podless}, made.uid if made is not None else ""
            ),
            arbitrator_away=self._arbitrator_away(live),
            relapsed=self._relapsed(now, pods),
            tolerated=dict(self.tolerated),
            unapplied=dict(self.unapplied),
            refusals=dict(self.refusals),
        )
        return replace(view, misled=self._misled_for(now, misled(view)))

    def _arbitrator_away(self, live: Mapping[Ref, Object]) -> str:
        where = ("Deployment", Names(self._name).arbitrator)
        wanted = self.plan is not None and where in map(ref, self.plan.wanted.objects)
        return arbitrator_away(live.get(where), self._lists[POD.name]) if wanted else ""

    def _misled_for(self, now: float, who: int | None) -> float:
        if who is None or who != self._misled[0]:
            self._misled = (who, now)
        return now - self._misled[1] if who is not None else 0.0

    async def _with_secrets(self, made: Plan) -> Plan:
        """Nothing is applied whose pods would wait for a Secret that is not there."""
        if made.wanted.refusal is not None or made.wanted.deleting:
            return made
        missing = await self._secrets.missing(self.cluster.get("spec") or {})
        return replace(made, wanted=replace(made.wanted, refusal=missing)) if missing else made

    def _founder(self, live: Mapping[Ref, Object], reports: Mapping[int, Report]) -> str | None:
        spec = self.cluster.get("spec") or {}
        before = live.get(("ConfigMap", f"{self._name}-live")) or {}
        return founder(
            wanted=bool(spec.get("newCluster")),
            history=(self.cluster.get("status") or {}).get("clusterUUID"),
            replicas=int(spec.get("replicas") or 0),
            reports=reports,
            given=(before.get("data") or {}).get("TRIREME_NEW_CLUSTER"),
        )

    async def _read_cluster(self) -> bool:
        if CLUSTER.name not in self._stale:
            return True
        self._stale.discard(CLUSTER.name)
        try:
            self.cluster = await self._api.get(CLUSTER.path(self._namespace, self._name))
        except RefusedError as error:
            self._stale.add(CLUSTER.name)
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        except BaseException:
            self._stale.add(CLUSTER.name)
            raise
        return True

    async def _read(self, kind: Kind) -> None:
        """Marked as read before it is asked for: what changes meanwhile is read again."""
        if kind.name not in self._stale and kind.name in self._lists:
            return
        self._stale.discard(kind.name)
        selector = f"{NAME_LABEL},app.kubernetes.io/instance={self._name}"
        try:
            found = await self._api.list(kind.collection(self._namespace), selector)
        except BaseException:
            self._stale.add(kind.name)
            raise
        for each in found:
            each.setdefault("kind", kind.name)
            each.setdefault("apiVersion", kind.api_version)
        self._lists[kind.name] = found

    def _addresses(self) -> dict[int, Address]:
        found = {}
        for pod in self._lists[POD.name]:
            ordinal = pod["metadata"]["name"].removeprefix(f"{self._name}-")
            state = pod_state(pod)
            if ordinal.isdecimal() and state.address and state.running:
                found[int(ordinal)] = (state.address, http_port(pod))
        return found

    async def _ask(self) -> tuple[dict[int, Report], dict[int, str]]:
        """Every agent whose container runs. Without the token nobody can be asked."""
        if not self.addresses:
            return {}, {}
        await self._read_token()
        if self._token[1] is None:
            return {}, dict.fromkeys(self.addresses, no_token(self._name, self._refused))
        answers = await asyncio.gather(*(self._report(ordinal) for ordinal in self.addresses))
        told = dict(zip(self.addresses, answers, strict=True))
        full_name = f"{self._namespace}/{self._name}"
        reports = {
            ordinal: answer
            for ordinal, answer in told.items()
            if isinstance(answer, Report) and (answer.cluster, answer.ordinal) == (full_name, ordinal)
        }
        silent = {
            ordinal: answer.why if isinstance(answer, Silence) else "another member answers at its address"
            for ordinal, answer in told.items()
            if ordinal not in reports
        }
        if silent and not reports:
            self._forget_old_token()
        return reports, silent

    async def _report(self, ordinal: int) -> Report | Silence:
        found = self.peer(ordinal)
        return Silence("it cannot be asked now") if found is None else await found[0].report(found[1])

    async def _read_token(self) -> None:
        asked, token = self._token
        if token is not None or time.monotonic() - asked < TOKEN_SECONDS:
            return
        self._token = (time.monotonic(), None)
        try:
            secret = await self._api.get(SECRET.path(self._namespace, self._name))
        except RefusedError as error:
            self._refused = error.status
            return
        self._refused = HTTPStatus.NOT_FOUND
        value = (secret.get("data") or {}).get("token", "")
        self._token = (time.monotonic(), base64.b64decode(value).strip() or None)

    def _forget_old_token(self) -> None:
        """Nobody accepts it: it may have been changed."""
        if time.monotonic() - self._token[0] > TOKEN_SECONDS:
            self._token = (float("-inf"), None)

    def _relapsed(self, now: float, pods: Mapping[int, PodSeen]) -> frozenset[int]:
        """Counted from when it was seen, by the operator's own clock."""
        before, self._restarts = self._restarts, {}
        for pod in pods.values():
            count, since = before.get(pod.uid, (0, now))
            self._restarts[pod.uid] = (pod.restarts, since if count == pod.restarts else now)
        recent = {uid for uid, (count, at) in self._restarts.items() if count and now - at < RELAPSE_SECONDS}
        return frozenset(ordinal for ordinal, pod in pods.items() if pod.uid in recent)


def no_token(secret: str, refused: int) -> str:
    """Why nobody can be asked. A Secret without the token is as one that is not there: the status is 404."""
    if refused == HTTPStatus.NOT_FOUND:
        return (
            f"the Secret {secret} with the agents' token is not there; if somebody deleted it, restore it from a member "
            "that runs: docs/failure-modes.md, The Secret is gone"
        )
    return f"the operator may not read the Secret {secret} ({refused})"


def _class_of(claim: Object) -> str:
    return str((claim.get("spec") or {}).get("storageClassName") or "")
