"""A voter's side of the election: may this candidate have my grant? (invariant 7)

A grant is on disk before it is given, and never expires. It is spent when its voter belongs to a later view,
and free again when its candidate said, durably, that it will never use it, or lost the volume it was given for.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from trireme.api.position import View
from trireme.api.report import Directory, Grant, GrantRequest, Override, Report
from trireme.core.election import counts, is_fresh, is_settled, may_bootstrap, names
from trireme.core.gaps import abandoned, binding, histories_of, left_behind
from trireme.core.reform import in_group, waits_without_primary
from trireme.core.terms import Terms


@dataclass(frozen=True, slots=True)
class Granted:
    grant: Grant
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    why: str


def judge_request(
    request: GrantRequest, voter: Report, answers: Mapping[int, Report], terms: Terms
) -> Granted | Refused:
    """``voter`` is this member's own report as of now; ``answers`` what the others said last, ``terms`` its own."""
    claim = request.candidate
    reason = _refusal(request, voter)
    if not reason and request.candidacy.override is None:
        reason = _refusal_without(request, voter, answers, terms)
    said = {ordinal: report for ordinal, report in answers.items() if ordinal not in terms.outdated}
    reason = reason or _conflict(request, voter.grant, voter, said)
    if reason:
        return Refused(reason)
    grant = Grant(
        epoch=request.candidacy.epoch,
        candidate=claim.ordinal,
        volume=claim.volume,
        succeeds=request.candidacy.succeeds,
        after=voter.last_view,
    )
    return Granted(grant, f"member {claim.ordinal} may bootstrap in epoch {grant.epoch}")


def _refusal(request: GrantRequest, voter: Report) -> str | None:
    """What the voter itself knows against the candidate, whoever else asked."""
    claim, succeeds, word = request.candidate, request.candidacy.succeeds, request.candidacy.override
    if claim.cluster != voter.cluster:
        return f"the candidate belongs to {claim.cluster}, this member to {voter.cluster}"
    if request.candidacy.epoch <= claim.withdrawn:
        return f"the candidate withdrew epoch {request.candidacy.epoch}"
    if voter.leaving:
        return "this member is stopping"
    if request.candidacy.in_place and not request.candidacy.without:
        reason = _refusal_in_place(claim, voter)
        if reason is not None:
            return reason
    elif voter.running and claim.ordinal != voter.ordinal:
        return "a server runs here: its position is not final"
    elif not is_settled(voter):
        return "this member does not know its own position yet"
    if word is not None:
        return _refusal_of_chosen(claim, word, voter)
    if succeeds is None and is_fresh(claim):
        return _refusal_of_first(request, voter)
    return _refusal_of_successor(succeeds, claim, voter)


def _refusal_in_place(claim: Report, voter: Report) -> str | None:
    """A voter's server may run where it is of the candidate's group: Galera exchanges what the two received."""
    if not waits_without_primary(claim):
        return "the candidate's server does not wait for a Primary"
    if not voter.running:
        return None if is_settled(voter) else "this member does not know its own position yet"
    if not waits_without_primary(voter):
        return "a server runs here, and its position is not final"
    return None if in_group(claim, voter) else "the server here is not connected with the candidate's"


def _refusal_of_chosen(claim: Report, word: Override, voter: Report) -> str | None:
    """A person compared; what the voter has beyond the candidate was shown, and is set aside, not lost."""
    if (word.candidate, word.volume) != (claim.ordinal, claim.volume):
        return f"{word.by} chose member {word.candidate} on another volume"
    if not (may_bootstrap(claim) or (word.new_history and claim.directory is Directory.UNKNOWN)):
        return f"the candidate's directory is {claim.directory}"
    seqno = voter.position.seqno if voter.position is not None and may_bootstrap(voter) else -1
    behind = claim.position is None or seqno > claim.position.seqno
    if behind and seqno >= 0 and (voter.ordinal, seqno) not in word.shown:
        return f"this member is at {voter.position}, which {word.by} was not shown"
    return None


def _refusal_without(
    request: GrantRequest, voter: Report, answers: Mapping[int, Report], terms: Terms
) -> str | None:
    """Not to wait for somebody takes the same policy, the same silence and the same patience here."""
    without = request.candidacy.without
    if not without:
        return None
    heard = [ordinal for ordinal in without if ordinal in answers or ordinal == voter.ordinal]
    if heard:
        return f"this member hears {names(heard)}"
    if not terms.overdue:
        return f"this member still waits for {names(without)}"
    if voter.ordinal in request.majority and not counts(voter):
        return "this member's data does not count for a majority"
    return None


