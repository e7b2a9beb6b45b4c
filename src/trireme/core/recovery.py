"""``trireme recover``: which member a person may choose to bootstrap, without whom, and what may be lost by it.

The agents judge again (:mod:`trireme.core.word`, and each voter's grant): nothing here makes anything safe that they
would refuse. What is never allowed is refused here in words, before anybody is asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from trireme.api.position import View
from trireme.api.report import Directory, Gap, Override, Report
from trireme.core.cluster_conditions import describe_word
from trireme.core.cluster_outcome import combined_terms, held_by_forgetful, held_by_silent, judge, outlooks
from trireme.core.cluster_seen import Cluster, Member
from trireme.core.election import Elect, Wait, latest_view, may_bootstrap, names, word_in_force
from trireme.core.gaps import came_through, histories_of, known_gaps, left_behind, went_through
from trireme.core.reform import as_final
from trireme.core.word import refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the person said. None: the best is proposed."""

    member: int | None = None
    without: tuple[int, ...] | None = None
    give_up: tuple[str, ...] | None = None
    new_history: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``word`` lacks who and when. ``lost`` are sentences, one for each thing that may be lost."""

    word: Override
    candidate: Member
    why: str
    lost: tuple[str, ...]
    kept: tuple[str, ...]
    """Of those who answer: why nothing of theirs is lost."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotAllowed:
    why: str


def plan(cluster: Cluster, choice: Choice) -> Plan | NotAllowed:
    """What the person's word would be, or why there can be none."""
    reports = cluster.reports
    reason = _nothing_to_do(cluster, choice)
    if reason is not None:
        return NotAllowed(reason)
    candidate = choice.member if choice.member is not None else _best(reports, new_history=choice.new_history)
    if isinstance(candidate, str):
        return NotAllowed(candidate)
    if candidate not in reports:
        return NotAllowed(f"member {candidate} does not answer: it can be given no word, and promise nothing")
    apart = _heard_differently(cluster, candidate)
    if apart is not None:
        return NotAllowed(apart)
    me = reports[candidate]
    word = Override(
        candidate=candidate,
        volume=me.volume,
        without=choice.without if choice.without is not None else silent_members(cluster),
        give_up=choice.give_up if choice.give_up is not None else _other_histories(me, reports),
        new_history=choice.new_history,
        shown=tuple((o, r.position.seqno) for o, r in sorted(reports.items()) if r.position is not None),
    )
    others = {ordinal: report for ordinal, report in reports.items() if ordinal != candidate}
    reason = refusal(word, me, others, combined_terms(cluster))
    if reason is not None:
        return NotAllowed(f"member {candidate}: {reason}")
    return Plan(
        word=word,
        candidate=next(each for each in cluster.members if each.ordinal == candidate),
        why=_why(word, reports),
        lost=tuple(_lost(cluster, word)),
        kept=tuple(_kept(cluster, word)),
        warnings=tuple(_warnings(cluster, word)),
    )


def silent_members(cluster: Cluster) -> tuple[int, ...]:
    """Who may have data by anybody's knowledge, and does not answer here."""
    terms, reports = combined_terms(cluster), cluster.reports
    views = (report.last_view.members for report in reports.values() if report.last_view is not None)
    known = {*range(terms.declared), *(terms.named or ())}.union(*views)
    return tuple(sorted(known - reports.keys()))


def _nothing_to_do(cluster: Cluster, choice: Choice) -> str | None:
    """Why no person's word is needed, or could help."""
    reports = cluster.reports
    if not reports:
        return "no member answers: nobody can be chosen, and nothing is known. `trireme status` says why"
    if cluster.primaries:
        living = names(each.ordinal for each in cluster.primaries)
        return f"a Primary lives ({living}): there is nothing to recover, whoever is missing joins it"
    if all(report.directory is Directory.FRESH and report.last_view is None for report in reports.values()):
        return "no member that answers ever had data: a new cluster forms when all declared members answer"
    word = word_in_force(reports)
    if word is not None and word.candidate != choice.member:
        return (
            f"{describe_word(word)}, and an earlier word counts first; `--member {word.candidate}` renews it"
        )
    judged = judge(cluster)
    if judged is None or word is not None:
        return None
    held = held_by_silent(reports) or held_by_forgetful(reports)
    if isinstance(judged.outcome, Elect) and not held:
        return f"an election goes on by itself: {judged.outcome.why}"
    if isinstance(judged.outcome, Wait) and judged.outcome.members and not silent_members(cluster):
        return f"an election goes on by itself as soon as it can: {judged.outcome.why}"
    return None


