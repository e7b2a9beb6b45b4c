"""What the operator does next: named situations of the whole decision."""

from dataclasses import replace

import pytest

from tests.unit.core.reconciling import GIB, NEW, OLD, SERVICE, SET, Cluster, an_object, cluster
from trireme.api.report import Phase, Upgrade, UpgradeState
from trireme.core.reconcile.actions import (
    Action,
    Apply,
    AskRebuild,
    AskSwitchover,
    AskVariables,
    ClusterPhase,
    DeletePod,
    DeleteVolume,
    Evict,
    Expand,
    Label,
    Prune,
    Recreate,
    Scale,
)
from trireme.core.reconcile.drift import ref, stamp, stamped
from trireme.core.reconcile.keep import with_replicas
from trireme.core.reconcile.seen import RebuildSeen, RebuildWanted, Strategy

RESTARTING = (Evict, DeletePod, Scale, DeleteVolume, Recreate, AskRebuild, AskSwitchover)
"""Actions that interrupt something."""


def restart(ordinal: int) -> Evict:
    return Evict(f"demo-{ordinal}", f"pod-uid-{ordinal}")


def delete(ordinal: int) -> DeletePod:
    return DeletePod(f"demo-{ordinal}", f"pod-uid-{ordinal}")


def scale(members: int) -> Scale:
    return Scale("set-uid", members)


OUTDATED = cluster().outdated(0, 1, 2)
GROWN = cluster().wanting(size=20 * GIB)
LAME = cluster().pod(1, ready=False, beside="container http is not ready (CrashLoopBackOff)")
STUCK = cluster().outdated(0, 1).down(2, Phase.BLOCKED, "bad setting")
ANOTHER = {**SET, "spec": {"template": "another"}}
AS_LARGE = {**ANOTHER, "spec": {**ANOTHER["spec"], "volumeClaimTemplates": None}}
APPLIES_AS_LARGE = Apply(stamped(with_replicas(AS_LARGE, 3)), "its settings changed")
NEVER_STARTED = (
    cluster()
    .all_down()
    .wanting(history=None)
    .report(0, last_view=None)
    .report(1, last_view=None)
    .report(2, last_view=None)
)
APPLIES = Apply(stamped(with_replicas(ANOTHER, 3)), "its settings changed")
APPLIES_THIRD = Apply(
    stamped(with_replicas({**SET, "spec": {"template": "a third"}}, 3)), "its settings changed"
)
REFUSED = {("StatefulSet", "demo"): (stamp(APPLIES.obj), "spec.template: Invalid value")}
FIVE = cluster(5)
WANTS_FIVE = cluster().wanting(replicas=5)
WANTS_THREE = FIVE.wanting(replicas=3)
REBUILD = cluster().wanting(rebuild=RebuildWanted(ordinal=2, request="monday"))
RUNS = RebuildSeen(ordinal=2, request="monday", phase="Running")
MISLED = cluster().writer(1).report(1, unrouted=True).pod(1, role="secondary").pod(0, role="primary")
LABELLED = MISLED.pod(1, role="primary").pod(0, role="secondary")
UPGRADES = Upgrade(state=UpgradeState.RUNNING, data="10.11", server="11.4", why="mariadb-upgrade runs")

