"""What a person may choose with ``trireme recover``, what is never allowed, and what is said to be lost."""

from dataclasses import dataclass, replace

import pytest

from tests.unit.core.builders import OTHER_HISTORY, Builder, gap, member
from tests.unit.core.seen import answering, broken, cluster, missing, silent, synced
from trireme.api.report import Override, Phase
from trireme.core.cluster_outcome import combined_terms, grant_request
from trireme.core.cluster_seen import Cluster, Member
from trireme.core.election import Elect, elect
from trireme.core.grants import Granted, judge_request
from trireme.core.recovery import Choice, NotAllowed, Plan, plan


def waits(builder: Builder, *hears: int) -> Member:
    return answering(builder, Phase.WAITING, "waits", hears=hears)


def crashed(ordinal: int, seqno: int = 1234) -> Builder:
    return member(ordinal).crashed(seqno).in_view(17, 0, 1, 2)


def stranger(ordinal: int, seqno: int = 900) -> Builder:
    return member(ordinal).crashed(seqno, OTHER_HISTORY).in_view(8, ordinal, history=OTHER_HISTORY)


LAST_OF_THREE = cluster(waits(crashed(0)), broken(1, "Pending", "no node has its volume"), missing(2))
SPLIT = cluster(waits(stranger(0), 1, 2), waits(crashed(1), 0, 2), waits(crashed(2, 1230), 0, 1))


BEST = Choice()


@dataclass(frozen=True)
class Refusal:
    name: str
    cluster: Cluster
    why: str
    choice: Choice = BEST


NEVER = [
    Refusal("a Primary lives", cluster(synced(0), synced(1), silent(2)), "a Primary lives (members 0, 1)"),
    Refusal("nobody answers", cluster(silent(0), silent(1), silent(2)), "no member answers"),
    Refusal(
        "nobody ever had data",
        cluster(waits(member(0), 1), waits(member(1), 0), silent(2)),
        "no member that answers ever had data",
    ),
    Refusal(
        "an election goes on by itself",
        cluster(*(waits(crashed(o), 0, 1, 2) for o in range(3))),
        "an election goes on by itself: member 0 is the most advanced",
    ),
    Refusal(
        "a position is still asked for, and everybody is here",
        cluster(
            waits(member(0).unsettled().in_view(17, 0, 1), 1, 2),
            waits(crashed(1), 0, 2),
            waits(crashed(2), 0, 1),
        ),
        "an election goes on by itself as soon as it can: the position of member 0 is not known yet",
    ),
    Refusal("who is chosen does not answer", LAST_OF_THREE, "member 1 does not answer", Choice(member=1)),
    Refusal(
        "who is chosen is fresh",
        cluster(waits(crashed(0), 1), waits(member(1), 0), silent(2)),
        "member 1: its directory is fresh",
        Choice(member=1),
    ),
    Refusal(
        "who is chosen is half-copied",
        cluster(waits(crashed(0), 1), waits(crashed(1).incomplete(), 0), silent(2)),
        "member 1: its directory is incomplete",
        Choice(member=1),
    ),
    Refusal(
        "somebody is silent and not said to be gone",
        LAST_OF_THREE,
        "no answer from member 2, not said to be gone",
        Choice(without=(1,)),
    ),
    Refusal(
        "somebody who answers is said to be gone",
        cluster(waits(crashed(0), 1), waits(crashed(1), 0), silent(2)),
        "member 1 answers, and is said to be gone",
        Choice(member=0, without=(1, 2)),
    ),
    Refusal(
        "who answers here does not answer the chosen one",
        cluster(waits(crashed(0)), waits(crashed(1), 0), silent(2)),
        "member 1 answers here, and not to member 0",
    ),
    Refusal(
        "who is silent here answers the chosen one",
        cluster(waits(crashed(0), 1, 2), waits(crashed(1), 0), silent(2)),
        "member 2 answers member 0, and not here",
    ),
    Refusal("two histories, and nobody was chosen", SPLIT, "two histories, which no seqno compares"),
    Refusal(
        "another history is there, and not given up",
        SPLIT,
        "which is not given up",
        Choice(member=1, give_up=()),
    ),
    Refusal(
        "a position that cannot be proved",
        cluster(waits(member(0).unknown().in_view(17, 0, 1, 2)), silent(1), silent(2)),
        "--new-history begins a history from one that is unknown",
    ),
    Refusal(
        "an earlier word is there",
        cluster(
            waits(
                crashed(0)._with(override=Override(candidate=0, volume="volume-0", without=(2,), by="bob")), 1
            ),
            waits(crashed(1), 0),
            silent(2),
        ),
        "bob chose member 0 to bootstrap, without member 2, and an earlier word counts first",
        Choice(member=1),
    ),
]