def _best(reports: Mapping[int, Report], *, new_history: bool) -> int | str:
    """The most advanced of those whose position can be proved, the lowest ordinal of them; or why there is none.

    Histories are not comparable: between two of them only a person chooses.
    """
    heard = went_through(reports) or dict(reports)
    able = {o: report for o, report in heard.items() if may_bootstrap(as_final(report))}
    uuids = sorted({uuid for report in heard.values() for uuid in histories_of(report)})
    if len(uuids) > 1:
        sides = "; ".join(_side(uuid, able) for uuid in uuids)
        return (
            f"two histories, which no seqno compares ({sides}): compare their data, and choose with --member"
        )
    if able:
        return min(able, key=lambda ordinal: (-_seqno(able[ordinal]), ordinal))
    unproved = [o for o, r in heard.items() if r.directory is Directory.UNKNOWN and not r.unsettled]
    if new_history and unproved:
        return f"no position can be proved: choose one of {names(sorted(unproved))} with --member"
    state = ", ".join(f"{ordinal} {report.directory}" for ordinal, report in sorted(reports.items()))
    hint = "; --new-history begins a history from one that is unknown" if unproved else ""
    return f"nobody who answers has data that may be gone on from ({state}){hint}; else restore a backup"


def _side(uuid: str, able: Mapping[int, Report]) -> str:
    owners = [f"member {o} at {_seqno(r)}" for o, r in sorted(able.items()) if uuid in histories_of(r)]
    return f"{uuid}: {', '.join(owners) or 'nobody with usable data'}"


def _seqno(report: Report) -> int:
    return report.position.seqno if report.position is not None else -1


def _heard_differently(cluster: Cluster, candidate: int) -> str | None:
    """Who answers here and not to the candidate, or the other way round, as far as its agent says."""
    outlook = outlooks(cluster)[candidate]
    if outlook.terms is None:
        return None
    deaf = [o for o in cluster.reports if o != candidate and str(o) not in outlook.heard]
    if deaf:
        return f"{names(deaf)} answers here, and not to member {candidate}: mend what is between them first"
    heard = [o for o in silent_members(cluster) if str(o) in outlook.heard]
    if heard:
        return f"{names(heard)} answers member {candidate}, and not here: nobody who lives is gone"
    return None


def _other_histories(me: Report, reports: Mapping[int, Report]) -> tuple[str, ...]:
    uuids = {uuid for report in reports.values() for uuid in histories_of(report)}
    return tuple(sorted(uuids - histories_of(me)))


def _why(word: Override, reports: Mapping[int, Report]) -> str:
    me = as_final(reports[word.candidate])
    if not may_bootstrap(me):
        return f"member {word.candidate} begins a history of its own: its position cannot be proved"
    ahead = [o for o, report in reports.items() if _ahead(report, me) > 0]
    where = f"member {word.candidate} bootstraps, {me.directory}, at {me.position}"
    rest = [o for o in reports if o != word.candidate]
    if ahead:
        return f"{where}, though {names(ahead)} is further"
    if not rest:
        return f"{where}: only it answers"
    return f"{where}: the most advanced of those who answer" + (" in its history" if word.give_up else "")


def _ahead(other: Report, me: Report) -> int:
    """By how many transactions of the same history; 0 where they cannot be compared."""
    if other.position is None or me.position is None or not may_bootstrap(as_final(other)):
        return 0
    return other.position.seqno - me.position.seqno if other.position.uuid == me.position.uuid else 0


def _lost(cluster: Cluster, word: Override) -> Iterator[str]:
    reports = cluster.reports
    me, view = reports[word.candidate], latest_view(went_through(reports).values())
    yield from _known_lost(me, view)
    for ordinal in word.without:
        yield _of_silent(ordinal, cluster, me, view)
    for holder in sorted({*held_by_forgetful(reports).values()}):
        yield (
            f"member {holder} was allowed to bootstrap, and then an old copy of its volume was put back: what it wrote "
            "in between, if anything, is on no volume here"
        )
    for ordinal, report in sorted(reports.items()):
        since, ahead = _since_a_gap(report, me, reports), _ahead(report, me)
        if since is not None:
            yield (
                f"member {ordinal}, at {report.position}: all that it has from {since.position} on is moved aside on its "
                "volume when it joins"
            )
        elif ahead > 0:
            yield (
                f"member {ordinal}, at {_seqno(report)}, has {ahead} transactions more: they are moved aside on its "
                "volume when it joins, and are in no Primary any more"
            )
        given_up = histories_of(report) & {*word.give_up}
        if given_up:
            yield (
                f"member {ordinal}, at {report.position}: all that history {', '.join(sorted(given_up))} has is moved "
                "aside on its volume when it joins"
            )
    if word.new_history:
        yield "what of its transactions survived the crash cannot be told: check the data before clients use it"