TABLE: list[tuple[str, Cluster, tuple[Action, ...], ClusterPhase]] = [
    ("nothing to do", cluster(), (), ClusterPhase.RUNNING),
    ("one member alone", cluster(1), (), ClusterPhase.RUNNING),
    # --- hands off
    ("suspended", OUTDATED.wanting(suspend=True, replicas=5), (), ClusterPhase.SUSPENDED),
    ("being deleted", OUTDATED.wanting(deleting=True, replicas=5), (), ClusterPhase.DELETING),
    ("settings that cannot be used, and the writer serves", OUTDATED.wanting(refusal="line 3"), (), ClusterPhase.DEGRADED),
    ("settings that cannot be used, and nobody serves", OUTDATED.all_down().wanting(refusal="line 3"), (), ClusterPhase.BLOCKED),
    # --- scaling
    ("two more are wanted: one at a time", WANTS_FIVE, (scale(4),), ClusterPhase.SCALING),
    ("the new one still joins", WANTS_FIVE.report(2, phase=Phase.TRANSFERRING, server=None), (), ClusterPhase.SCALING),
    ("a member does not answer: no new one", WANTS_FIVE.silent(1), (), ClusterPhase.SCALING),
    ("two fewer are wanted: the highest first", WANTS_THREE, (scale(4),), ClusterPhase.SCALING),
    ("it still leaves", WANTS_THREE.set(replicas=4).pod(4, terminating=True), (), ClusterPhase.SCALING),
    ("fewer, and one of those that stay is away", WANTS_THREE.down(1), (), ClusterPhase.SCALING),
    ("fewer, and one of those that stay does not answer", WANTS_THREE.silent(1), (), ClusterPhase.SCALING),
    ("fewer, and the one that leaves is away already", WANTS_THREE.down(4), (scale(4),), ClusterPhase.SCALING),
    ("fewer, and the writer would go", WANTS_THREE.writer(4), (AskSwitchover(4, 0),), ClusterPhase.SCALING),
    ("fewer, and the writer would go later", WANTS_THREE.writer(3), (AskSwitchover(3, 0),), ClusterPhase.SCALING),
    ("the writer hands over", WANTS_THREE.writer(4).report(4, heir=0), (), ClusterPhase.SCALING),
    ("the writer handed over, clients are not led there yet", WANTS_THREE.report(0, unrouted=True), (), ClusterPhase.SCALING),
    # --- agents that cannot label pods
    ("clients are led elsewhere, for a moment", MISLED.moving(misled=3.0), (), ClusterPhase.DEGRADED),
    ("for long: the writer's pod first", MISLED.moving(misled=11.0), (Label("demo-1", "pod-uid-1", "primary"),), ClusterPhase.DEGRADED),
    ("then its predecessor's", MISLED.pod(1, role="primary").moving(misled=12.0), (Label("demo-0", "pod-uid-0", "secondary"),), ClusterPhase.DEGRADED),
    ("the agent goes on saying so, and labels lead clients there", LABELLED.moving(misled=13.0), (), ClusterPhase.RUNNING),
    ("the writer can restart after that", LABELLED.outdated(0).moving(misled=13.0), (restart(0),), ClusterPhase.UPDATING),
    # --- rolling changes
    ("secondaries first, the highest", OUTDATED, (restart(2),), ClusterPhase.UPDATING),
    ("the next one", OUTDATED.pod(2, hash=NEW), (restart(1),), ClusterPhase.UPDATING),
    ("the last one is not back", cluster().outdated(0, 1).down(2, Phase.JOINING), (), ClusterPhase.UPDATING),
    ("a donor serves a joiner", OUTDATED.server(1, state=2), (), ClusterPhase.UPDATING),
    ("a member does not answer", OUTDATED.silent(1), (), ClusterPhase.UPDATING),
    ("mariadb-upgrade runs", OUTDATED.report(2, upgrade=UPGRADES), (), ClusterPhase.UPDATING),
    ("the writer hands its role over first", cluster().outdated(0), (AskSwitchover(0, 1),), ClusterPhase.UPDATING),
    ("then it restarts", cluster().outdated(0).writer(1), (restart(0),), ClusterPhase.UPDATING),
    ("not before clients are led away", cluster().outdated(0).writer(1).report(1, unrouted=True), (), ClusterPhase.UPDATING),
    ("nor while both have the label", cluster().outdated(0).writer(1).pod(0, role="primary"), (), ClusterPhase.UPDATING),
    ("a single member has no heir", cluster(1).outdated(0), (restart(0),), ClusterPhase.UPDATING),
    ("a budget that forbids every eviction", OUTDATED.wanting(budget_blocks=True), (delete(2),), ClusterPhase.UPDATING),
    ("the StatefulSet is not observed yet", OUTDATED.set(observed=False), (), ClusterPhase.UPDATING),
    ("OnDelete", OUTDATED.wanting(strategy=Strategy.ON_DELETE), (), ClusterPhase.RUNNING),
    ("Never", OUTDATED.wanting(strategy=Strategy.NEVER), (), ClusterPhase.RUNNING),
    ("stuck: no other restarts", STUCK, (), ClusterPhase.UPDATING),
    ("stuck and reverted: the broken one goes back", cluster().outdated(2).down(2, Phase.BLOCKED), (delete(2),), ClusterPhase.UPDATING),
    ("stuck by an image that is not there", cluster().outdated(2).silent(2).pod(2, running=False, ready=False, trouble="ImagePullBackOff"), (delete(2),), ClusterPhase.UPDATING),
    ("stuck by a Secret that is not there", cluster().outdated(2).silent(2).pod(2, running=False, ready=False).moving(unmoved={2: 11.0}), (delete(2),), ClusterPhase.UPDATING),
    ("an outdated one that starts just now", cluster().outdated(2).silent(2).pod(2, running=False, ready=False).moving(unmoved={2: 1.0}), (), ClusterPhase.UPDATING),
    ("an outdated one that answers while Kubernetes lags", cluster().outdated(2).pod(2, running=False, ready=False).moving(unmoved={2: 60.0}), (), ClusterPhase.UPDATING),
    ("a sidecar of the new settings ends again and again", cluster().outdated(0, 1).moving(relapsed=frozenset({2})), (), ClusterPhase.UPDATING),
    ("a container of an outdated member was restarted", cluster().outdated(0, 1).moving(relapsed=frozenset({1})), (restart(1),), ClusterPhase.UPDATING),
    ("stuck by a sidecar and reverted: the lame go first, past a budget that counts them", LAME.outdated(1), (delete(1),), ClusterPhase.UPDATING),
    ("lame beside a member that is away", LAME.outdated(1).down(2), (), ClusterPhase.UPDATING),
    ("outdated and still trying", cluster().outdated(2).down(2), (), ClusterPhase.UPDATING),
    ("outdated and trying in vain", cluster().outdated(2).down(2).moving(unmoved={2: 30.0}), (delete(2),), ClusterPhase.UPDATING),
    ("outdated and in a state transfer: never cut short", cluster().outdated(2).down(2, Phase.TRANSFERRING).moving(unmoved={2: 900.0}), (), ClusterPhase.UPDATING),
    ("the API server refuses the new settings: no member gets any", OUTDATED.wanting(set=ANOTHER).moving(unapplied=REFUSED), (APPLIES,), ClusterPhase.DEGRADED),
    ("it refuses them, and nobody serves", OUTDATED.all_down().wanting(set=ANOTHER).moving(unapplied=REFUSED), (APPLIES,), ClusterPhase.BLOCKED),
    ("it refused what is wanted no more", OUTDATED.moving(unapplied=REFUSED), (restart(2),), ClusterPhase.UPDATING),
    ("it refused other settings: these are tried", OUTDATED.wanting(set={**SET, "spec": {"template": "a third"}}).moving(unapplied=REFUSED), (APPLIES_THIRD, restart(2)), ClusterPhase.UPDATING),
    # --- a person's requests
    ("another writer is wanted", cluster().wanting(primary=1), (AskSwitchover(0, 1),), ClusterPhase.SWITCHING_OVER),
    ("it hands over", cluster().wanting(primary=1).report(0, heir=1), (), ClusterPhase.SWITCHING_OVER),
    ("it was that once, and failed over since", cluster().wanting(primary=1, primary_done=1), (), ClusterPhase.RUNNING),
    ("the wanted writer is away", cluster().wanting(primary=1).down(1), (), ClusterPhase.SWITCHING_OVER),
    ("a rebuild", REBUILD, (AskRebuild(2, "monday", "cluster-uid/1/monday"),), ClusterPhase.REBUILDING),
    ("a rebuild while another is away", REBUILD.down(1), (), ClusterPhase.REBUILDING),
    ("a rebuild of the writer", REBUILD.writer(2), (AskSwitchover(2, 0),), ClusterPhase.REBUILDING),
    ("an operator that died had asked, and it is done", REBUILD.report(2, rebuild_id="cluster-uid/1/monday"), (), ClusterPhase.REBUILDING),
    ("the same word was taken on for another spec", REBUILD.report(2, rebuild_id="cluster-uid/0/monday"), (AskRebuild(2, "monday", "cluster-uid/1/monday"),), ClusterPhase.REBUILDING),
    ("it is under way", REBUILD.report(2, rebuilding=True).wanting(rebuild_seen=RUNS), (), ClusterPhase.REBUILDING),
    ("that word was acted upon", REBUILD.wanting(rebuild_seen=replace(RUNS, phase="Done")), (), ClusterPhase.RUNNING),
    ("live variables", cluster().wanting(variables={"max_connections": "99"}).report(1, variables={"max_connections": "99"}), (AskVariables(0, {"max_connections": "99"}), AskVariables(2, {"max_connections": "99"})), ClusterPhase.RUNNING),
    ("a live variable is wanted no more", cluster().report(1, variables={"max_connections": "99"}), (restart(1),), ClusterPhase.UPDATING),
    # --- volumes
    ("larger volumes: the claims grow, the StatefulSet is made again", GROWN, (*(Expand(f"data-demo-{n}", 20 * GIB) for n in range(3)), Recreate("set-uid")), ClusterPhase.UPDATING),
    ("not while a pod is missing", GROWN.without_pod(2).volume(0, requested=20 * GIB).volume(1, requested=20 * GIB).volume(2, requested=20 * GIB), (), ClusterPhase.UPDATING),
    ("they wait for a pod, and the pod waits for the settings", GROWN.without_pod(2).volume(0, requested=20 * GIB).volume(1, requested=20 * GIB).volume(2, requested=20 * GIB).set(hash=OLD).wanting(set=ANOTHER), (APPLIES_AS_LARGE,), ClusterPhase.UPDATING),
    # --- hibernation
    ("hibernate: the highest leaves first", cluster().wanting(hibernate=True), (scale(2),), ClusterPhase.HIBERNATING),
    ("hibernate: member 0 writes first", cluster().wanting(hibernate=True).writer(2), (AskSwitchover(2, 0),), ClusterPhase.HIBERNATING),
    ("hibernate: one after the other", cluster().wanting(hibernate=True).set(replicas=2).pod(2, terminating=True), (), ClusterPhase.HIBERNATING),
    ("hibernate: the last one", cluster().wanting(hibernate=True).set(replicas=1).without_pod(1, 2), (scale(0),), ClusterPhase.HIBERNATING),
    ("hibernates", cluster().wanting(hibernate=True).set(replicas=0).without_pod(0, 1, 2), (), ClusterPhase.HIBERNATED),
    ("wakes: all at once", cluster().set(replicas=0).without_pod(0, 1, 2), (scale(3),), ClusterPhase.RECOVERING),
    # --- without a Primary
    ("all crashed: the agents recover", cluster().all_down(), (), ClusterPhase.RECOVERING),
    ("all crashed, with changes to make", OUTDATED.all_down().wanting(replicas=5, primary=2), (), ClusterPhase.RECOVERING),
    ("all crashed, and one of the latest view has left", cluster().set(replicas=2).without_pod(2).all_down(), (scale(3),), ClusterPhase.RECOVERING),
    ("the same, and one that is there does not answer", cluster().set(replicas=2).without_pod(2).all_down().silent(1), (), ClusterPhase.RECOVERING),
    ("all crashed while fewer were wanted, the latest view has all", WANTS_THREE.set(replicas=4).without_pod(4).all_down(), (scale(5),), ClusterPhase.RECOVERING),
    ("hibernation is called off when no Primary lives", cluster().set(replicas=1).without_pod(1, 2).all_down(), (scale(3),), ClusterPhase.RECOVERING),
    ("more are wanted before the first start", NEVER_STARTED.wanting(replicas=5), (scale(5),), ClusterPhase.FORMING),
    ("the first start", cluster().all_down().wanting(history=None), (), ClusterPhase.FORMING),
    ("it never started and its settings are new", OUTDATED.all_down(Phase.BLOCKED), (delete(0), delete(1), delete(2)), ClusterPhase.UPDATING),
    ("nobody answers, all are ready", OUTDATED.silent(0, 1, 2).wanting(replicas=1, hibernate=False), (), ClusterPhase.UNKNOWN),
]  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "actions", "phase"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_situation(seen: Cluster, actions: tuple[Action, ...], phase: ClusterPhase) -> None:
    decision = seen.decide()
    assert decision.actions == actions, decision.why
    assert decision.phase is phase, decision.why
    assert decision.why and "\n" not in decision.why
    assert decision.wake_at > seen.view.now


