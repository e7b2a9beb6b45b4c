"""Clients of a member that no longer takes their writes: when each is asked to connect anew. Pure.

The member goes on as it was, and takes whoever comes, until every node leads clients elsewhere. Only then is a
client that does nothing closed: its next connection leads to the new writer, and one that was closed earlier would
come back here, to be closed again. A client in the middle of a transaction may finish it (for a bounded time).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from trireme.api.report import Report, WriterClaim

HANDOVER_SECONDS = 5.0
"""Longest wait for a successor that claims the role and to whom clients are led.

Agents wake each other: the claim takes two message round trips, the label of its pod two calls of the API.
"""
SETTLE_SECONDS = 2.5
"""Until a label or a pod's end has reached every node's proxy. Nobody can ask them: kube-proxy waits 1 s between two
syncs, one takes some 0.1 s, and the new writer's label may make one just before its predecessor's is gone. A server
that stopped earlier cost clients 0.7 to 1.5 s of refused connections (measured)."""
DRAIN_SECONDS = 10.0
"""Longest wait for clients' open transactions after that. What is left then is rolled back."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client's connection. ``id`` is the server's, and grows."""

    id: int
    busy: bool
    """A transaction is open, or a statement runs."""
    local: bool = False
    """It came by the server's socket, as a person's shell in the pod does: no Service can lead it elsewhere."""


@dataclass(frozen=True, slots=True)
class Drain:
    """``since``: when the role was lost, or the stop asked for. Times are seconds of the situation's clock."""

    since: float
    led_away: float | None = None
    """Since when clients are led elsewhere."""
    up_to: int = 0
    """Connections up to this id are to be closed."""
    settled: bool = False
    """No more are added: whoever connects now wants this member."""


def led_to(report: Report, claim: WriterClaim) -> bool:
    """Clients are led to this writer by now, by its own word."""
    return report.writer == claim and not report.unrouted


@dataclass(frozen=True, slots=True)
class Step:
    drain: Drain
    close: tuple[int, ...]
    overdue: bool
    """They had their time: what they do is cut off."""
    waiting: int
    """Clients that may finish what they do."""
    done: bool
    """Those that were to go are gone. A server that stops under its clients tells them that it is not prepared (1047)
    first, and a client that tries again on the same connection hears it again."""


def advance(
    drain: Drain,
    clients: Iterable[Client],
    *,
    now: float,
    led_away: bool,
    settle: float,
    patience: float = HANDOVER_SECONDS,
) -> Step:
    """``led_away``: clients are led to another member by now, which is waited for as long as ``patience``.

    ``settle``: seconds until all of them are.
    """
    remote = [client for client in clients if not client.local]
    newest = max((client.id for client in remote), default=0)
    if drain.led_away is None:
        if not led_away and now - drain.since < patience:
            return Step(drain, (), False, 0, False)
        drain = replace(drain, led_away=now)
    began = drain.led_away if drain.led_away is not None else now
    if not drain.settled and now - began >= settle:
        drain = replace(drain, settled=True, up_to=newest)
    concerned = [client for client in remote if client.id <= drain.up_to]
    overdue = now - began >= settle + DRAIN_SECONDS
    close = tuple(client.id for client in concerned if overdue or not client.busy)
    waiting = len(concerned) - len(close)
    done = drain.settled and (overdue or not concerned)
    return Step(drain, close, overdue, waiting, done)