def _since_a_gap(report: Report, me: Report, reports: Mapping[int, Report]) -> Gap | None:
    """The gap that ``report`` came through, and ``me`` was left behind by."""
    gaps = (gap for gap in known_gaps(reports.values()) if came_through(report, gap))
    return next((gap for gap in gaps if left_behind(me, (gap,)) is not None), None)


def _known_lost(me: Report, view: View | None) -> Iterator[str]:
    position = me.position
    if view is None or position is None or position.uuid != view.uuid or view.seqno - 1 <= position.seqno:
        return
    yield (
        f"the latest view known began at {view.seqno}, member {me.ordinal} is at {position.seqno}: "
        f"{view.seqno - 1 - position.seqno} transactions or view changes before it are missing, and what came after"
    )


def _of_silent(ordinal: int, cluster: Cluster, me: Report, view: View | None) -> str:
    pod = next((each.pod for each in cluster.members if each.ordinal == ordinal), None)
    state = f"its pod: {pod.state}" if pod is not None else "no pod"
    since = _silent_for(cluster, me.ordinal)
    who = f"member {ordinal} ({state}{since})"
    if view is None:
        return f"{who}: nobody knows what it has; all of it would be set aside if it comes back"
    if ordinal not in view.members:
        return f"{who} was not in the latest view known: it should have nothing newer"
    after = f"after {me.position.seqno}" if me.position is not None and me.position.known else "of any kind"
    return (
        f"{who} was in the latest view known (from {view.seqno} on): transactions {after} that only it has are "
        "missing, and are moved aside on its volume if it comes back; never merged"
    )


def _silent_for(cluster: Cluster, candidate: int) -> str:
    outlook = outlooks(cluster).get(candidate)
    if outlook is None or outlook.unchanged is None:
        return ""
    return f", silent for at least {duration(outlook.unchanged)}"


def _kept(cluster: Cluster, word: Override) -> Iterator[str]:
    me, reports = cluster.reports[word.candidate], cluster.reports
    for ordinal, report in sorted(reports.items()):
        given_up = not histories_of(report).isdisjoint(word.give_up)
        if ordinal == word.candidate or given_up or _since_a_gap(report, me, reports) is not None:
            continue
        if may_bootstrap(as_final(report)) and _ahead(report, me) <= 0:
            yield f"member {ordinal}, at {_seqno(report)}, has nothing that member {word.candidate} lacks: it joins"
        elif not may_bootstrap(as_final(report)):
            yield f"member {ordinal}, {report.directory}, has no data that counts: it takes a copy"


def _warnings(cluster: Cluster, word: Override) -> Iterator[str]:
    running = [
        each.ordinal
        for each in cluster.members
        if each.ordinal in word.without and each.pod is not None and each.pod.running
    ]
    if running:
        yield (
            f"Kubernetes says that the pod of {names(running)} runs, yet nobody answers there: find out why first, it is "
            "better than to go on without"
        )
    passed = left_behind(cluster.reports[word.candidate], known_gaps(cluster.reports.values()))
    if passed is not None:
        yield f"the cluster went on without member {word.candidate} before: what came since would be given up"
    judged = judge(cluster)
    left = [o.patience_left for o in outlooks(cluster).values() if o.patience_left is not None]
    if judged is not None and judged.with_majority is not None and left and max(left) > 0:
        yield (
            f"by its policy the cluster goes on by itself in {duration(max(left))}, "
            f"with member {judged.with_majority}"
        )


def duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def gaps_named(cluster: Cluster, wanted: Iterable[str]) -> tuple[str, ...]:
    """Ids of the gaps that these letters begin."""
    ids = [gap.id for gap in known_gaps(cluster.reports.values())]
    return tuple(each for each in ids if any(each.startswith(letters) for letters in wanted))
