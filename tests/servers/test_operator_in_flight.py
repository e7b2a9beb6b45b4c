"""Changes that do not wait for each other: each is put while the one before is under way, or stuck.

In the end the first spec is put, and everything must be as in the beginning: whole, one history, no acknowledged
commit lost. `make soak-operator` tries several seeds.
"""

import os
from collections.abc import Iterator

import pytest

from tests.servers.flights import Flight, FollowingClient
from tests.servers.in_effect import lacking
from tests.servers.operating import SEEDS, Operated, operated
from tests.servers.sandboxed import Kubernetes, wait_until

pytestmark = pytest.mark.servers

FLIGHTS = tuple(map(int, filter(None, os.environ.get("TRIREME_TEST_FLIGHTS", "").split(",")))) or SEEDS
"""Seeds of their own, or those at which the operator dies."""
CHANGES = 8
SETTLE_SECONDS = 240.0


@pytest.fixture
def demo(kubernetes: Kubernetes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    with operated(kubernetes, tmp_path_factory.mktemp("operator")) as made:
        made.declare(updateStrategy={"type": "RollingUpdate", "progressDeadlineSeconds": 60})
        made.wait_settled()
        yield made


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", FLIGHTS)
def test_changes_that_do_not_wait(demo: Operated, seed: int) -> None:
    history, flight = demo.wait_synced(), Flight(demo, seed)
    with FollowingClient(demo, "ledger") as client:
        for _ in range(CHANGES):
            flight.change()
            flight.pause()
        flight.base()
        assert demo.wait_settled(seconds=SETTLE_SECONDS) == history, flight.story
        client.wait_for_more()
    wait_until(lambda: lacking(demo) == "", f"all is as it was; {flight.story}", 60)
    assert client.lost() == {}, flight.story
