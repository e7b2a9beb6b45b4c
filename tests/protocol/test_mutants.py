"""Seeded bugs: each is caught every time by the schedules, so the schedules can catch bugs."""

import pytest

from tests.protocol.mutants import MUTANTS, RIVALRY, RIVALS, Mutant
from tests.protocol.schedules import make
from tests.protocol.shrink import failure
from tests.protocol.stories import STORIES

MOST_SCHEDULES = 3000
"""The slowest needs 1,000. The seeds are fixed, so what is caught once is caught every time."""


def is_caught(mutant: Mutant) -> bool:
    with mutant.at_work() as rules:
        named = (failure(schedule, rules) for schedule in STORIES.values())
        if any(mutant.is_caught_by(violation) for violation in named):
            return True
        return any(mutant.is_caught_by(failure(make(seed), rules)) for seed in range(MOST_SCHEDULES))


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_the_mutant_is_caught(mutant: Mutant) -> None:
    assert is_caught(mutant), f"neither by a named schedule nor by {MOST_SCHEDULES} random ones"


def test_grants_alone_prevent_two_primaries_where_members_disagree_on_the_candidate() -> None:
    """What the mutants of grants are mixed with is no bug by itself."""
    rivalry = Mutant("each sees itself as the candidate", RIVALRY, RIVALS)
    with rivalry.at_work() as rules:
        for seed in range(400):
            assert not rivalry.is_caught_by(failure(make(seed), rules)), seed