def test_a_rebuild_of_a_member_that_was_scaled_away_is_over() -> None:
    """It would be waited for without end, and the cluster would be Rebuilding for ever."""
    gone = cluster(1).wanting(rebuild=RebuildWanted(ordinal=2, request="monday"), rebuild_seen=RUNS)
    assert gone.decide().rebuild == ("Failed", "there is no member 2: the cluster has 1")
    there = cluster().wanting(
        replicas=1, rebuild=RebuildWanted(ordinal=2, request="monday"), rebuild_seen=RUNS
    )
    assert there.report(2, rebuilding=True).decide().rebuild is None


# --- objects ---------------------------------------------------------------------------------------------------


def test_everything_is_made_at_once_and_all_members_together() -> None:
    seen = cluster().without_set().without_pod(0, 1, 2).moving(live={})
    made = [
        (each.obj["kind"], each.obj["spec"].get("replicas"))
        for each in seen.decide().actions
        if isinstance(each, Apply)
    ]
    assert made == [("Service", None), ("StatefulSet", 3)]


def test_a_statefulset_that_was_taken_away_is_made_around_its_pods() -> None:
    (made,) = cluster(5).wanting(replicas=3).without_set().decide().actions
    assert isinstance(made, Apply)
    assert made.obj["spec"]["replicas"] == 5, "scaling down is done in order, afterwards"


