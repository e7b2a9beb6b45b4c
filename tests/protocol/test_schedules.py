"""Random schedules of the real decision code in simulated time; a failure is shrunk to a readable story."""

import os

import pytest

from tests.protocol.schedules import Schedule, make
from tests.protocol.shrink import failure, shrink, story

BATCH = 100
BATCHES = int(os.environ.get("TRIREME_SCHEDULES", "2000")) // BATCH
"""2,000 schedules by default, about 20 s; more by hand: TRIREME_SCHEDULES=1000000 pytest -n auto tests/protocol."""


def tell(schedule: Schedule) -> str:
    return story(shrink(schedule))


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_schedule_of_faults_breaks_an_invariant_or_ends_without_a_whole_cluster(batch: int) -> None:
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        schedule = make(seed)
        assert failure(schedule) is None, f"seed {seed}\n{tell(schedule)}"