@pytest.mark.parametrize("case", NEVER, ids=lambda case: case.name)
def test_never_allowed(case: Refusal) -> None:
    found = plan(case.cluster, case.choice)
    assert isinstance(found, NotAllowed), found
    assert case.why in found.why


def planned(seen: Cluster, choice: Choice = BEST) -> Plan:
    found = plan(seen, choice)
    assert isinstance(found, Plan), found
    return found


def test_the_last_of_three_is_proposed_and_what_may_be_lost_is_said_in_numbers() -> None:
    found = planned(LAST_OF_THREE)
    assert (found.word.candidate, found.word.volume, found.word.without) == (0, "volume-0", (1, 2))
    assert found.word.shown == ((0, 1234),)
    assert "member 0 bootstraps, crashed" in found.why
    assert "only it answers" in found.why
    first, second = found.lost
    assert first.startswith(
        "member 1 (its pod: Pending, silent for at least 5 min) was in the latest view known (from 17 on)"
    )
    assert "transactions after 1234 that only it has are missing" in first
    assert second.startswith("member 2 (no pod, ")


def test_the_most_advanced_is_proposed_and_of_two_alike_the_lowest_ordinal() -> None:
    two = cluster(waits(crashed(0, 1230), 1), waits(crashed(1), 0), silent(2))
    assert planned(two).word.candidate == 1
    assert planned(two).kept == ("member 0, at 1230, has nothing that member 1 lacks: it joins",)
    alike = cluster(waits(crashed(0), 1), waits(crashed(1), 0), silent(2))
    assert planned(alike).word.candidate == 0


def test_one_that_is_behind_may_be_chosen_and_what_the_other_has_is_counted() -> None:
    two = cluster(waits(crashed(0, 1230), 1), waits(crashed(1), 0), silent(2))
    found = planned(two, Choice(member=0))
    assert "though member 1 is further" in found.why
    assert "member 1, at 1234, has 4 transactions more: they are moved aside" in found.lost[1]


def test_a_member_that_was_not_in_the_latest_view_has_nothing_newer() -> None:
    seen = cluster(waits(crashed(0).in_view(40, 0, 1)), silent(1), silent(2))
    assert "member 2" in planned(seen).lost[1]
    assert "was not in the latest view known: it should have nothing newer" in planned(seen).lost[1]


def test_what_is_known_to_be_missing_is_counted() -> None:
    behind = cluster(
        waits(crashed(0, 1000), 1), waits(crashed(1).in_view(1300, 0, 1, 2).incomplete(), 0), silent(2)
    )
    found = planned(behind)
    assert "299 transactions or view changes before it are missing" in found.lost[0]
    assert found.kept == ("member 1, incomplete, has no data that counts: it takes a copy",)


def test_between_two_histories_the_other_is_given_up() -> None:
    found = planned(SPLIT, Choice(member=1))
    assert found.word.give_up == (OTHER_HISTORY,)
    assert f"all that history {OTHER_HISTORY} has is moved aside" in found.lost[0]
    assert found.kept == ("member 2, at 1230, has nothing that member 1 lacks: it joins",)


