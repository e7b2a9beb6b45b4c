"""The role labels of pods, which lead clients to the writer: who is to be labelled what, and in which order."""

from collections.abc import Iterable

from trireme.api.names import PRIMARY, SECONDARY
from trireme.api.report import Report, WriterClaim
from trireme.core.health import role

ASSERT_SECONDS = 30.0
"""The writer sets everyone's label anew that often: members may not read labels, and a person may have changed one."""

LOOK_SECONDS = 5.0
"""The same while Kubernetes does not lead clients to the writer: the answers tell whether it does by now."""


def wanted_labels(
    me: Report,
    others: Iterable[int],
    predecessor: int | None,
    *,
    label: str | None = None,
    heir: Report | None = None,
) -> list[tuple[str, str]]:
    """``(pod, role)`` in the order in which to label. ``others``: the ordinals of all other members.

    ``label`` is the one that this member set last on its own pod, ``heir`` what the writer says, if another is it.

    A new writer first takes the label from its predecessor, which may be dead or frozen; from everybody, where it
    does not know who that was, as after a crash of all. A member without a server is led no clients: its label
    waits, so that a crash of all is recovered from first. A predecessor that serves keeps its label until the new
    writer has one: where only one of the two reaches the API, clients would be led nowhere.
    """
    if role(me) != PRIMARY:
        if label == PRIMARY and me.primary and heir is not None and heir.unrouted:
            return []
        return [(me.name, SECONDARY)] if me.server is not None else []
    cluster = me.name.rpartition("-")[0]
    before = sorted(others) if predecessor is None else [predecessor]
    return [*((f"{cluster}-{ordinal}", SECONDARY) for ordinal in before), (me.name, PRIMARY)]


def in_doubt(me: Report, claim: WriterClaim | None, age: float, *, stranded: bool = False) -> bool:
    """Whether labels that this member set ``age`` seconds ago, under ``claim``, may have been changed since.

    The writer of another term changes those of members that hear nothing of it. ``stranded``: as in
    :func:`trireme.core.switchover.stranded`.
    """
    every = LOOK_SECONDS if stranded else ASSERT_SECONDS
    return me.writer != claim or (role(me) == PRIMARY and age >= every)
