"""Changes that overtake each other, in a model of what the operator acts on: whatever came before, the last spec is
in effect in the end, no member that serves is taken away while another is not there, and no commit is lost."""

import os
from collections.abc import Iterator

import pytest

from tests.unit.core.kept_flight import Chance
from trireme.core.reconcile import decide, roll
from trireme.core.reconcile.actions import Action
from trireme.core.reconcile.keep import keep_set as kept_set
from trireme.core.reconcile.seen import SetSeen, View

FLIGHTS = int(os.environ.get("TRIREME_TEST_KEPT_FLIGHTS", "40"))
CHANGES = 12
FORM_SECONDS, SETTLE_SECONDS = 30, 400
MUTANTS = ("no peace is waited for", "nobody broken is replaced", "larger volumes hold back settings")


def fly(seed: int) -> None:
    flight = Chance(seed)
    try:
        flight.run(FORM_SECONDS)
        assert flight.settled()
        flight.fly(CHANGES)
        flight.base()
        decision = flight.run(SETTLE_SECONDS)
        assert flight.settled(), decision.why
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(flight.story)) from error


@pytest.mark.parametrize("block", range(4))
def test_whatever_overtakes_what_the_last_spec_is_in_effect(block: int) -> None:
    for seed in range(block, FLIGHTS, 4):
        fly(seed)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_an_operator_without_one_of_its_rules_is_caught(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def keep_set(view: View, found: SetSeen) -> Iterator[Action]:
        if found.size == view.wanted.size:
            yield from kept_set(view, found)

    match mutant:
        case "no peace is waited for":
            monkeypatch.setattr(roll, "unrest", lambda *_: None)
        case "nobody broken is replaced":
            monkeypatch.setattr(roll, "replace_broken", lambda *_: None)
        case _:
            monkeypatch.setattr(decide, "keep_set", keep_set)
    with pytest.raises(AssertionError, match="seed"):
        for seed in range(FLIGHTS):
            fly(seed)
