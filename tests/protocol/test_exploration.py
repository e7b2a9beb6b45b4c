"""Every order of a few moves with a few faults: a short bound of what `make verify` explores further."""

import pytest

from tests.protocol.bounds import NEAR, Search
from tests.protocol.explore import explore
from tests.protocol.schedules import Schedule
from tests.protocol.shrink import story


@pytest.mark.parametrize("each", NEAR, ids=str)
def test_no_order_of_events_within_the_bound_breaks_an_invariant(each: Search) -> None:
    found = explore(each.bound, each.begin, ends=each.ends)
    assert found.violation is None, story(
        Schedule(each.bound.size, each.begin, found.steps, each.bound.patience)
    )
    assert found.complete
    assert found.states > 5000
