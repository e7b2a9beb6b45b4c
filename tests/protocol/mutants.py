"""Wrong rules: each is a mistake that a careful person could make, or that others made. Each must be caught.

A mutant replaces one function of the core, or breaks one promise of the executor (:class:`~.world.Rules`).
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from tests.protocol import acting, group
from tests.protocol import wrong_rules as wrong
from tests.protocol.world import Rules, Violation
from trireme.core import (
    absent,
    branches,
    candidate,
    decide,
    directory,
    election,
    gaps,
    grants,
    present,
    retiring,
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """``changes``: module, name, replacement."""

    name: str
    changes: tuple[tuple[Any, str, Callable[..., Any]], ...] = ()
    rules: Rules = field(default_factory=Rules)

    def is_caught_by(self, violation: Violation | None) -> bool:
        """Where members are made to disagree on the candidate, a stalemate is no find."""
        return violation is not None and (self.rules.one_opinion or violation.invariant != "progress")

    @contextmanager
    def at_work(self) -> Iterator[Rules]:
        with ExitStack() as stack:
            for module, name, replacement in self.changes:
                stack.enter_context(patch.object(module, name, replacement))
            yield self.rules


RIVALRY: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (decide, "without_server", wrong.tells_who),
    (decide, "with_server", wrong.tells_who_runs),
    (election, "elect", wrong.votes_for_itself),
)
"""No mutant: a disturbance that grants must withstand. It may end in a stalemate, never in two Primaries."""
RIVALS = Rules(one_opinion=False)

MUTANTS = (
    Mutant("seqnos of different uuids are compared", (
        (election, "elect", wrong.seqno_only), (grants, "judge_request", wrong.seqno_only_request))),
    Mutant("safe_to_bootstrap is trusted", ((election, "elect", wrong.by_flag),)),
    Mutant("a time-out is an absence", ((election, "elect", wrong.who_answers),)),
    Mutant("the latest view is ignored: a majority of the declared decides", ((election, "elect", wrong.majority),)),
    Mutant("a failed look-up makes a new cluster", ((election, "elect", wrong.first_of_two),)),
    Mutant("an incomplete directory may bootstrap", ((directory, "judge", wrong.salvage),)),
    Mutant("the engine is not asked for its position", ((directory, "judge", wrong.engine_not_asked),)),
    Mutant("ties go to the highest ordinal", ((election, "elect", wrong.highest_tie),)),
    Mutant("the lowest ordinal bootstraps, whatever its position", (
        (election, "elect", wrong.least_advanced), (grants, "judge_request", wrong.never_ahead))),
    Mutant("a grant is given to every candidate", (*RIVALRY, (grants, "_conflict", wrong.no_conflict)), RIVALS),
    Mutant("a grant expires", (*RIVALRY, (grants, "is_spent", wrong.expired)), RIVALS),
    Mutant("a candidate that does not run is taken to have given up", (
        *RIVALRY, (grants, "is_void", wrong.silent_is_void)), RIVALS),
    Mutant("a grant is given while a server runs", (
        (election, "is_settled", wrong.running_is_settled), (absent, "_run", wrong.nobody),
        (grants, "judge_request", wrong.refuses_nothing_of_running))),
    Mutant("a voter does not compare what it knows itself", (
        *RIVALRY, (grants, "judge_request", wrong.never_ahead)), RIVALS),
    Mutant("a candidate gives way without writing it down", (
        (absent, "withdrawal", wrong.keeps_campaign), (present, "withdrawal", wrong.keeps_campaign))),
    Mutant("every candidacy has the same epoch", ((candidate, "_candidacy", wrong.own_candidacy),)),
    Mutant("members without memory vouch for the latest view", ((election, "_vouches", wrong.always_vouches),)),
    Mutant("a joiner's data counts for nothing", ((directory, "judge", wrong.joiner_lost_all),)),
    Mutant("a joiner's data is set aside at once", ((absent, "_worthless", wrong.discards),)),
    Mutant("half of the latest view is a majority", ((election, "_majority", wrong.half),)),
    Mutant("joiners and those who left count for a majority", (
        (election, "_majority", wrong.any_whole), (grants, "counts", election.may_bootstrap))),
    Mutant("those who stay away are not waited for, whatever the policy", (
        (election, "elect", wrong.impatient), (grants, "_refusal_without", wrong.no_conflict))),
    Mutant("what a late member has beyond a gap is not noticed", ((gaps, "diverged", wrong.no_conflict),)),
    Mutant("members that the cluster went on without count as before", (
        (election, "went_through", dict), (grants, "left_behind", wrong.no_conflict))),
    Mutant("a gap that a member had only heard of excludes the missing", ((election, "went_through", wrong.all_known),)),
    Mutant("a server that was cut off learns of the gap without coming through it", (
        (present, "_news_of_mates", wrong.news_of_all),)),
    Mutant("a joiner that is ahead of the latest view is passed over", ((election, "_ahead", wrong.nobody),)),
    Mutant("two branches of one history are not told apart", (
        (branches, "strayed", wrong.no_conflict), (branches, "ahead_of", wrong.no_conflict))),
    Mutant("two branches of one history are compared by seqno", ((election, "parted", wrong.no_conflict),)),
    Mutant("a member that missed views takes those that it knows for all", ((group, "told", wrong.no_break),)),
    Mutant("a server is taken to come back unawares after a bootstrap, too", ((branches, "_unawares", wrong.all_later),)),
    Mutant("all wait for the lowest ordinal, though its server cannot start", (
        (election, "elect", wrong.faults_unseen),)),
    Mutant("servers from before a gap connect by themselves", ((acting, "group_name", wrong.one_name),)),
    Mutant("what a person gave up binds all the same", ((candidate, "_undone", wrong.nobody),)),
    Mutant("a grant to a person's choice is spent by a view from before it", ((grants, "is_spent", wrong.spent_by_any),)),
    Mutant("two who went on without each other leave each other behind, and who is left over goes on alone", (
        (election, "opposed", wrong.no_conflict),)),
    Mutant("an old copy from before a gap vouches that nobody went on since", ((election, "forgetful", wrong.nobody),)),
    Mutant("a member of another branch vouches for its last view", ((election, "_vouches", wrong.strays_vouch),)),
    Mutant("a late request of a person's choice takes a later grant back", (
        (grants, "_conflict", wrong.whatever_the_epoch),)),
    Mutant("what a volume without a view received is of the branch that lives", (
        *((module, "left_behind", wrong.by_views_only) for module in (gaps, grants)),)),
    Mutant("an answer from before a grant tells what became of it", (
        (grants, "judge_request", wrong.old_answers_count),)),
    Mutant("who is ahead of a person's choice, in no later view, counts as before", (
        *((module, "left_behind", wrong.by_views_alone) for module in (gaps, grants)),)),
    Mutant("who joins after a person's choice keeps a view that was given up", (
        (gaps, "view_given_up", wrong.no_conflict),)),
    Mutant("a new copy is taken while the others have only received what is set aside", (
        (retiring, "_has_all_of", wrong.always_vouches), (retiring, "_have_noticed", wrong.always_vouches))),
    Mutant("a Primary that only lags is of another branch than who is to take a new copy", (
        (branches, "passed", wrong.always_vouches), (retiring, "_have_noticed", wrong.always_vouches))),
    Mutant("a gap is named by its founder's volume and epoch alone", ((candidate, "_gap", wrong.short_name),)),
    Mutant("a gap is not written down", ((candidate, "_gap", wrong.no_conflict),)),
    Mutant("a group makes itself a Primary though one that stopped is ahead", (
        (present, "elect_in_place", wrong.running_first), (absent, "elect_in_place", wrong.running_first),
        (grants, "judge_request", wrong.never_ahead))),
    Mutant("grants are forgotten at a restart", rules=Rules(lasting_grants=False)),
    Mutant("a grant is given before it is on disk", rules=Rules(durable_grants=False)),
    Mutant("views are not kept", rules=Rules(durable_views=False)),
)  # fmt: skip
