"""Seeded bugs of the rules: each is found by random schedules, so the schedules can find bugs."""

import pytest

from tests.protocol.mutants import MUTANTS, Mutant
from tests.protocol.schedules import make
from tests.protocol.shrink import failure

MOST_SCHEDULES = 6000
RARE = (
    "an incomplete directory may bootstrap",
    "members without memory vouch for the latest view",
    "a joiner's data counts for nothing",
    "a joiner's data is set aside at once",
)
"""Found by the exhaustive exploration, or by many more schedules: too slow for every run of the tests."""
QUICK = [mutant for mutant in MUTANTS if mutant.name not in RARE]


@pytest.mark.parametrize("mutant", QUICK, ids=[mutant.name for mutant in QUICK])
def test_the_mutant_is_found(mutant: Mutant) -> None:
    with mutant.at_work() as rules:
        found = (seed for seed in range(MOST_SCHEDULES) if failure(make(seed), rules) is not None)
        assert next(found, None) is not None, f"not found in {MOST_SCHEDULES} schedules"
