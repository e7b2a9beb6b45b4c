"""The role labels of pods, which lead clients to the writer: who is to be labelled what, and in which order."""

from collections.abc import Iterable

from trireme.api.names import PRIMARY, SECONDARY
from trireme.api.report import Report
from trireme.core.health import role


def wanted_labels(me: Report, others: Iterable[int], predecessor: int | None) -> list[tuple[str, str]]:
    """``(pod, role)`` in the order in which to label. ``others``: the ordinals of all other members.

    A new writer first takes the label from its predecessor, which may be dead or frozen; from everybody, where it
    does not know who that was, as after a crash of all. A member without a server is led no clients: its label
    waits, so that a crash of all is recovered from first.
    """
    if role(me) != PRIMARY:
        return [(me.name, SECONDARY)] if me.server is not None else []
    cluster = me.name.rpartition("-")[0]
    before = sorted(others) if predecessor is None else [predecessor]
    return [*((f"{cluster}-{ordinal}", SECONDARY) for ordinal in before), (me.name, PRIMARY)]