def test_a_grant_that_a_silent_member_holds_is_a_persons_to_free() -> None:
    """The electorate answers, and would go on, were not one's grant with a candidate that is gone."""
    seen = cluster(
        waits(member(0).crashed(20).in_view(17, 0, 1), 1),
        waits(member(1).crashed(20).in_view(17, 0, 1).granting(5, 2, member(0).in_view(17, 0, 1).report.last_view), 0),
        silent(2),
    )  # fmt: skip
    assert planned(seen).word.without == (2,)


def test_a_grant_of_which_its_candidates_volume_knows_nothing_is_a_persons_to_free() -> None:
    """An old copy of member 0's volume was put back after it was elected. Fails where all wait for it for ever."""
    view = member(0).in_view(17, 0, 1).report.last_view
    seen = cluster(
        waits(member(0).crashed(20).in_view(17, 0, 1), 1, 2),
        waits(member(1).crashed(21).in_view(17, 0, 1).granting(5, 0, view), 0, 2),
        waits(member(2).crashed(15).in_view(9, 0, 1, 2), 0, 1),
    )
    found = planned(seen)
    assert (found.word.candidate, found.word.without) == (1, ())
    assert "an old copy of its volume was put back" in found.lost[-1]
    voter = replace(seen.reports[1], override=found.word)
    outcome = elect({**seen.reports, 1: voter}, combined_terms(seen))
    assert isinstance(outcome, Elect)
    request = grant_request(outcome, seen.reports)
    assert isinstance(judge_request(request, voter, {0: seen.reports[0]}, combined_terms(seen)), Granted)


def test_one_that_kubernetes_says_runs_is_warned_of() -> None:
    (warning,) = planned(cluster(waits(crashed(0)), silent(1), missing(2))).warnings
    assert warning.startswith("Kubernetes says that the pod of member 1 runs, yet nobody answers there")


def test_one_that_the_others_went_on_without_is_no_proposal() -> None:
    seen = cluster(
        waits(member(0).crashed(1240).in_view(1236, 0, 1).came_through(gap(1234, 2)), 2),
        silent(1),
        waits(crashed(2, 1300), 0),
    )
    assert planned(seen).word.candidate == 0
    found = planned(seen, Choice(member=2))
    assert "the cluster went on without member 2 before" in found.warnings[-1]
    assert found.lost[-1].startswith("member 0, at ")
    assert f"all that it has from {gap(1234, 2).position} on is moved aside" in found.lost[-1]
    assert found.kept == ()


def test_a_history_of_its_own_is_begun_where_no_position_can_be_proved() -> None:
    seen = cluster(waits(member(0).unknown().in_view(17, 0, 1, 2)), silent(1), silent(2))
    found = planned(seen, Choice(member=0, new_history=True))
    assert found.word.new_history
    assert "begins a history of its own" in found.why


def test_an_election_without_anybody_is_said_to_come_by_itself() -> None:
    patient = cluster(
        answering(crashed(0), Phase.WAITING, "", hears=(1,), patience=600.0),
        answering(crashed(1), Phase.WAITING, "", hears=(0,), patience=600.0),
        missing(2),
    )
    assert planned(patient).warnings == (
        "by its policy the cluster goes on by itself in 10 min, with member 0",
    )


@pytest.mark.parametrize("seen", [LAST_OF_THREE, SPLIT], ids=["last of three", "split"])
def test_what_is_planned_is_elected_and_granted_by_the_real_rules(seen: Cluster) -> None:
    """Kept by the chosen member, the word elects it, and every voter who answers grants it."""
    found = planned(seen, Choice(member=None if seen is LAST_OF_THREE else 1))
    reports = dict(seen.reports)
    chosen = found.word.candidate
    reports[chosen] = replace(reports[chosen], override=replace(found.word, by="alice"))
    outcome = elect(reports, combined_terms(seen))
    assert isinstance(outcome, Elect)
    assert outcome.candidate == chosen
    request = grant_request(outcome, reports)
    for ordinal in outcome.electorate:
        others = {o: r for o, r in reports.items() if o != ordinal}
        verdict = judge_request(request, reports[ordinal], others, combined_terms(seen))
        assert isinstance(verdict, Granted), verdict
