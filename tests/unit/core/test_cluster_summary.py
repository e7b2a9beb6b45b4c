"""Clusters seen from outside, and what is said of them."""

from dataclasses import dataclass, replace

import pytest

from tests.unit.core.builders import OTHER_HISTORY, gap, member
from tests.unit.core.seen import (
    RUNNING,
    UNREADY,
    answering,
    blocked,
    broken,
    cluster,
    fresh,
    joining,
    missing,
    silent,
    synced,
    waiting,
    without_room,
)
from trireme.api.report import Accounts, Override, Phase, Upgrade, UpgradeState
from trireme.core.cluster_seen import Cluster, Declared
from trireme.core.cluster_summary import Health, summarize
from trireme.core.retiring import MIB, measure

EXPLAIN = "What is waited for, and what you may do: `trireme explain demo`"
ON_THEIR_WAY = "Nothing to do: members are on their way (`trireme status --watch`)."


@dataclass(frozen=True)
class Case:
    name: str
    cluster: Cluster
    health: Health
    sentence: str
    advice: tuple[str, ...] = ()


CASES = [
    Case(
        "all Synced",
        cluster(synced(0), synced(1), synced(2)),
        Health.HEALTHY,
        "3 of 3 Synced, writer demo-0, history 11111111, position 1234",
    ),
    Case(
        "a donor serves as well",
        cluster(
            synced(0),
            synced(1),
            answering(
                member(2).primary(state=2).in_view(17, 0, 1, 2), Phase.DONOR, "gives a transfer", ready=True
            ),
        ),
        Health.HEALTHY,
        "2 of 3 Synced, writer demo-0, history 11111111, position 1234; demo-2 Donor",
    ),
    Case(
        "somebody switched one's replication off: it names no history, which is not another one",
        cluster(
            answering(
                member(0).primary(history="", state=0).in_view(17, 0, 1, 2), Phase.BLOCKED, "wsrep_on=OFF"
            ),
            synced(1, writer=1),
            synced(2, writer=1),
        ),
        Health.DEGRADED,
        "2 of 3 Synced, writer demo-1, history 11111111, position 1234; demo-0 Blocked",
        ("demo-0 waits for a person, for the reason given: `trireme explain demo` says what you may do",),
    ),
    Case(
        "StatefulSets may not be read",
        cluster(synced(0), synced(1), synced(2), wanted=None),
        Health.HEALTHY,
        "3 of 3 Synced, writer demo-0, history 11111111, position 1234",
    ),
    Case(
        "one joins",
        cluster(synced(0), synced(1), joining(2)),
        Health.DEGRADED,
        "2 of 3 Synced, writer demo-0, history 11111111, position 1234; demo-2 Transferring",
        (ON_THEIR_WAY,),
    ),
    Case(
        "scaled up, and one pod is not there yet",
        cluster(synced(0, size=2), synced(1, size=2), missing(2)),
        Health.DEGRADED,
        "2 of 3 Synced, writer demo-0, history 11111111, position 1234; demo-2 NoPod",
        ("demo-2 has no pod: `kubectl describe statefulset demo` says why",),
    ),
    Case(
        "one member's view lags",
        cluster(synced(0), synced(1), synced(2, size=2)),
        Health.DEGRADED,
        "3 of 3 Synced, writer demo-0, history 11111111, position 1234",
        (ON_THEIR_WAY,),
    ),
    Case(
        "between two writers",
        cluster(synced(0, writer=1), synced(1, writer=2), synced(2, writer=0)),
        Health.DEGRADED,
        "3 of 3 Synced, no writer yet, history 11111111, position 1234",
        (ON_THEIR_WAY,),
    ),
    Case(
        "one crashes again and again",
        cluster(synced(0), synced(1), broken(2, "CrashLoopBackOff", "no space left", "mariadb")),
        Health.DEGRADED,
        "2 of 3 Synced, writer demo-0, history 11111111, position 1234; demo-2 CrashLoopBackOff",
        ("demo-2 ends by itself: `kubectl logs demo-2 -c mariadb --previous`",),
    ),
    Case(
        "Kubernetes does not see what the member says",
        cluster(synced(0), synced(1), replace(synced(2), pod=UNREADY)),
        Health.DEGRADED,
        "3 of 3 Synced, 2 of them ready, writer demo-0, history 11111111, position 1234",
        ("demo-2 is ready; if Kubernetes does not soon find it so: `kubectl describe pod demo-2`",),
    ),
    Case(
        "one is silent",
        cluster(synced(0), synced(1), silent(2)),
        Health.DEGRADED,
        "2 of 3 Synced, writer demo-0, history 11111111, position 1234; demo-2 Silent",
        ("demo-2 runs and does not answer: `kubectl get node node-1`, `kubectl logs demo-2`",),
    ),
    Case(
        "its node is lost for longer than Kubernetes waits: the pod is to go, and nobody is there to end it",
        cluster(synced(0), synced(1), replace(silent(2), pod=replace(UNREADY, state="Terminating"))),
        Health.DEGRADED,
        "2 of 3 Synced, writer demo-0, history 11111111, position 1234; demo-2 Silent",
        (
            "demo-2 is being deleted and does not answer: if node node-1 is lost (`kubectl get node node-1`), it "
            "comes back with the node; if the node is gone for good: `kubectl delete node node-1`",
        ),
    ),
    Case(
        "a volume is full: nothing happens until somebody makes room",
        cluster(synced(0), synced(1), without_room(2)),
        Health.DEGRADED,
        "2 of 3 Synced, writer demo-0, history 11111111, position 1234; demo-2 Waiting",
        (
            "demo-2 needs room on its volume: delete what does not belong there "
            "(`kubectl exec demo-2 -c mariadb -- du -xsh /var/lib/mysql`), or a larger volume",
        ),
    ),
    Case(
        "a volume is full, and an operator can make it larger",
        replace(cluster(synced(0), synced(1), without_room(2)), declared=Declared()),
        Health.DEGRADED,
        "2 of 3 Synced, writer demo-0, history 11111111, position 1234; demo-2 Waiting",
        (
            "demo-2 needs room on its volume: delete what does not belong there "
            "(`kubectl exec demo-2 -c mariadb -- du -xsh /var/lib/mysql`); or a larger storage.size: "
            "`kubectl edit galera demo`",
        ),
    ),
    Case(
        "a server hangs, as it does where its disk does",
        cluster(
            synced(0),
            synced(1),
            answering(member(2), Phase.UNRESPONSIVE, "its server does not answer its agent"),
        ),
        Health.DEGRADED,
        "2 of 3 Synced, writer demo-0, history 11111111, position 1234; demo-2 Unresponsive",
        (
            "demo-2 runs and does nothing: if that lasts, look at `kubectl logs demo-2`, and at the disk of node "
            "node-1",
        ),
    ),
    Case(
        "one starts",
        cluster(synced(0), synced(1), replace(silent(2), pod=replace(RUNNING, started=False))),
        Health.DEGRADED,
        "2 of 3 Synced, writer demo-0, history 11111111, position 1234; demo-2 Starting",
        (ON_THEIR_WAY,),
    ),
    Case(
        "forming",
        cluster(fresh(0), fresh(1), broken(2, "ContainerCreating")),
        Health.DEGRADED,
        "no Primary yet, 2 of 3 members answer and none has data: 2 Waiting, demo-2 ContainerCreating",
        (ON_THEIR_WAY,),
    ),
    Case(
        "no node for a member of the latest view",
        cluster(waiting(0), waiting(1), broken(2, "Pending", "0/3 nodes are available")),
        Health.DEGRADED,
        "takes no SQL, no Primary among the 2 of 3 members that answer: 2 Waiting, demo-2 Pending",
        ("demo-2 does not start: `kubectl describe pod demo-2`", EXPLAIN),
    ),
    Case(
        "a member of the latest view was scaled away",
        cluster(waiting(0), waiting(1), wanted=2),
        Health.DEGRADED,
        "takes no SQL, no Primary among the 2 of 2 members that answer: 2 Waiting",
        (
            "The latest view had demo-2 too, which may hold the newest data: "
            "`kubectl scale statefulset demo --replicas=3`",
            EXPLAIN,
        ),
    ),
    Case(
        "a person must choose",
        cluster(blocked(0), blocked(1), wanted=2),
        Health.DEGRADED,
        "takes no SQL, no Primary among the 2 of 2 members that answer: 2 Blocked",
        (
            "demo-0 waits for a person, for the reason given: `trireme explain demo` says what you may do",
            "demo-1 waits for a person, for the reason given: `trireme explain demo` says what you may do",
        ),
    ),
    Case(
        "two histories live",
        cluster(synced(0, size=1), synced(1, size=1, history=OTHER_HISTORY), wanted=2),
        Health.DEGRADED,
        "TWO PRIMARIES: demo-0 in history 11111111, demo-1 in history 22222222",
        ("Stop writing. Two Primaries must never be: keep all volumes, compare the data before you act.",),
    ),
    Case(
        "nobody answers",
        cluster(silent(0), silent(1), broken(2, "Pending")),
        Health.UNKNOWN,
        "cannot tell, none of its 3 members answers",
        (
            "demo-0 runs and does not answer: `kubectl get node node-1`, `kubectl logs demo-0`",
            "demo-1 runs and does not answer: `kubectl get node node-1`, `kubectl logs demo-1`",
            "demo-2 does not start: `kubectl describe pod demo-2`",
        ),
    ),
    Case(
        "nothing can run",
        cluster(*(broken(ordinal, "ImagePullBackOff", "no such image") for ordinal in range(3))),
        Health.DEGRADED,
        "no member runs: 3 ImagePullBackOff",
        tuple(f"demo-{o} does not start: `kubectl describe pod demo-{o}`" for o in range(3)),
    ),
    Case(
        "scaled to nothing",
        cluster(wanted=0),
        Health.DEGRADED,
        "stopped, its StatefulSet asks for 0 members",
        ("Start it: `kubectl scale statefulset demo --replicas=3`",),
    ),
    Case(
        "hibernates: to scale its StatefulSet would be undone by the operator",
        replace(cluster(wanted=0), declared=Declared()),
        Health.DEGRADED,
        "stopped, its StatefulSet asks for 0 members",
        ("It hibernates. Wake it: set hibernate: false, `kubectl edit galera demo`",),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_cluster_is_judged(case: Case) -> None:
    summary = summarize(case.cluster)
    assert (summary.health, summary.sentence, summary.advice) == (case.health, case.sentence, case.advice)


def test_two_views_of_one_history_without_each_other_are_split() -> None:
    one = answering(member(0).primary(size=1).in_view(18, 0), Phase.SYNCED, "", ready=True)
    other = answering(member(1).primary(size=1).in_view(18, 1), Phase.SYNCED, "", ready=True)
    assert cluster(one, other).split == (one, other)


def test_a_view_that_changes_while_members_are_asked_is_no_split() -> None:
    before = answering(member(0).primary(size=1).in_view(17, 0), Phase.SYNCED, "", ready=True)
    after = answering(member(1).primary(size=2).in_view(18, 0, 1), Phase.SYNCED, "", ready=True)
    assert cluster(before, after).split == ()


def test_advice_calls_kubectl_as_it_is_told_to() -> None:
    summary = summarize(cluster(synced(0), synced(1), silent(2)), kubectl="kubectl --context prod -n data")
    assert summary.advice == (
        "demo-2 runs and does not answer: `kubectl --context prod -n data get node node-1`, "
        "`kubectl --context prod -n data logs demo-2`",
    )


def test_what_lasts_is_said_though_all_are_synced() -> None:
    lost = gap(9, 2, by="the policy for missing members", at="2026-11-25T03:00:00Z")
    members = [
        answering(member(o).primary().in_view(17, 0, 1, 2).came_through(lost), Phase.SYNCED, "", ready=True)
        for o in range(3)
    ]
    (condition,) = summarize(cluster(*members)).conditions
    assert condition.type == "DataAtRisk"
    assert condition.message == (
        "the cluster went on without member 2 at position 11111111-1111-1111-1111-111111111111:9, "
        "on 2026-11-25T03:00:00Z (by the policy for missing members); see `trireme explain demo`, and settle it"
    )


def test_one_who_says_that_it_is_settled_ends_it_for_all() -> None:
    lost = gap(9, 2)
    members = [
        answering(member(0).primary().in_view(17, 0, 1).came_through(lost), Phase.SYNCED, ""),
        answering(
            member(1).primary().in_view(17, 0, 1).came_through(replace(lost, settled="alice")),
            Phase.SYNCED,
            "",
        ),
    ]
    assert summarize(cluster(*members)).conditions == ()


def test_a_server_that_was_killed_for_want_of_memory_is_told_though_all_are_synced() -> None:
    killed = member(1).primary().in_view(17, 0, 1, 2)._with(starved="the kernel killed its server once")
    seen = cluster(synced(0), answering(killed, Phase.SYNCED, "", ready=True), synced(2))
    (condition,) = summarize(seen).conditions
    assert (condition.type, condition.message) == (
        "OutOfMemory",
        "demo-1: the kernel killed its server once: raise resources.limits.memory, or find the statements that take it",
    )


def test_a_member_that_makes_all_writes_wait_is_told_though_all_are_synced() -> None:
    late = member(1).primary(slow=True).in_view(17, 0, 1, 2)
    seen = cluster(synced(0), answering(late, Phase.SYNCED, "", ready=True), synced(2))
    (condition,) = summarize(seen).conditions
    assert condition.type == "SlowMember"
    assert condition.message.startswith("demo-1: makes all writes wait for it, more than a fifth of the time")


def test_two_primaries_and_a_persons_word_are_conditions() -> None:
    split = cluster(
        answering(member(0).primary().in_view(17, 0, 1), Phase.SYNCED, ""),
        answering(member(2).primary().in_view(18, 2), Phase.BLOCKED, ""),
    )
    (condition,) = summarize(split).conditions
    assert (condition.type, condition.message) == (
        "TwoPrimaries",
        "members 0, 1 and member 2 are in Primaries that do not know each other; clients are led to one of them",
    )
    word = Override(candidate=0, volume="volume-0", without=(1, 2), by="alice", at="2026-11-25T03:00:00Z")
    alone = cluster(answering(member(0).crashed(7)._with(override=word), Phase.ELECTING, ""))
    (condition,) = summarize(alone).conditions
    assert condition.message == (
        "alice chose member 0 to bootstrap on 2026-11-25T03:00:00Z, without members 1, 2; done when a Primary lives"
    )


def test_what_members_complain_of_is_a_condition() -> None:
    member = synced(0)
    assert member.answer is not None
    report = replace(
        member.answer.report,
        accounts=Accounts(in_step=False, why="there is no account app"),
        upgrade=Upgrade(state=UpgradeState.FAILED, data="", server="", why="it ended with 1"),
        disk=measure(MIB, 1000 * MIB, None),
    )
    complaining = replace(member, answer=replace(member.answer, report=report))
    found = summarize(cluster(complaining, synced(1), synced(2))).conditions
    assert [each.type for each in found] == ["PasswordsOutOfStep", "UpgradeFailed", "VolumeLow"]
    assert found[2].message.startswith("demo-0: its data volume has 1 MiB free of 1000 MiB, and needs 50 MiB")