def test_after_a_deletion_it_is_made_for_all_and_not_for_those_that_leave() -> None:
    leaving = cluster().without_pod(2).pod(0, terminating=True).pod(1, terminating=True)
    (made,) = leaving.without_set().decide().actions
    assert isinstance(made, Apply)
    assert made.obj["spec"]["replicas"] == 3
    (made,) = leaving.without_set().wanting(hibernate=True).decide().actions
    assert isinstance(made, Apply)
    assert made.obj["spec"]["replicas"] == 0, "nobody is started to be stopped again"


def test_drift_is_repaired_and_others_fields_are_left() -> None:
    seen = cluster()
    live = dict(seen.view.live)
    changed = {**live["Service", "demo"], "spec": {"ports": [{"name": "mysql", "port": 3306, "nodePort": 1}]}}
    assert not seen.moving(live={**live, ("Service", "demo"): changed}).decide().actions
    changed = {**changed, "spec": {"ports": [{"name": "mysql", "port": 3307}]}}
    drifted = seen.moving(live={**live, ("Service", "demo"): changed})
    (apply,) = drifted.decide().actions
    assert isinstance(apply, Apply)
    assert apply.why == "somebody changed spec.ports[0].port"
    assert not drifted.moving(tolerated={("Service", "demo"): "spec.ports[0].port"}).decide().actions


