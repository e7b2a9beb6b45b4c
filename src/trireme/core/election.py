"""Who may bootstrap, judged from reports alone (invariants 1-7).

Every member runs the same function on what it was told; a candidate that finds itself still needs the durable
grant of each member of the electorate, and :mod:`trireme.core.grants` judges those. So a wrong or late picture
here costs time, never a second Primary.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from trireme.api.position import View
from trireme.api.report import Directory, Override, Report
from trireme.core.branches import parted
from trireme.core.gaps import forgetful, histories_of, opposed, went_through
from trireme.core.terms import HEARING_SECONDS, Terms


@dataclass(frozen=True, slots=True)
class Elect:
    """``candidate`` is to bootstrap once everyone in ``electorate`` granted it. ``succeeds`` None: first ever."""

    candidate: int
    electorate: tuple[int, ...]
    succeeds: View | None
    why: str
    without: tuple[int, ...] = ()
    """Of the latest view, or named by a person: not waited for. What they have beyond the candidate stays away."""
    majority: tuple[int, ...] = ()
    """Whose data are the majority of the view, where somebody is not waited for."""
    override: Override | None = None
    founding: bool = False
    """By the operator's word that the cluster never had data."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing may be decided before ``members`` said (more)."""

    members: tuple[int, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of different histories: a person must compare (invariant 3)."""

    uuids: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Hopeless:
    """Everyone who must be asked answered, and nobody has data that may be bootstrapped."""

    why: str


Outcome = Elect | Wait | Split | Hopeless


def elect(answers: Mapping[int, Report], terms: Terms) -> Outcome:
    """``answers``: the reports of all who answered, the caller's own included, by ordinal. No Primary lives."""
    word = word_in_force(answers)
    if word is not None:
        return _by_word(answers, _declared(answers, terms), word)
    if all(is_fresh(report) for report in answers.values()):
        return _first(answers, _declared(answers, terms))
    pair = opposed(answers)
    if pair is not None:
        why = f"{names(pair)} went on without each other: two branches, never compared by seqno; a person must choose"
        return Split((), why)
    heard = went_through(answers)
    histories = sorted({uuid for report in heard.values() for uuid in histories_of(report)})
    if len(histories) > 1:
        owners = "; ".join(f"{uuid}: {names(_owners(heard.values(), uuid))}" for uuid in histories)
        return Split(
            tuple(histories), f"split history, never compared by seqno ({owners}); a person must choose"
        )
    apart = parted(heard)
    if apart is not None:
        view, other = apart
        why = (
            f"two branches of one history, never compared by seqno (the data of {names([other])} did not come through "
            f"view {view.seqno} of {names(view.members)}); a person must choose"
        )
        return Split((view.uuid,), why)
    return _succeed(heard, _declared(answers, terms), {o: r for o, r in answers.items() if o not in heard})


def _declared(answers: Mapping[int, Report], terms: Terms) -> Terms:
    """Scaling reaches some members' settings before others': whoever knows of more members is right."""
    counts = (report.declared for report in answers.values())
    return replace(terms, declared=max(terms.declared, *counts, max(answers, default=-1) + 1))


def _first(answers: Mapping[int, Report], terms: Terms) -> Outcome:
    founder = terms.founder
    named = answers.get(founder.ordinal) if founder is not None else None
    if founder is not None and named is not None and named.volume == founder.volume:
        why = f"this cluster never had data, by the operator's word: member {founder.ordinal} founds it"
        return Elect(founder.ordinal, tuple(sorted(answers)), None, why, founding=True)
    if terms.named is None:
        return Wait((), "a new cluster needs to know its members, and the SRV look-up names none")
    electorate = tuple(sorted({*range(terms.declared), *terms.named, *answers}))
    silent = tuple(ordinal for ordinal in electorate if ordinal not in answers)
    if silent:
        why = f"a new cluster needs all {len(electorate)} declared members to answer fresh; {names(silent)} silent"
        return Wait(silent, why)
    candidate = min(electorate, key=lambda ordinal: (answers[ordinal].faults, ordinal))
    lowest = "the lowest ordinal" if candidate == electorate[0] else f"member {candidate}, which can start,"
    why = f"all {len(electorate)} declared members answer fresh; {lowest} bootstraps"
    return Elect(candidate, electorate, None, why)


def _succeed(answers: Mapping[int, Report], terms: Terms, behind: Mapping[int, Report]) -> Outcome:
    """``behind``: those who answered, and whom the cluster went on without: they know nothing newer than the gap."""
    view = latest_view(answers.values())
    vouched = view is not None and _vouches(view, answers, behind)
    everyone = view.members if view and vouched else _everyone(answers, terms.declared)
    electorate = tuple(ordinal for ordinal in everyone if ordinal not in behind)
    electorate = (*electorate, *_ahead(electorate, answers, view))
    silent = tuple(ordinal for ordinal in electorate if ordinal not in answers)
    majority = _majority(view, answers) if view and vouched and terms.overdue else ()
    if silent and not majority:
        return Wait(silent, f"{names(silent)} of the latest view may hold newer data and did not answer")
    unheard = _unheard(view, answers, terms) if view and vouched and terms.young else ()
    if unheard:
        alone = f"{names(view.members if view else ())} was alone in the latest view that is known"
        return Wait((), f"{alone}; hears {names(unheard)} first, for {HEARING_SECONDS:.0f} s at most")
    asked = {ordinal: answers[ordinal] for ordinal in electorate if ordinal in answers}
    unsettled = tuple(ordinal for ordinal, report in asked.items() if not is_settled(report))
    if unsettled:
        return Wait(unsettled, f"the position of {names(unsettled)} is not known yet")
    able = {ordinal: report for ordinal, report in asked.items() if may_bootstrap(report)}
    if able.keys().isdisjoint(view.members if view else electorate):
        state = ", ".join(f"{ordinal} {report.directory}" for ordinal, report in asked.items())
        return Hopeless(f"no member of the latest view has data that may be bootstrapped ({state})")
    candidate = min(able, key=lambda ordinal: (-_seqno(able[ordinal]), able[ordinal].faults, ordinal))
    where = able[candidate].position
    best = f"member {candidate} is the most advanced of the latest view ({names(electorate)}) at {where}"
    if not silent:
        return Elect(candidate, electorate, view, best)
    why = f"{best}; goes on without {names(silent)}, as the policy says"
    return Elect(candidate, tuple(asked), view, why, without=silent, majority=majority)


def _unheard(view: View, answers: Mapping[int, Report], terms: Terms) -> tuple[int, ...]:
    """Whose word a member that was alone does without, but hears if it can: it was the last to leave, or its volume is
    an old copy that was put back, and the others went on. Who is silent for good is not waited for."""
    if len(view.members) > 1:
        return ()
    others = {*range(terms.declared), *(terms.named or ())} - answers.keys()
    return tuple(sorted(others))


def _ahead(electorate: tuple[int, ...], answers: Mapping[int, Report], view: View | None) -> tuple[int, ...]:
    """Who answers, was not in the view, and is ahead all the same: a joiner that received a later view, which crashed
    members had not on disk yet. It need not be waited for, but is not passed over when it is there (invariant 3)."""
    able = {o: r for o, r in answers.items() if is_settled(r) and may_bootstrap(r)}
    best = max((_seqno(able[o]) for o in electorate if o in able), default=None)
    if view is None or best is None:
        return ()
    return tuple(o for o, report in able.items() if o not in electorate and _seqno(report) > best)


def _majority(view: View, answers: Mapping[int, Report]) -> tuple[int, ...]:
    """More than half of the view, by Galera's own count: two such groups share a member, so no Primary that this one
    does not know can have gone on. Empty where there is none.

    A member that was joining had no vote: others may have gone on without it, and without all its like. One that
    left a Primary in order has none any more: the rest may have gone on as fewer.
    """
    here = {o: answers[o] for o in view.members if o in answers}
    gone = sum(report.left for report in here.values())
    voters = tuple(o for o, report in here.items() if counts(report))
    return voters if 2 * len(voters) > len(view.members) - gone else ()


def counts(report: Report) -> bool:
    """It has a vote in the majority of its last view."""
    return may_bootstrap(report) and not report.joining and not report.left


def word_in_force(answers: Mapping[int, Report]) -> Override | None:
    """What a person said to one of those who answer, and what all go by. It is void as long as somebody answers who is
    said to be gone, or its candidate has another volume; of two, the earlier one counts."""
    words = (
        report.override
        for ordinal, report in answers.items()
        if report.override is not None
        and (report.override.candidate, report.override.volume) == (ordinal, report.volume)
        and answers.keys().isdisjoint(report.override.without)
    )
    return min(words, key=lambda word: (word.at, word.candidate), default=None)


def _by_word(answers: Mapping[int, Report], terms: Terms, word: Override) -> Outcome:
    """A person chose. Whoever the person did not say to be gone must answer, and grant."""
    candidate = answers[word.candidate]
    everyone = {*_everyone(answers, terms.declared), *(terms.named or ())} - {*word.without}
    silent = tuple(sorted(everyone - answers.keys()))
    if silent:
        return Wait(
            silent,
            f"{word.by} chose member {word.candidate}; {names(silent)} not said to be gone, and silent",
        )
    why = f"{word.by} chose member {word.candidate}" + (
        f", without {names(word.without)}" if word.without else ""
    )
    unsettled = tuple(o for o in sorted(everyone) if not is_settled(answers[o]))
    if unsettled:
        return Wait(unsettled, f"{why}; the position of {names(unsettled)} is not known yet")
    electorate = tuple(sorted(everyone))
    return Elect(word.candidate, electorate, candidate.last_view, why, without=word.without, override=word)


def _vouches(view: View, answers: Mapping[int, Report], behind: Mapping[int, Report]) -> bool:
    """Whether its members, once all of them answered, rule out that anyone else has newer data.

    They do not where one of them lost its volume, or has an old copy of it that does not know the gap which the view came
    after: it may have gone on with others, and nobody here would know. Nor where one was found to be of another branch
    than a Primary that lived.
    """
    here = [answers[ordinal] for ordinal in view.members if ordinal in answers]
    lost = any(is_fresh(report) or report.strayed is not None for report in here)
    return not lost and not forgetful(view, answers.values(), behind)


def _everyone(answers: Mapping[int, Report], declared: int) -> tuple[int, ...]:
    """All who may have data: the declared, those who answer, and those whom any of them remembers."""
    remembered = (report.last_view.members for report in answers.values() if report.last_view is not None)
    return tuple(sorted({*range(declared), *answers, *chain.from_iterable(remembered)}))


def latest_view(reports: Iterable[Report]) -> View | None:
    """The newest view of one history that anyone remembers (views are numbered by the history's own order)."""
    views = [report.last_view for report in reports if report.last_view is not None]
    return max(views, key=lambda view: view.seqno, default=None)


def is_fresh(report: Report) -> bool:
    return report.directory is Directory.FRESH and not report.running and report.last_view is None


def is_settled(report: Report) -> bool:
    """Its position will not change by itself: no server runs, and the storage engine was asked if need be."""
    return not report.running and not report.unsettled


def may_bootstrap(report: Report) -> bool:
    """Invariant 2: only a directory whose own evidence gives a position."""
    known = report.position is not None and report.position.known
    return known and report.directory in (Directory.CLEAN, Directory.CRASHED)


def names(ordinals: Iterable[int]) -> str:
    listed = list(ordinals)
    return ("member " if len(listed) == 1 else "members ") + ", ".join(str(ordinal) for ordinal in listed)


def _owners(reports: Iterable[Report], uuid: str) -> list[int]:
    return sorted(report.ordinal for report in reports if uuid in histories_of(report))


def _seqno(report: Report) -> int:
    return report.position.seqno if report.position is not None else -1
