"""Which connections of a member that clients are led away from are closed, and when."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from trireme.core.draining import DRAIN_SECONDS, HANDOVER_SECONDS, SETTLE_SECONDS, Client, Drain, advance

IDLE, BUSY, LATER, SHELL = (
    Client(5, busy=False),
    Client(6, busy=True),
    Client(9, busy=False),
    Client(7, False, True),
)
NOW = 100.0
LED = Drain(since=90.0, led_away=99.0)
SETTLED = Drain(since=90.0, led_away=97.0, up_to=9, settled=True)


@dataclass(frozen=True)
class Row:
    drain: Drain
    clients: Sequence[Client] = ()
    led_away: bool = True
    settle: float = SETTLE_SECONDS
    close: tuple[int, ...] = ()
    waiting: int = 0
    done: bool = False
    overdue: bool = False


ROWS = {
    "nobody is led away yet": Row(Drain(since=99.9), [IDLE, BUSY], led_away=False),
    "nobody will be: it is not waited for longer": Row(
        Drain(since=NOW - HANDOVER_SECONDS), [IDLE, BUSY], led_away=False, settle=0.0, close=(5,), waiting=1
    ),
    "who is closed while nodes still lead clients here would come back": Row(Drain(since=99.9), [IDLE, BUSY]),
    "nor is who comes in that time": Row(LED, [IDLE, LATER]),
    "all nodes lead elsewhere: the idle are closed, the busy may finish": Row(
        Drain(since=90.0, led_away=NOW - SETTLE_SECONDS), [IDLE, BUSY, LATER], close=(5, 9), waiting=1
    ),
    "who comes later wants this member": Row(SETTLED, [Client(10, busy=False)], done=True),
    "a busy one is waited for": Row(SETTLED, [BUSY], waiting=1),
    "but not for ever": Row(
        Drain(since=50.0, led_away=NOW - SETTLE_SECONDS - DRAIN_SECONDS, up_to=9, settled=True),
        [BUSY],
        close=(6,),
        done=True,
        overdue=True,
    ),
    "a shell in the pod stays": Row(SETTLED, [SHELL], done=True),
    "where no label leads clients there is nothing to settle": Row(
        Drain(since=99.9), [IDLE], settle=0.0, close=(5,)
    ),
    "it is over when they are gone": Row(Drain(since=99.9), settle=0.0, done=True),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows(name: str) -> None:
    row = ROWS[name]
    step = advance(row.drain, row.clients, now=NOW, led_away=row.led_away, settle=row.settle)
    assert (step.close, step.waiting, step.done, step.overdue) == (
        row.close,
        row.waiting,
        row.done,
        row.overdue,
    )


def test_every_connection_of_the_old_time_is_closed_once_and_no_later_one() -> None:
    """Second by second: one finishes its transaction, one never does, one comes while nodes lag, one afterwards."""
    there = {5: False, 6: True, 7: True}
    drain, now, closed = Drain(since=0.0), 0.0, list[int]()
    while now < 60:
        if now == 1.0:
            there[8] = False
        if now == 4.0:
            there[6] = False
            there[11] = False
        clients = [Client(id_, busy) for id_, busy in there.items()]
        step = advance(drain, clients, now=now, led_away=now >= 0.5, settle=SETTLE_SECONDS)
        drain = step.drain
        closed += step.close
        for id_ in step.close:
            del there[id_]
        if step.done:
            break
        now += 0.5
    assert sorted(closed) == [5, 6, 7, 8]
    assert list(there) == [11]
    assert now <= 0.5 + SETTLE_SECONDS + DRAIN_SECONDS