def test_what_is_wanted_no_more_goes_and_what_is_not_ours_stays() -> None:
    seen = cluster()
    ours, other = an_object("ConfigMap", "ours"), an_object("ConfigMap", "other")
    ours["metadata"]["uid"] = "ours-uid"
    other["metadata"]["ownerReferences"] = [{"uid": "somebody"}]
    more = {("ConfigMap", "ours"): ours, ("ConfigMap", "other"): other}
    assert seen.moving(live={**seen.view.live, **more}).decide().actions == (
        Prune(("ConfigMap", "ours"), "v1", "ours-uid"),
    )


def test_an_object_of_somebody_else_is_in_the_way() -> None:
    theirs = {**SERVICE, "metadata": {"name": "demo"}}
    seen = OUTDATED.moving(live={**cluster().view.live, ("Service", "demo"): theirs})
    decision = seen.decide()
    assert decision.actions == ()
    assert "Service demo exists already" in decision.why


def test_with_on_delete_the_statefulset_gets_the_settings_and_no_member_does() -> None:
    seen = OUTDATED.set(hash=OLD).wanting(strategy=Strategy.ON_DELETE)
    (apply,) = seen.wanting(set={**SET, "spec": {"template": "another"}}).decide().actions
    assert isinstance(apply, Apply) and apply.obj["kind"] == "StatefulSet"
    renewed = OUTDATED.pod(2, hash=NEW).wanting(strategy=Strategy.ON_DELETE).decide()
    assert (renewed.actions, renewed.phase) == ((), ClusterPhase.RUNNING)
    assert "member 0, 1 takes the new settings when its pod is deleted" in renewed.why


