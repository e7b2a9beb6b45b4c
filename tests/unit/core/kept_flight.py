"""The operator at work in a :class:`World`, what must hold at each step, and changes at random."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from tests.unit.core.kept_world import (
    JOINS,
    LAME,
    LEAVES,
    NO_IMAGE,
    NO_POD,
    NO_SERVER,
    NO_TEMPLATE,
    Set,
    Spec,
    World,
)
from tests.unit.core.reconciling import GIB
from trireme.core.reconcile.actions import (
    Action,
    Apply,
    AskRebuild,
    AskSwitchover,
    AskVariables,
    ClusterPhase,
    Decision,
    DeletePod,
    DeleteVolume,
    Evict,
    Expand,
    Label,
    Prune,
    Recreate,
    Scale,
)
from trireme.core.reconcile.decide import decide
from trireme.core.reconcile.drift import ref, stamp
from trireme.core.reconcile.seen import RebuildSeen, RebuildWanted, Strategy


def tick(world: World) -> Decision:
    """One second, and one look of the operator."""
    world.move()
    decision = decide(world.seen())
    _check(world, decision)
    for action in decision.actions:
        _act(world, action)
    world.phase = decision.phase
    if decision.primary_done is not None:
        world.primary_done = decision.primary_done
    wanted = world.spec.rebuild
    if decision.rebuild is not None and wanted is not None:
        world.rebuild_seen = RebuildSeen(
            ordinal=wanted.ordinal, request=wanted.request, phase=decision.rebuild[0]
        )
    return decision


def _check(world: World, decision: Decision) -> None:
    """Nobody who serves is taken away while another who should is not there; the newest data are somewhere."""
    taken = [each for each in decision.actions if isinstance(each, Evict | DeletePod)]
    serving = [each for each in taken if int(each.pod.rpartition("-")[2]) in world.group]
    ready = [each for each in serving if world.ready(int(each.pod.rpartition("-")[2]))]
    assert len(serving) <= 1, decision
    if serving and world.set is not None:
        assert set(range(world.set.replicas)) <= set(world.group), (decision.why, world.group)
    if ready and world.set is not None:
        assert all(world.ready(o) for o in range(world.set.replicas)), decision.why
    newest = max((volume.position for volume in world.volumes.values()), default=0)
    assert newest == world.commits or not world.commits, (newest, world.commits, decision.why)


def _act(world: World, action: Action) -> None:
    match action:
        case AskSwitchover():
            if action.writer == world.writer[1] and action.to in world.group:
                world.heir = action.to
        case AskRebuild():
            _rebuild(world, action.ordinal)
        case AskVariables() | Label():
            pass
        case Evict() | DeletePod():
            _end(world, action)
        case _:
            _write(world, action)


def _end(world: World, action: Evict | DeletePod) -> None:
    """An eviction is refused while the budget's one member is away, be it this one."""
    number = world.set.replicas if world.set is not None else 0
    if isinstance(action, Evict) and not all(world.ready(o) for o in range(number)):
        return
    for pod in world.pods.values():
        if pod.uid == action.uid and pod.leaving is None:
            pod.leaving = LEAVES


def _write(world: World, action: Apply | Prune | Scale | Recreate | Expand | DeleteVolume) -> None:
    found = world.set
    match action:
        case Apply():
            _apply(world, action)
        case Prune():
            world.live.pop(action.ref, None)
        case Scale():
            if found is not None and found.uid == action.uid:
                found.replicas = action.replicas
        case Recreate():
            world.set = found if found is None or found.uid != action.uid else None
        case Expand():
            world.volumes[int(action.claim.rpartition("-")[2])].size = action.size // GIB
        case DeleteVolume():
            for volume in world.volumes.values():
                volume.going = volume.going or volume.uid == action.uid
        case _:
            assert_never(action)


def _apply(world: World, action: Apply) -> None:
    name = ref(action.obj)
    if name[0] != "StatefulSet":
        world.live[name] = action.obj
        return
    spec = action.obj["spec"]
    if spec["template"] == NO_TEMPLATE:
        world.unapplied[name] = stamp(action.obj), "spec.template: Invalid value"
        return
    world.unapplied.pop(name, None)
    if world.set is None:
        world.set = Set(
            world.uid(), spec["replicas"], spec["template"], spec["volumeClaimTemplates"], action.obj
        )
        return
    assert spec["volumeClaimTemplates"] == world.set.size, "claim templates cannot be changed"
    world.set.hash, world.set.live = spec["template"], action.obj


def _rebuild(world: World, ordinal: int) -> None:
    """The agent takes it on while a Primary lives without it."""
    if ordinal not in world.group or len(world.group) < 2:
        return
    world.leave(ordinal)
    world.pods[ordinal].rebuilding, world.pods[ordinal].joins = True, JOINS
    world.volumes[ordinal].position, world.volumes[ordinal].view = -1, None