def _refusal_of_first(request: GrantRequest, voter: Report) -> str | None:
    claim = request.candidate
    if not is_fresh(voter):
        return f"this member's directory is {voter.directory}: the cluster is not new"
    if claim.declared != voter.declared and not request.candidacy.founding:
        return f"the candidate counts {claim.declared} declared members, this member {voter.declared}"
    return None


def _refusal_of_successor(succeeds: View | None, claim: Report, voter: Report) -> str | None:
    """``succeeds`` None: the candidate has data, and nobody that it heard remembers a view."""
    whole = may_bootstrap(claim) or (waits_without_primary(claim) and not claim.joining)
    if not whole or claim.position is None or not claim.position.known:
        return f"the candidate's directory is {claim.directory}"
    uuid, seqno = (succeeds.uuid, succeeds.seqno) if succeeds is not None else (claim.position.uuid, 0)
    gaps = binding((claim, voter))
    if left_behind(claim, gaps) is not None:
        return "the cluster went on without the candidate: what it has beyond is of no history that lives"
    if left_behind(voter, gaps) is not None:
        return None
    strangers = histories_of(voter) - {uuid} - abandoned(gaps)
    if strangers or claim.position.uuid != uuid:
        return f"the candidate's history is {uuid}, this member knows {', '.join(strangers) or 'another'}"
    if voter.last_view is not None and voter.last_view.seqno > seqno:
        return f"this member knows a later view ({voter.last_view.seqno} > {seqno})"
    if may_bootstrap(voter) and voter.position is not None and voter.position.seqno > claim.position.seqno:
        return f"this member is ahead ({voter.position.seqno} > {claim.position.seqno})"
    return None


def _conflict(
    request: GrantRequest, held: Grant | None, voter: Report, answers: Mapping[int, Report]
) -> str | None:
    """What an earlier grant of this voter says against a new one. ``answers``: those that were asked for since. An older
    one is of a candidate that knew nothing of it yet, as one that forgot it (or is of the volume that it had before)."""
    claim = request.candidate
    if held is None or is_spent(held, voter.last_view):
        return None
    if held.candidate == claim.ordinal:
        if request.candidacy.epoch < held.epoch:
            return f"a late message: epoch {held.epoch} was granted since"
        return None
    word = request.candidacy.override
    if word is not None and held.candidate in word.without and held.candidate != voter.ordinal:
        newer = request.candidacy.epoch > held.epoch
        return None if newer else f"epoch {held.epoch} was granted to member {held.candidate} since"
    current = voter if held.candidate == voter.ordinal else answers.get(held.candidate)
    if current is not None and is_void(held, current):
        return None
    given = f"granted to member {held.candidate} in epoch {held.epoch}"
    if current is not None and is_forgotten(held, current):
        old = "an old copy of its volume was put back, and whether it bootstrapped then nobody can tell"
        return f"{given}: {old}; a person must choose (trireme recover)" if word is None else None
    return f"{given}, which neither used it nor withdrew"


def is_spent(grant: Grant, last_view: View | None) -> bool:
    """Its voter has belonged to a view since that the grant did not know: the election it served is over."""
    if last_view is None or last_view == grant.after:
        return False
    succeeds = grant.succeeds
    return succeeds is None or last_view.uuid != succeeds.uuid or last_view.seqno > succeeds.seqno


def is_forgotten(grant: Grant, candidate: Report) -> bool:
    """Its volume knows nothing of it, though an epoch is written there before anybody is asked: an old copy was put back.
    It never bootstraps by that grant any more; whether it did before, nobody can tell."""
    asked = candidate.candidacy
    same = candidate.volume == grant.volume and candidate.withdrawn < grant.epoch
    return same and (asked is None or asked.epoch < grant.epoch)


def is_void(grant: Grant, candidate: Report) -> bool:
    """The candidate's own answer proves that it will never bootstrap by this grant."""
    return candidate.withdrawn >= grant.epoch or candidate.volume != grant.volume


def next_epoch(answers: Mapping[int, Report]) -> int:
    """Greater than any epoch that anyone who answers has opened, granted or withdrawn."""
    seen = [0]
    for report in answers.values():
        seen.append(report.withdrawn)
        seen.extend(item.epoch for item in (report.grant, report.candidacy) if item is not None)
    return max(seen) + 1