def test_an_older_mariadb_stops_at_the_first_member_whose_agent_refuses_it() -> None:
    said = "the data was written by MariaDB 11.4.3, and this image has 10.11.19"
    refused = cluster().outdated(0, 1).down(2, Phase.BLOCKED, said)
    decision = refused.decide()
    assert (decision.actions, decision.phase, decision.stuck) == ((), ClusterPhase.UPDATING, True)
    assert said in decision.why and "revert the spec" in decision.why
    reverted = cluster().outdated(2).down(2, Phase.BLOCKED, said)
    assert reverted.decide().actions == (delete(2),)


def test_with_never_the_statefulset_keeps_its_settings_and_is_still_scaled() -> None:
    seen = OUTDATED.set(hash=OLD).wanting(strategy=Strategy.NEVER, replicas=5)
    changed = seen.wanting(set={**SET, "spec": {"template": "another"}})
    assert changed.decide().actions == (scale(4),)


# --- volumes that cannot grow ----------------------------------------------------------------------------------


def rigid() -> Cluster:
    seen = GROWN.set(size=20 * GIB)
    for ordinal in range(3):
        seen = seen.volume(ordinal, expandable=False)
    return seen


def test_members_are_replaced_one_by_one_the_writer_last() -> None:
    seen = rigid()
    assert seen.decide().actions == (DeleteVolume("data-demo-2", "volume-uid-2"), restart(2))
    seen = seen.volume(2, requested=20 * GIB).volume(1, requested=20 * GIB)
    assert seen.decide().actions == (AskSwitchover(0, 1),)
    assert seen.writer(1).decide().actions == (DeleteVolume("data-demo-0", "volume-uid-0"), restart(0))


def test_a_replacement_that_was_broken_off_goes_on() -> None:
    assert rigid().volume(2, terminating=True).decide().actions == (restart(2),)


def test_a_volume_that_somebody_deleted_is_not_called_too_small() -> None:
    """Its claim waits for its pod; the only one of a cluster goes with it, and a person may not know."""
    deleted = cluster().volume(2, terminating=True).decide()
    assert deleted.actions == (restart(2),)
    assert "somebody deleted the volume of member 2" in deleted.why
    alone = cluster(1).volume(0, terminating=True).decide()
    assert alone.actions == () and alone.stuck
    assert "copy the data before that pod ends" in alone.why


@pytest.mark.parametrize("seen", [rigid().down(1), rigid().silent(1), rigid().server(1, state=2)])
def test_no_volume_is_given_up_while_anyone_is_away(seen: Cluster) -> None:
    assert not [each for each in seen.decide().actions if isinstance(each, RESTARTING)]


