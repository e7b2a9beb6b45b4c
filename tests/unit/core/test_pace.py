"""Who makes all writes wait: members that look alike otherwise, all Synced, all of them held up together."""

from trireme.core.pace import Pace, holds_up, look_back

SECOND = 10**9


def looks(*rows: tuple[float, float, int, int]) -> tuple[Pace, ...]:
    """Rows of: when, seconds that writes were held up so far, pauses asked for so far, write sets in the queue."""
    kept: tuple[Pace, ...] = ()
    for at, paused, sent, queued in rows:
        kept = look_back(kept, Pace(at, int(paused * SECOND), sent, queued))
    return kept


def test_who_asked_for_the_pauses_is_slow_and_who_was_held_up_with_it_is_not() -> None:
    assert holds_up(looks((0, 0, 0, 0), (10, 4, 9, 0), (20, 9, 17, 31)), before=False)
    assert not holds_up(looks((0, 0, 0, 0), (10, 4, 0, 2), (20, 9, 0, 0)), before=False)


def test_one_pause_may_last_longer_than_the_window() -> None:
    """Its disk hangs: it asked once, long ago, and its queue does not become empty."""
    hangs = looks(*((at, at, 1, 40) for at in range(0, 120, 2)))
    assert holds_up(hangs, before=False)
    led = looks(*((at, at, 0, at % 4) for at in range(0, 120, 2)))
    assert not holds_up(led, before=False)


def test_a_short_pause_is_no_notice_and_what_was_said_stays_for_a_while() -> None:
    seldom = looks((0, 0, 0, 0), (15, 2, 3, 0), (30, 4.5, 6, 0))
    assert not holds_up(seldom, before=False)
    assert holds_up(seldom, before=True)
    assert not holds_up(looks((0, 0, 0, 0), (30, 2, 6, 0)), before=True)


def test_a_few_seconds_say_nothing() -> None:
    early = looks((0, 0, 0, 0), (5, 5, 9, 9))
    assert not holds_up(early, before=False)
    assert holds_up(early, before=True)


def test_what_was_before_the_window_or_before_the_server_started_does_not_count() -> None:
    assert looks((0, 0, 0, 0), (20, 9, 9, 9), (50, 9, 9, 0))[0].at == 20
    again = looks((0, 50, 7, 9), (10, 60, 8, 9), (20, 1, 0, 0))
    assert [each.at for each in again] == [20]
    assert not holds_up(again, before=False)