class Chance:
    """Changes at random."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.world = World(expandable=self._chance.random() < 0.5)
        self.story: list[str] = []
        self._round = 0

    def run(self, seconds: int) -> Decision:
        decision = tick(self.world)
        for _ in range(seconds):
            decision = tick(self.world)
        return decision

    def fly(self, changes: int) -> None:
        for _ in range(changes):
            self.change()
            self.run(self._chance.choice((0, 1, 3, 7, 15, 40, 90)))

    def change(self) -> None:
        self._round += 1
        steps: tuple[Callable[[], object], ...] = (
            self._settings, self._settings, self._settings, self._bad, self._bad, self._replicas, self._replicas,
            self._grow, self._hibernate, self._suspend, self._strategy, self._writer, self._rebuild, self._refused,
            self._revert, self._pod_gone, self._all_gone, self._made_again, self._set_gone, self._deaf,
        )  # fmt: skip
        step = self._chance.choice(steps)
        said = step()
        self.story.append(f"{self.world.now}: {step.__name__} {said or ''}".strip())

    def base(self) -> None:
        """What can be taken back is, but for what was asked for once; a single member cannot take a larger volume."""
        spec = self.world.spec
        replicas = self._chance.choice((1, 3)) if self.world.expandable else 3
        primary = spec.primary if spec.primary is not None and spec.primary < replicas else None
        self.world.spec = Spec(size=spec.size, rebuild=spec.rebuild, primary=primary, replicas=replicas)
        self.story.append(f"{self.world.now}: base {self.world.spec}")

    def settled(self) -> bool:
        world, spec = self.world, self.world.spec
        return (
            world.phase is ClusterPhase.RUNNING
            and set(world.group) == set(world.pods) == set(range(spec.replicas))
            and all(pod.hash == spec.settings for pod in world.pods.values())
            and world.set is not None
            and world.set.size == spec.size
            and all(world.volumes[o].size == spec.size for o in world.pods)
        )

    def _put(self, **fields: object) -> object:
        spec = replace(self.world.spec, **fields)  # type: ignore[arg-type]
        if spec.primary is not None and spec.primary >= spec.replicas:
            return "refused"
        self.world.spec = spec
        return fields

    def _settings(self) -> object:
        return self._put(settings=f"good-{self._round}")

    def _bad(self) -> object:
        return self._put(settings=self._chance.choice((NO_IMAGE, NO_SERVER, NO_POD, NO_TEMPLATE, LAME)))

    def _replicas(self) -> object:
        return self._put(
            replicas=self._chance.choice((1, 3, 4, 5)), delete_scaled=self._chance.random() < 0.3
        )

    def _grow(self) -> object:
        return self._put(size=self.world.spec.size + 10)

    def _hibernate(self) -> object:
        return self._put(hibernate=not self.world.spec.hibernate)

    def _suspend(self) -> object:
        return self._put(suspend=not self.world.spec.suspend)

    def _strategy(self) -> object:
        return self._put(strategy=self._chance.choice(tuple(Strategy)))

    def _writer(self) -> object:
        return self._put(primary=self._chance.randrange(3))

    def _rebuild(self) -> object:
        return self._put(rebuild=RebuildWanted(ordinal=self._chance.randrange(4), request=f"r{self._round}"))

    def _refused(self) -> object:
        return self._put(refused=not self.world.spec.refused)

    def _revert(self) -> object:
        self.world.spec = Spec(size=self.world.spec.size)
        return None

    def _pod_gone(self) -> object:
        """One at a time: to lose a majority at once is another story, in which members wait for each other."""
        if not self.world.pods:
            return "none"
        ordinal = self._chance.choice(sorted(self.world.pods))
        self.world.crash(ordinal)
        return ordinal

    def _all_gone(self) -> object:
        self.world.crash(*self.world.pods)
        return None

    def _made_again(self) -> object:
        """The resource is deleted, its objects and pods go after it, and it is created again at once."""
        world = self.world
        world.owner, world.history, world.primary_done, world.rebuild_seen = world.uid(), None, None, None
        world.set, world.live, world.unapplied, world.phase = None, {}, {}, ClusterPhase.FORMING
        for pod in world.pods.values():
            if pod.leaving is None:
                pod.leaving = self._chance.choice((LEAVES, LEAVES + 4))
        return None

    def _set_gone(self) -> object:
        """Somebody deletes the StatefulSet, and leaves the pods."""
        self.world.set = None
        return None

    def _deaf(self) -> object:
        self.world.deaf = 20
        return None