def test_volumes_of_members_that_left_go_by_policy_only() -> None:
    seen = FIVE.wanting(replicas=3).set(replicas=3).without_pod(3, 4)
    for ordinal in range(3):
        seen = seen.server(ordinal, size=3)
    assert seen.decide().actions == ()
    by_policy = seen.wanting(delete_scaled=True)
    assert by_policy.decide().actions == (
        DeleteVolume("data-demo-3", "volume-uid-3"),
        DeleteVolume("data-demo-4", "volume-uid-4"),
    )
    assert by_policy.wanting(hibernate=True).decide().actions == (scale(2),)
    assert by_policy.silent(0).decide().actions == ()


# --- uncertainty -----------------------------------------------------------------------------------------------

EVERYTHING = (
    OUTDATED.wanting(replicas=1, primary=2, rebuild=RebuildWanted(ordinal=1, request="r"), size=20 * GIB)
    .volume(0, expandable=False)
    .volume(1, expandable=False)
    .volume(2, expandable=False)
)


def test_an_agent_that_cannot_be_reached_is_no_reason_to_touch_anything() -> None:
    """FIELD-FAILURES 8 and 15: trouble with the way to the members is not trouble with the database."""
    seen = EVERYTHING.silent(0, 1, 2)
    assert not [each for each in seen.decide().actions if isinstance(each, RESTARTING)]


@pytest.mark.parametrize("gone", [(0,), (1,), (2,), (0, 1), (1, 2)])
def test_with_some_silent_no_member_is_taken_away(gone: tuple[int, ...]) -> None:
    taken = (Evict, DeletePod, DeleteVolume, Recreate)
    actions = EVERYTHING.silent(*gone).wanting(replicas=3).decide().actions
    assert not [each for each in actions if isinstance(each, taken) and not isinstance(each, Recreate)]


def test_a_stuck_update_says_where_and_what_to_do() -> None:
    decision = STUCK.decide()
    assert decision.stuck
    assert "member 2 is Blocked: bad setting" in decision.why
    assert "revert the spec" in decision.why


def test_a_sidecar_that_never_starts_stops_the_update_at_once() -> None:
    """It waited for the deadline, ten minutes by default, though the kubelet had said at once what was wrong."""
    said = "container aside is not ready (ImagePullBackOff: no such image)"
    never = cluster().outdated(0, 1).pod(2, ready=False, beside=said, beside_never=True).decide()
    assert never.stuck and f"member 2: {said}." in never.why
    assert not cluster().outdated(0, 1).pod(2, ready=False, beside=said).decide().stuck


def test_what_an_agent_refused_is_said() -> None:
    seen = cluster().wanting(primary=1).moving(refusals={"switchover": "member 1 is behind"})
    assert "it says: member 1 is behind" in seen.decide().why


def test_where_writes_work_the_sentence_says_so() -> None:
    """Blocked beside Ready=True read like an outage."""
    decision = OUTDATED.wanting(refusal="myCnf, line 3").decide()
    assert decision.stuck
    assert decision.why == "the settings are not applied: myCnf, line 3 (member 0 takes the writes as before)"
    assert STUCK.decide().phase is ClusterPhase.UPDATING
    assert cluster().down(2, Phase.BLOCKED, "bad setting").decide().phase is ClusterPhase.DEGRADED


def test_what_a_deleted_resource_left_behind_is_taken_over() -> None:
    """`kubectl delete --cascade=orphan`, and the resource is made anew: all was refused as somebody else's, for ever."""
    seen = cluster()
    name = ("Service", "demo")
    live = stamped(next(obj for obj in seen.view.wanted.objects if ref(obj) == name))
    labels = {"app.kubernetes.io/managed-by": "trireme-operator"}
    left = {**live, "metadata": {**live["metadata"], "labels": labels, "ownerReferences": []}}
    taken = seen._with(live={**seen.view.live, name: left}).decide()
    assert [ref(action.obj) for action in taken.actions if isinstance(action, Apply)] == [name]
    assert taken.foreign == ()
    by_hand = {**left, "metadata": {**left["metadata"], "annotations": {}}}
    assert seen._with(live={**seen.view.live, name: by_hand}).decide().foreign != ()
