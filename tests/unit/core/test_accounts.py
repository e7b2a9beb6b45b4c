"""Which passwords are changed, to what, and when."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trireme.core.accounts import Account, Given, Plan, plan, shown

NEW, OLD, OLDER = "*NEW", "*OLD", "*OLDER"
NOW, GRACE = 1000.0, 600.0


def app(*hashes: str, changed_at: int = 100, foreign: str = "") -> Account:
    return Account("app", "%", hashes, changed_at, foreign)


@dataclass(frozen=True)
class Row:
    account: Account | None
    to: tuple[str, ...] | None = None
    in_step: bool = True
    says: str = ""
    since: float = 900.0


ROWS = {
    "as the Secret says": Row(app(NEW), says="the passwords are the Secret's"),
    "a new one, the old one beside it": Row(app(OLD), (NEW, OLD), False, "is new for app@%"),
    "of two old ones only the first is kept": Row(app(OLD, OLDER), (NEW, OLD), False),
    "back to the one before": Row(app(OLD, NEW), (NEW, OLD), False),
    "changed: the old one is taken for a while": Row(app(NEW, OLD, changed_at=900), says="for 500 s more"),
    "its time is over": Row(app(NEW, OLD, changed_at=400), (NEW,)),
    "another way of logging in": Row(app("", foreign="ed25519"), None, False, "app@% logs in by ed25519"),
    "no such account": Row(None, None, False, "there is no account app"),
    "this member's Secret is the older one": Row(
        app(OLD, changed_at=950), None, False, "was changed after the Secret that this member was shown"
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows(name: str) -> None:
    row = ROWS[name]
    found = [row.account] if row.account is not None else []
    outcome = plan(found, Given({"app": NEW}, row.since), now=NOW, grace=GRACE)
    assert [change.hashes for change in outcome.changes] == ([row.to] if row.to is not None else [])
    assert outcome.in_step is row.in_step
    assert row.says in outcome.why


def test_without_a_grace_time_the_old_one_ends_at_once() -> None:
    (change,) = plan([app(OLD)], Given({"app": NEW}, 900.0), now=NOW, grace=0).changes
    assert change.hashes == (NEW,)


def test_a_password_is_handed_on_only_when_it_is_valid_everywhere() -> None:
    root = [Account("root", "localhost", (NEW, OLD), 1), Account("root", "%", (OLD,), 1)]
    assert not shown(root, "root", NEW)
    assert shown(root, "root", OLD)
    assert not shown([], "root", OLD)


ACTS = st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=4)
"""Seconds, and whether the writer is shown an old Secret: the kubelet brings the new one within two minutes."""


@given(changes=st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), ACTS), max_size=8))
def test_whoever_knows_the_last_two_passwords_is_never_locked_out(
    changes: list[tuple[str, list[tuple[int, bool]]]],
) -> None:
    """Writers act at any time, also those who are shown the Secret before; one who is shown it acts before the next."""
    account, now, current, previous = app("a", changed_at=0), 0.0, "a", "a"
    shows, earlier = ("a", 0.0), ("a", 0.0)
    for secret, acts in changes:
        now += 1
        if secret != current:
            earlier, previous, current, shows = shows, current, secret, (secret, now)
        for seconds, stale in [*acts, (1, False), (700, False)]:
            now += seconds
            hash_, since = earlier if stale else shows
            outcome: Plan = plan([account], Given({"app": hash_}, since), now=now, grace=GRACE)
            for change in outcome.changes:
                assert change.hashes[0] in (current, previous)
                account = app(*change.hashes, changed_at=int(now))
            assert {current, previous} & set(account.hashes)
        assert account.hashes[0] == current
