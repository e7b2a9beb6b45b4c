"""``trireme explain``: what is known of a cluster, what follows from it by the members' own rules, and what comes next.

Words for people; the judgement is :mod:`trireme.core.election`'s.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from trireme.core.cluster_conditions import describe_gap
from trireme.core.cluster_explained_members import Facts, facts_of
from trireme.core.cluster_outcome import Judged, held_by_forgetful, held_by_silent, judge, outlooks
from trireme.core.cluster_seen import Cluster
from trireme.core.election import Elect, Hopeless, Split, Wait, latest_view, names
from trireme.core.gaps import known_gaps, went_through
from trireme.core.recovery import Choice, Plan, duration, plan
from trireme.core.rivals import not_served, served_instead


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberExplained:
    name: str
    phase: str
    why: str
    """As the member says it."""
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    view: str
    members: tuple[MemberExplained, ...]
    gaps: tuple[str, ...]
    """Each once, settled or not."""
    decision: str
    reason: str
    upcoming: tuple[str, ...]
    """What happens by itself, what is waited for, and for how long."""
    options: tuple[str, ...]
    """What a person may do, with commands to copy."""


def explain(cluster: Cluster, advice: tuple[str, ...]) -> Explanation:
    """``advice``: what :func:`trireme.core.cluster_summary.summarize` found."""
    judged = judge(cluster)
    decision, reason = _decision(cluster, judged)
    return Explanation(
        view=_view(cluster),
        members=tuple(
            MemberExplained(
                name=each.name, phase=each.phase, why=each.why, facts=tuple(facts_of(each, cluster))
            )
            for each in cluster.members
        ),
        gaps=tuple(_gaps(cluster)),
        decision=decision,
        reason=reason,
        upcoming=tuple(_upcoming(cluster, judged)),
        options=tuple(_options(cluster, judged, advice)),
    )


def _view(cluster: Cluster) -> str:
    reports = went_through(cluster.reports)
    view = latest_view(reports.values())
    uuids = {report.last_view.uuid for report in reports.values() if report.last_view is not None}
    if len(uuids) > 1:
        return f"there are views of two histories, {' and '.join(sorted(uuids))}: none of them is the latest"
    if view is None:
        return "no view is known: nobody who answers ever belonged to a Primary"
    knowing = [o for o, report in sorted(reports.items()) if report.last_view == view]
    return (
        f"{names(view.members)}, in history {view.uuid} from {view.seqno} on; remembered by {names(knowing)}"
    )


def _gaps(cluster: Cluster) -> Iterator[str]:
    for gap in known_gaps(cluster.reports.values()):
        end = f"settled by {gap.settled}" if gap.settled else "not settled"
        yield f"{gap.id}: {describe_gap(gap)}; {end}"


def _decision(cluster: Cluster, judged: Judged | None) -> tuple[str, str]:
    if not cluster.reports:
        return "Nobody can tell.", "no member answers"
    if cluster.split:
        return "Two Primaries live: clients are led to one, nobody joins both.", _served(cluster)
    if judged is None:
        inside = names(each.ordinal for each in cluster.primaries)
        return "A Primary lives: whoever is outside joins it.", f"{inside}, in history {cluster.history}"
    match judged.outcome:
        case Elect(candidate=candidate, why=why) if judged.refusals:
            return f"Member {candidate} is to bootstrap, and lacks grants.", why
        case Elect(candidate=candidate, why=why):
            return f"Member {candidate} is to bootstrap.", why
        case Wait(members=members, why=why) if members:
            return f"Wait for {names(members)}.", why
        case Wait(why=why):
            return "Wait.", why
        case Split(why=why):
            return "Stop: two histories.", why
        case Hopeless(why=why):
            return "Stop: nobody has data that may be bootstrapped.", why
        case _:
            assert_never(judged.outcome)


def _served(cluster: Cluster) -> str:
    for each in cluster.primaries:
        others = {o: report for o, report in cluster.reports.items() if o != each.ordinal}
        report = cluster.reports[each.ordinal]
        if not served_instead(report, others):
            lesser = not_served(report, others)
            view = each.view.members if each.view is not None else (each.ordinal,)
            return f"{names(view)} served; {names(lesser)} not: the larger view, then the later, then the lowest ordinal"
    return "members tell two Primaries apart by their views, and see different ones just now"


def _upcoming(cluster: Cluster, judged: Judged | None) -> Iterator[str]:
    if judged is None:
        if cluster.primaries and not cluster.split:
            yield "members that are missing join as soon as they run; nobody is waited for"
        return
    outcome = judged.outcome
    if isinstance(outcome, Elect):
        yield from _until_bootstrap(outcome, judged)
        held = held_by_silent(cluster.reports)
        for voter, holder in sorted(held.items()):
            yield (
                f"member {voter} granted member {holder}, which is silent and may have used it: it grants nobody else "
                f"until member {holder} answers, or a person says that it is gone"
            )
        if held_by_forgetful(cluster.reports):
            yield "nothing, until a person chooses: put the right volume back, or see what `trireme recover` says"
    elif isinstance(outcome, Wait):
        yield from _waited_for(outcome, cluster)
        yield from _patience(cluster, judged)
    else:
        yield "nothing, until a person acts: no data is touched, and nobody bootstraps"


def _until_bootstrap(outcome: Elect, judged: Judged) -> Iterator[str]:
    for voter, why in sorted(judged.refusals.items()):
        yield f"member {voter} would refuse its grant now: {why}"
    if not judged.refusals:
        yield (
            f"member {outcome.candidate} asks the grants of {names(outcome.electorate)}, bootstraps, and the others "
            "join it; no timer runs"
        )


def _waited_for(outcome: Wait, cluster: Cluster) -> Iterator[str]:
    for ordinal in outcome.members:
        found = next((each for each in cluster.members if each.ordinal == ordinal), None)
        if found is None:
            yield f"member {ordinal}: no such pod is asked for; its volume may still be there"
        elif found.report is None:
            yield f"member {ordinal}: {found.phase}{f' ({found.why})' if found.why else ''}"
        else:
            yield f"member {ordinal}: answers ({found.phase}: {found.why})"


def _patience(cluster: Cluster, judged: Judged) -> Iterator[str]:
    waits = outlooks(cluster).values()
    policies = {outlook.patience for outlook in waits if outlook.terms is not None}
    if not policies:
        return
    if policies == {None}:
        yield "the policy for missing members is Wait: it waits as long as it takes"
        return
    left = max((o.patience_left for o in waits if o.patience_left is not None), default=0.0)
    told = ", ".join(f"MajorityAfter={p:.0f}" if p is not None else "Wait" for p in sorted(policies, key=str))
    if judged.with_majority is None:
        yield f"the policy for missing members ({told}) does not end this wait: no majority of the view is here"
    elif left > 0:
        yield f"the policy for missing members ({told}) goes on in {duration(left)}, with member {judged.with_majority}"
    else:
        yield f"the policy for missing members ({told}) is due, for those who know of it"


def _options(cluster: Cluster, judged: Judged | None, advice: tuple[str, ...]) -> Iterator[str]:
    yield from (each for each in advice if "`trireme " not in each)
    for gap in known_gaps(cluster.reports.values()):
        if not gap.settled:
            yield (
                "look at what was left behind (`aside/` on the volumes of those who came back, the disks of those who "
                f"did not), then say so: `trireme recover {cluster.name} --settle --gap {gap.id}`"
            )
    if judged is None:
        return
    planned = plan(cluster, Choice())
    if isinstance(planned, Plan):
        condition = (
            f"if it is certain that {names(planned.word.without)} will not come back"
            if planned.word.without
            else "once you compared the data"
        )
        yield f"{condition}: `trireme recover {cluster.name}` shows what would be lost, and asks ({planned.why})"
    elif isinstance(judged.outcome, Split):
        yield f"compare the histories, then choose: `trireme recover {cluster.name} --member N` shows what is lost"
    elif isinstance(judged.outcome, Hopeless):
        yield "restore a backup; see docs/failure-modes.md"
