"""Executes one action of the closed union. Each may be done twice; what is taken away is named by its uid."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import assert_never

from trireme.adapters.cluster_api import APPLY, MERGE, ClusterApi, Object, RefusedError
from trireme.adapters.peers import Silence
from trireme.adapters.signing import target
from trireme.api.commands import (
    REBUILD_PATH,
    SWITCHOVER_PATH,
    VARIABLES_PATH,
    CommandReply,
    Rebuild,
    Switchover,
    Variables,
)
from trireme.api.names import ROLE_LABEL
from trireme.base.errors import PermanentError, TriremeError, UncertainError
from trireme.core.reconcile.actions import (
    Action,
    Apply,
    AskRebuild,
    AskSwitchover,
    AskVariables,
    DeletePod,
    DeleteVolume,
    Evict,
    Expand,
    Label,
    Prune,
    Recreate,
    Scale,
)
from trireme.core.reconcile.drift import drift, ref, stamp
from trireme.operator.kinds import BY_NAME, CLAIM, POD, SET, Kind
from trireme.operator.observe import Observer

MANAGER = "trireme-operator"
STALE = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
"""The picture was old: it is gone, or another one has its name. The next look tells."""
WRONG = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY)
"""The object as it is will not be taken: a rule, or somebody's admission, is against it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``done``: it was, or need not be any more. ``why`` is for people, where it was not."""

    done: bool
    why: str = ""


DONE = Outcome(True)


class Actor:
    """For one cluster."""

    def __init__(self, api: ClusterApi, observer: Observer, namespace: str, name: str) -> None:
        self._api = api
        self._observer = observer
        self._namespace, self._name = namespace, name

    async def act(self, action: Action) -> Outcome:
        """Never raises what the API or an agent says: that is the outcome."""
        try:
            return await self._do(action)
        except RefusedError as error:
            if error.status in STALE and not isinstance(action, Apply):
                return DONE
            if error.status == HTTPStatus.TOO_MANY_REQUESTS:
                return Outcome(False, f"the disruption budget refuses for now: {error.said}")
            return Outcome(False, error.said or str(error))
        except (UncertainError, PermanentError, TriremeError) as error:
            return Outcome(False, str(error))

    async def _do(self, action: Action) -> Outcome:
        match action:
            case Apply():
                return await self._apply(dict(action.obj))
            case Prune():
                kind = BY_NAME[action.ref[0]]
                return await self._delete(kind, action.ref[1], action.uid)
            case Scale():
                body: Object = {"metadata": {"uid": action.uid}, "spec": {"replicas": action.replicas}}
                return await self._patch(SET, self._name, body)
            case Recreate():
                return await self._delete(SET, self._name, action.uid, "Orphan")
            case Evict():
                return await self._evict(action)
            case DeletePod():
                return await self._delete(POD, action.pod, action.uid)
            case Expand():
                size = {"spec": {"resources": {"requests": {"storage": _spelled(action.size)}}}}
                return await self._patch(CLAIM, action.claim, size)
            case DeleteVolume():
                return await self._delete(CLAIM, action.claim, action.uid)
            case Label():
                role: Object = {"metadata": {"uid": action.uid, "labels": {ROLE_LABEL: action.role}}}
                return await self._patch(POD, action.pod, role)
            case AskSwitchover():
                return await self._ask("switchover", action.writer, SWITCHOVER_PATH, Switchover(to=action.to))
            case AskRebuild():
                request = Rebuild(ordinal=action.ordinal, why=action.why, id=action.id)
                return await self._ask("rebuild", action.ordinal, REBUILD_PATH, request)
            case AskVariables():
                return await self._ask(
                    "variables", action.ordinal, VARIABLES_PATH, Variables(values=action.values)
                )
        assert_never(action)

    async def _apply(self, obj: Object) -> Outcome:
        name = ref(obj)
        kind = BY_NAME[name[0]]
        self._observer.dirty(kind)
        try:
            made = await self._api.write(
                "PATCH",
                kind.path(self._namespace, name[1]),
                obj,
                content=APPLY,
                parameters=[("fieldManager", MANAGER), ("force", "true")],
            )
        except RefusedError as error:
            if error.status in WRONG:
                self._observer.unapplied[name] = stamp(obj), error.said or str(error)
            raise
        self._observer.unapplied.pop(name, None)
        left = drift(obj, made)
        if left is None:
            self._observer.tolerated.pop(name, None)
        else:
            self._observer.tolerated[name] = left
        return DONE

    async def _patch(self, kind: Kind, name: str, body: Object) -> Outcome:
        self._observer.dirty(kind)
        path = kind.path(self._namespace, name)
        await self._api.write("PATCH", path, body, content=MERGE, parameters=[("fieldManager", MANAGER)])
        return DONE

    async def _delete(self, kind: Kind, name: str, uid: str, propagation: str = "Background") -> Outcome:
        self._observer.dirty(kind)
        body: Object = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": propagation,
        }
        await self._api.write("DELETE", kind.path(self._namespace, name), body)
        return DONE

    async def _evict(self, action: Evict) -> Outcome:
        self._observer.dirty(POD)
        body: Object = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": action.pod, "namespace": self._namespace},
            "deleteOptions": {"preconditions": {"uid": action.uid}},
        }
        await self._api.write("POST", f"{POD.path(self._namespace, action.pod)}/eviction", body)
        return DONE

    async def _ask(self, kind: str, ordinal: int, path: str, request: object) -> Outcome:
        found = self._observer.peer(ordinal)
        if found is None:
            return Outcome(False, f"member {ordinal} cannot be asked now")
        peers, address = found
        whom = target(self._namespace, f"{self._name}-{ordinal}")
        answer: CommandReply | Silence = await peers.command(address, whom, path, request)
        if isinstance(answer, Silence):
            return Outcome(False, f"member {ordinal}: {answer.why}")
        refused = "; ".join(f"{name}: {why}" for name, why in sorted(answer.refused.items()))
        if answer.accepted and not refused:
            self._observer.refusals.pop(kind, None)
            return DONE
        self._observer.refusals[kind] = refused or answer.why
        return Outcome(False, refused or answer.why)


def _spelled(size: int) -> str:
    """Bytes as people write them, where that is exact: 2Gi."""
    for power, suffix in ((4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki")):
        if size % 1024**power == 0:
            return f"{size // 1024**power}{suffix}"
    return str(size)
