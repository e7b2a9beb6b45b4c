"""Changes that overtake each other, in a model of what the operator acts on: whatever came before, the last spec is
in effect in the end, no member that serves is taken away while another is not there, and no commit is lost."""

import os

import pytest

from tests.unit.core.kept_flight import Chance

FLIGHTS = int(os.environ.get("TRIREME_TEST_KEPT_FLIGHTS", "40"))
CHANGES = 12
SETTLE_SECONDS = 400


@pytest.mark.parametrize("block", range(4))
def test_whatever_overtakes_what_the_last_spec_is_in_effect(block: int) -> None:
    for seed in range(block, FLIGHTS, 4):
        flight = Chance(seed)
        try:
            flight.run(30)
            assert flight.settled()
            flight.fly(CHANGES)
            flight.base()
            decision = flight.run(SETTLE_SECONDS)
            assert flight.settled(), decision.why
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(flight.story)) from error
