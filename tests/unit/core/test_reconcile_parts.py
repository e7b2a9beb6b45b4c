"""Parts of the operator's decisions: the founder's word, drift, what the status and the Events say."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.core.builders import answers, member
from tests.unit.core.reconciling import OLD, SERVICE, Cluster, cluster, synced
from trireme.api.report import Phase
from trireme.api.resource import CONDITIONS
from trireme.core.reconcile.actions import ClusterPhase, Evict
from trireme.core.reconcile.conditions import Aspect
from trireme.core.reconcile.drift import drift, stamp, stamped
from trireme.core.reconcile.events import Reason, of_action, of_change
from trireme.core.reconcile.founder import founder
from trireme.core.reconcile.status import Told, status, with_times

# --- the founder's word ------------------------------------------------------------------------------------------


def word(
    *members: Any, wanted: bool = True, history: str | None = None, given: str | None = None
) -> str | None:
    return founder(wanted=wanted, history=history, replicas=3, reports=answers(*members), given=given)


def test_the_word_is_for_the_lowest_of_a_fresh_majority() -> None:
    assert word(member(1), member(2)) == "1:volume-1"


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("nobody asked for it", word(member(1), member(2), wanted=False)),
        ("no majority answers", word(member(1))),
        ("all answer: no word is needed", word(member(0), member(1), member(2))),
        ("one has data", word(member(0).clean(9), member(1))),
        ("one runs a server", word(member(0).starting(), member(1))),
        ("there was a cluster", word(member(1), member(2), history="uuid")),
    ],
)
def test_without_these_there_is_no_word(why: str, said: str | None) -> None:
    assert said is None, why


def test_the_word_is_given_to_nobody_else_while_its_founder_is_silent() -> None:
    assert word(member(0), member(2), given="1:volume-1") == "1:volume-1"


# --- drift -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "live", "where"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, None),
        ({"a": {}}, {}, None),
        ({"a": 1}, {}, "a"),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, "a.b"),
        ({"l": [1, 2]}, {"l": [1]}, "l"),
        ({"l": [{"name": "a", "x": 1}]}, {"l": [{"name": "b"}, {"name": "a", "x": 1, "y": 2}]}, None),
        ({"l": [{"name": "a", "x": 1}]}, {"l": [{"name": "a", "x": 2}]}, "l[0].x"),
        ({"port": 3306}, {"port": "3306"}, None),
    ],
)
def test_drift(wanted: Any, live: Any, where: str | None) -> None:
    assert drift(wanted, live) == where


def test_replicas_are_no_part_of_a_statefulsets_stamp() -> None:
    three, five = (
        {"kind": "StatefulSet", "metadata": {"name": "demo"}, "spec": {"replicas": n, "template": "t"}}
        for n in (3, 5)
    )
    assert stamped(three)["metadata"] == stamped(five)["metadata"]
    assert stamped({**three, "spec": {"template": "u"}})["metadata"] != stamped(three)["metadata"]


NO_SERVICE = {**SERVICE, "spec": {"type": "NoSuchType"}}
REFUSED = (
    cluster()
    .wanting(objects=(NO_SERVICE,))
    .moving(unapplied={("Service", "demo"): (stamp(stamped(NO_SERVICE)), "spec.type: Unsupported value")})
)


VOTELESS = cluster().moving(arbitrator_away="no node takes it")
UNCREATED = cluster().outdated(0, 1).without_pod(2).moving(unmoved={2: 30.0}, uncreated={2: "no such class"})


# --- the status --------------------------------------------------------------------------------------------------


def said(seen: Cluster) -> dict[str, Any]:
    return status(seen.view, seen.decide(), Told(history=seen.view.wanted.history), "image", "selector")


def aspects(seen: Cluster) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in said(seen)["conditions"]}


def test_a_cluster_in_peace() -> None:
    found = said(cluster())
    assert (found["phase"], found["membersReady"], found["writer"]) == ("Running", "3/3", "demo-0")
    assert [each["role"] for each in found["members"]] == ["primary", "secondary", "secondary"]
    assert {kind for kind, (status, _) in aspects(cluster()).items() if status == "True"} == {
        Aspect.READY,
        Aspect.HEALTHY,
        Aspect.ACCEPTED,
        Aspect.UPDATED,
        Aspect.STORAGE_RESIZED,
    }


@pytest.mark.parametrize(
    ("seen", "aspect", "expected"),
    [
        (cluster().down(1), Aspect.HEALTHY, ("False", "MembersAway")),
        (cluster().down(1), Aspect.READY, ("True", "WriterServes")),
        (cluster().server(1, slow=True), Aspect.HEALTHY, ("True", "SlowMember")),
        (VOTELESS, Aspect.HEALTHY, ("False", "ArbitratorAway")),
        (VOTELESS, Aspect.READY, ("True", "WriterServes")),
        (VOTELESS.down(1), Aspect.HEALTHY, ("False", "MembersAway")),
        (cluster().silent(1), Aspect.HEALTHY, ("Unknown", "AgentUnreachable")),
        (cluster().silent(0, 1, 2), Aspect.READY, ("Unknown", "AgentUnreachable")),
        (cluster().silent(0, 1, 2), Aspect.RECOVERING, ("Unknown", "AgentUnreachable")),
        (cluster().all_down(), Aspect.RECOVERING, ("True", "NoPrimary")),
        (cluster().all_down(), Aspect.READY, ("False", "NoWriter")),
        (cluster().down(1).down(2), Aspect.DATA_AT_RISK, ("True", "OneCopy")),
        (cluster().down(1).server(2, state=2), Aspect.DATA_AT_RISK, ("False", "Safe")),
        (cluster().down(1).server(2, state=2), Aspect.HEALTHY, ("False", "MembersAway")),
        (cluster().outdated(1), Aspect.UPDATED, ("False", "SettingsDiffer")),
        (cluster().wanting(refusal="line 3"), Aspect.ACCEPTED, ("False", "Refused")),
        (REFUSED, Aspect.ACCEPTED, ("False", "NotApplied")),
        (REFUSED, Aspect.PROGRESSING, ("False", "Stuck")),
        (REFUSED, Aspect.READY, ("True", "WriterServes")),
        (
            cluster().outdated(0, 1).down(2, Phase.BLOCKED, "bad setting"),
            Aspect.PROGRESSING,
            ("False", "UpdateStuck"),
        ),
        (cluster().outdated(2), Aspect.PROGRESSING, ("True", "Updating")),
        (UNCREATED, Aspect.PROGRESSING, ("False", "UpdateStuck")),
        (UNCREATED.moving(unmoved={2: 1.0}), Aspect.PROGRESSING, ("True", "Updating")),
    ],
)
def test_condition(seen: Cluster, aspect: Aspect, expected: tuple[str, str]) -> None:
    assert aspects(seen)[aspect] == expected


def test_an_arbitrator_without_a_vote_is_said_and_stops_nothing() -> None:
    """Two members, and an arbitrator that no node took: all looked well until one of the two was lost."""
    decision = VOTELESS.decide()
    assert (decision.phase, decision.stuck) == (ClusterPhase.RUNNING, False)
    assert "; the arbitrator has no vote" in decision.why and decision.why.endswith(": no node takes it")
    assert VOTELESS.outdated(1).decide().actions == cluster().outdated(1).decide().actions


def image_said(seen: Cluster, before: str | None) -> str | None:
    found: str | None = status(seen.view, seen.decide(), Told(image=before), "new", "selector").get("image")
    return found


@pytest.mark.parametrize(
    "seen",
    [
        cluster().outdated(0, 1).down(2, Phase.BLOCKED, "no such image"),
        cluster().outdated(0),
        cluster().down(1),
        cluster().all_down(),
    ],
)
def test_an_image_that_some_member_does_not_run_is_none_to_come_back_to(seen: Cluster) -> None:
    assert image_said(seen, "old") == "old"
    assert image_said(seen, None) is None


def test_an_image_that_all_members_run_is_kept() -> None:
    assert image_said(cluster(), "old") == "new"


def test_a_condition_keeps_the_time_since_when_it_holds() -> None:
    first = with_times(said(cluster()), (), "then")
    later = with_times(said(cluster().down(1)), first["conditions"], "now")
    since = {each["type"]: each["lastTransitionTime"] for each in later["conditions"]}
    assert (since["Healthy"], since["Ready"]) == ("now", "then")


def test_what_was_begun_keeps_its_phase_until_all_are_synced() -> None:
    joining = cluster().report(2, phase=Phase.JOINING, server=None).pod(2, ready=False)
    assert joining.decide().phase is ClusterPhase.DEGRADED
    assert joining.wanting(phase="Scaling").decide().phase is ClusterPhase.SCALING


# --- Events ------------------------------------------------------------------------------------------------------


def test_a_pod_that_nobody_ends_is_not_said_to_leave() -> None:
    """Its node was cut off for longer than Kubernetes waits: "member 1 leaves" was all that was said, for hours."""
    lost = cluster().pod(1, terminating=True, ready=False, node="node-1")
    assert lost.decide().why == "member 1 leaves"
    assert lost.silent(1).decide().why == (
        "member 1 is to be ended and does not answer (connection refused): if its node node-1 is lost, it comes back "
        "with the node"
    )


def test_events_of_a_failover() -> None:
    before, after = said(cluster()), said(cluster().down(0).writer(1).pod(0, ready=False))
    reasons = [event.reason for event in of_change(before, after)]
    assert reasons == [Reason.WRITER_CHANGED]


def test_a_member_that_becomes_slow_is_told_once() -> None:
    before, after = said(cluster()), said(cluster().server(1, slow=True))
    (event,) = of_change(before, after)
    assert (event.reason, event.type) == (Reason.SLOW_MEMBER, "Warning")
    assert event.message.startswith("all 3 members are Synced; member 1 makes all writes wait for it")
    assert not [*of_change(after, after), *of_change(after, before)]


def test_events_of_an_outage() -> None:
    before, after = said(cluster()), said(cluster().all_down())
    reasons = [event.reason for event in of_change(before, after)]
    assert reasons == [Reason.NOT_READY, Reason.RECOVERING]
    assert [event.reason for event in of_change(after, before)] == [Reason.READY, Reason.RECOVERED]


def test_a_restart_says_why() -> None:
    decision = cluster().outdated(2).decide()
    (action,) = decision.actions
    assert isinstance(action, Evict)
    event = of_action(action, decision)
    assert event is not None
    assert event.reason is Reason.MEMBER_RESTARTS
    assert "member 2 restarts with the new settings" in event.message


def test_builders_say_what_they_mean() -> None:
    assert synced(0, 3).report.server is not None
    assert cluster().outdated(1).view.pods[1].hash == OLD


# --- the documents say the same ----------------------------------------------------------------------------------

OPERATOR_PAGE = (Path(__file__).parents[3] / "docs" / "operator.md").read_text()


@pytest.mark.parametrize("word", [*Aspect, *Reason])
def test_every_condition_and_event_is_in_the_documents(word: str) -> None:
    assert re.search(rf"\b{word}\b", OPERATOR_PAGE)


def test_conditions_are_those_of_the_resource() -> None:
    assert tuple(Aspect) == CONDITIONS
