"""A person's word on who bootstraps: what is refused even to a person, with the reason. Pure."""

from collections.abc import Mapping

from trireme.api.report import Directory, Override, Report
from trireme.core.election import may_bootstrap, names
from trireme.core.gaps import histories_of
from trireme.core.reform import as_final, waits_without_primary
from trireme.core.terms import Terms


def refusal(word: Override, me: Report, answers: Mapping[int, Report], terms: Terms) -> str | None:
    """None where ``me`` may keep the word. Nothing here judges who is the best: that was shown to the person."""
    if (word.candidate, word.volume) != (me.ordinal, me.volume):
        return (
            f"this is member {me.ordinal} on volume {me.volume}, not member {word.candidate} on {word.volume}"
        )
    living = [ordinal for ordinal, report in answers.items() if report.primary]
    if me.primary or living:
        return f"a Primary lives ({names(living or [me.ordinal])}): there is nothing to recover"
    return _unfit(word, me) or _contradiction(word, me, answers, terms)


def _unfit(word: Override, me: Report) -> str | None:
    """Invariant 2: not even a person makes a cluster of a directory that is empty or half-copied."""
    if me.leaving:
        return "this member is stopping"
    if me.unsettled:
        return "this member still asks its storage engine for its position: ask again when it knows"
    if may_bootstrap(as_final(me)) or (
        word.new_history and me.directory is Directory.UNKNOWN and not me.running
    ):
        return None
    if me.directory is Directory.UNKNOWN:
        return "its position cannot be proved: it may only begin a history of its own (--new-history)"
    return f"its directory is {me.directory}: there is nothing to go on from"


def _contradiction(word: Override, me: Report, answers: Mapping[int, Report], terms: Terms) -> str | None:
    heard = [ordinal for ordinal in word.without if ordinal in answers or ordinal == me.ordinal]
    if heard:
        return f"{names(heard)} answers, and is said to be gone"
    views = (report.last_view.members for report in (me, *answers.values()) if report.last_view is not None)
    declared = max([terms.declared, *(report.declared for report in answers.values())])
    known = {*range(declared), *(terms.named or ())}.union(*views)
    silent = sorted(known - answers.keys() - {me.ordinal, *word.without})
    if silent:
        return f"no answer from {names(silent)}, not said to be gone"
    asking = [o for o, r in answers.items() if r.unsettled or (r.running and not waits_without_primary(r))]
    if asking:
        return f"the position of {names(asking)} is not known yet: ask again when it is"
    mine = histories_of(me)
    others = {uuid for report in answers.values() for uuid in histories_of(report)} - mine - {*word.give_up}
    if others:
        return f"other members hold data of {', '.join(sorted(others))}, which is not given up"
    return None
