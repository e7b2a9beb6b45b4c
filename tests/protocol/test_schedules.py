"""Random and named schedules of the real decisions in simulated time; a failure is shrunk to a readable story."""

import os

import pytest

from tests.protocol.schedules import Schedule, make
from tests.protocol.shrink import failure, shrink, story
from tests.protocol.stories import STORIES
from tests.protocol.world import Rules

BATCH = 250
BATCHES = int(os.environ.get("TRIREME_SCHEDULES", "6000")) // BATCH
"""6,000 schedules, 20 to 60 s of one core. `make verify` runs 100,000 others."""


@pytest.mark.parametrize("schedule", STORIES.values(), ids=list(STORIES))
def test_named_schedule(schedule: Schedule) -> None:
    assert failure(schedule) is None, story(schedule)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_schedules_break_no_invariant_and_end_with_a_whole_cluster(batch: int) -> None:
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        schedule = make(seed)
        assert failure(schedule) is None, f"seed {seed}\n{story(shrink(schedule))}"


def test_what_is_not_judged_again_would_be_judged_the_same() -> None:
    """Every step, decision and sentence is the same where each picture is judged anew."""
    for seed in range(0, 1600, 16):
        for each in (make(seed), make(seed + 3), make(seed + 7)):
            assert story(each) == story(each, Rules(remembered=False)), seed


def test_a_schedule_can_be_repeated() -> None:
    """The same seed makes the same steps, and the same steps the same story: a failure can be looked at again."""
    assert make(7) == make(7)
    assert story(make(7)) == story(make(7))
